//! One worker for one device: a thread that owns the engine, and the actor that owns the thread.
//!
//! No tensor leaves the thread, and no torch call runs on an async runtime. Between two steps the
//! thread takes in new jobs, drops those whose caller has gone, and marks its progress. The actor
//! reports a thread without progress as unhealthy, panics when it panicked, and fails when it
//! failed, so that its supervisor counts each fault under its own kind.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::{Duration, Instant};

use actix::Message;
use metrics::{counter, gauge, histogram};
use parking_lot::Mutex;
use sn1::llm::LlmError;
use sn1::llm::engine::{Engine, EngineSettings};
use sn1::llm::request::{RequestId, StepOutput, SubmitError};
use sn1::telemetry;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tracing::info;

use crate::away::Moment;
use crate::clock::local_time;
use crate::inference::{BackendError, Job, TextModel};
use crate::messages::inference::{Generate, Usage};
use crate::recording::prime;
use crate::supervision::{Context, Drained, Handles, Reply, Resident};

/// A step that takes longer means that the device is stuck.
const STUCK_AFTER: Duration = Duration::from_secs(30);
/// How long a new engine waits until the previous one has freed the device's memory.
const PREDECESSOR_WITHIN: Duration = Duration::from_secs(20);

/// What a worker loads, and on which device.
#[derive(Debug, Clone)]
pub(super) struct WorkerSettings {
    /// The path of the model file.
    pub(super) model: PathBuf,
    /// How the engine divides the machine.
    pub(super) engine: EngineSettings,
    /// Locked by the thread that uses the device's memory.
    pub(super) device: Arc<Mutex<()>>,
}

/// Asks the worker to answer a job.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct AnswerJob(pub(super) Job<Generate>);

/// Why a worker ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum WorkerError {
    #[error("the engine before this one still holds the device")]
    DeviceHeld,
    #[error("could not start the engine's thread: {0}")]
    Thread(std::io::Error),
    #[error(transparent)]
    Engine(#[from] LlmError),
}

enum ThreadEvent {
    Loaded(TextModel),
    Ended,
    Failed(WorkerError),
    Panicked(String),
}

#[derive(Debug)]
struct Progress {
    born: Moment,
    at_ms: AtomicU64,
    is_busy: AtomicBool,
}

impl Progress {
    fn mark(&self, is_busy: bool) {
        self.at_ms.store(self.born.elapsed().as_millis() as u64, Ordering::Relaxed);
        self.is_busy.store(is_busy, Ordering::Relaxed);
    }

    fn is_stuck(&self) -> bool {
        let last = Duration::from_millis(self.at_ms.load(Ordering::Relaxed));
        self.is_busy.load(Ordering::Relaxed) && self.born.elapsed() > last + STUCK_AFTER
    }
}

/// The model that the current life of the worker has loaded.
#[derive(Debug, Clone)]
pub(super) struct LoadedModel {
    life: Arc<Progress>,
    pub(super) model: TextModel,
}

/// The actor that owns the engine's thread.
pub(super) struct InferenceWorker {
    settings: WorkerSettings,
    loaded: watch::Sender<Option<LoadedModel>>,
    jobs: Option<Sender<Job<Generate>>>,
    progress: Arc<Progress>,
}

impl InferenceWorker {
    /// A worker whose thread starts with the actor. `loaded` publishes the model while it is
    /// loaded.
    pub(super) fn new(
        settings: WorkerSettings,
        loaded: watch::Sender<Option<LoadedModel>>,
    ) -> Self {
        let progress = Progress {
            born: Moment::now(),
            at_ms: AtomicU64::new(0),
            is_busy: AtomicBool::new(false),
        };
        Self { settings, loaded, jobs: None, progress: Arc::new(progress) }
    }

    fn on_thread(&mut self, event: ThreadEvent, ctx: &mut Context<'_, Self>) {
        match event {
            ThreadEvent::Loaded(model) => {
                let TextModel { name, context, is_constrainable } = &model;
                info!(model = %name, context, is_constrainable, "language model loaded");
                let life = Arc::clone(&self.progress);
                self.loaded.send_replace(Some(LoadedModel { life, model }));
            }
            ThreadEvent::Ended => ctx.finish(),
            ThreadEvent::Failed(error) => ctx.fail(error),
            ThreadEvent::Panicked(reason) => panic!("the engine's thread panicked: {reason}"),
        }
    }
}

impl Drop for InferenceWorker {
    /// A life that was stuck may end long after the next one has loaded its own model.
    fn drop(&mut self) {
        self.loaded.send_if_modified(|loaded| {
            let of_this_life = |loaded: &mut LoadedModel| Arc::ptr_eq(&loaded.life, &self.progress);
            loaded.take_if(of_this_life).is_some()
        });
    }
}

impl Resident for InferenceWorker {
    type Error = WorkerError;

    const MAILBOX: usize = 256;

    fn started(&mut self, ctx: &mut Context<'_, Self>) -> Result<(), Self::Error> {
        prime(&[telemetry::INFERENCE_TOKENS], &[]);
        let (jobs, inbox) = channel();
        let (events, outbox) = mpsc::unbounded_channel();
        let (settings, progress) = (self.settings.clone(), Arc::clone(&self.progress));
        let body = move || {
            let work = || run_thread(&settings, &inbox, &progress, &events);
            match catch_unwind(AssertUnwindSafe(work)) {
                Ok(Ok(())) => drop(events.send(ThreadEvent::Ended)),
                // Fails only when the actor has gone, which needs no report.
                Ok(Err(error)) => drop(events.send(ThreadEvent::Failed(error))),
                Err(panic) => drop(events.send(ThreadEvent::Panicked(panic_text(&*panic)))),
            }
        };
        std::thread::Builder::new()
            .name("engine".to_owned())
            .spawn(body)
            .map_err(WorkerError::Thread)?;
        self.jobs = Some(jobs);
        ctx.listen(UnboundedReceiverStream::new(outbox), Self::on_thread);
        Ok(())
    }

    fn is_healthy(&self) -> bool {
        !self.progress.is_stuck()
    }

    /// Waits for the thread: libtorch must not be torn down during a step.
    fn drain(&mut self, _: &mut Context<'_, Self>) -> Drained {
        match self.jobs.take() {
            Some(_) => Drained::Later,
            None => Drained::Now,
        }
    }
}

impl Handles<AnswerJob> for InferenceWorker {
    fn handle(&mut self, AnswerJob(job): AnswerJob, _: &mut Context<'_, Self>) -> Reply<()> {
        if let Some(jobs) = &self.jobs {
            // A thread that has ended drops the job, which returns to the pool.
            let _ = jobs.send(job);
        }
        Reply::Now(())
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

fn run_thread(
    settings: &WorkerSettings,
    inbox: &Receiver<Job<Generate>>,
    progress: &Progress,
    events: &mpsc::UnboundedSender<ThreadEvent>,
) -> Result<(), WorkerError> {
    let device = settings.device.try_lock_for(PREDECESSOR_WITHIN).ok_or(WorkerError::DeviceHeld)?;
    let engine = Engine::load(&settings.model, settings.engine)?;
    // Fails when nobody listens any more; the loop then ends at once.
    let _ = events.send(ThreadEvent::Loaded(TextModel {
        name: engine.model_name().into(),
        context: Some(engine.max_tokens()),
        is_constrainable: false,
    }));
    let result = Batch::new(engine).serve(inbox, progress);
    drop(device);
    result
}

/// The engine with the jobs that it is answering.
struct Batch {
    engine: Engine,
    next_id: u64,
    waiting: VecDeque<Job<Generate>>,
    running: HashMap<RequestId, Job<Generate>>,
}

impl Batch {
    fn new(engine: Engine) -> Self {
        Self { engine, next_id: 0, waiting: VecDeque::new(), running: HashMap::new() }
    }

    /// Answers jobs until the actor has gone.
    fn serve(
        mut self,
        inbox: &Receiver<Job<Generate>>,
        progress: &Progress,
    ) -> Result<(), WorkerError> {
        loop {
            let is_idle = self.running.is_empty() && self.waiting.is_empty();
            progress.mark(!is_idle);
            gauge!(telemetry::INFERENCE_ACTIVE.name).set(self.running.len() as f64);
            if !self.take_jobs(inbox, is_idle) {
                return Ok(());
            }
            progress.mark(true);
            self.cancel_abandoned();
            self.start_waiting();
            if self.engine.n_active() > 0 {
                self.step()?;
            }
        }
    }

    /// Takes the jobs that have arrived; waits for one only if `may_wait`. `false` when the actor
    /// has gone.
    fn take_jobs(&mut self, inbox: &Receiver<Job<Generate>>, may_wait: bool) -> bool {
        if may_wait {
            match inbox.recv() {
                Ok(job) => self.waiting.push_back(job),
                Err(_) => return false,
            }
        }
        loop {
            match inbox.try_recv() {
                Ok(job) => self.waiting.push_back(job),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn cancel_abandoned(&mut self) {
        let gone: Vec<RequestId> =
            self.running.iter().filter(|(_, job)| job.is_abandoned()).map(|(id, _)| *id).collect();
        for id in gone {
            self.engine.cancel(id);
            self.running.remove(&id);
        }
    }

    fn start_waiting(&mut self) {
        self.waiting.retain(|job| !job.is_abandoned());
        while let Some(mut job) = self.waiting.pop_front() {
            let id = RequestId(self.next_id);
            self.next_id += 1;
            let Generate { messages, settings } = job.request();
            match self.engine.submit(id, messages, local_time(), settings.clone()) {
                Ok(()) => {
                    job.started();
                    self.running.insert(id, job);
                }
                Err(SubmitError::Busy) => {
                    self.waiting.push_front(job);
                    break;
                }
                Err(SubmitError::TooLong { n_tokens, limit }) => {
                    job.fail(BackendError::TooLong { n_tokens, limit });
                }
                Err(refused) => job.fail(BackendError::Refused(refused.to_string())),
            }
        }
    }

    fn step(&mut self) -> Result<(), WorkerError> {
        let started = Instant::now();
        let outputs = self.engine.step()?;
        histogram!(telemetry::INFERENCE_STEP_SECONDS.name).record(started.elapsed().as_secs_f64());
        counter!(telemetry::INFERENCE_TOKENS.name).increment(outputs.len() as u64);
        for output in outputs {
            self.publish(output);
        }
        Ok(())
    }

    fn publish(&mut self, output: StepOutput) {
        let StepOutput { id, text, n_prompt, n_tokens, finish } = output;
        let Some(job) = self.running.get_mut(&id) else { return };
        if !text.is_empty() {
            // Fails only when the caller has gone, which is noticed before the next step.
            let _ = job.text(text, n_tokens);
        }
        if let Some(reason) = finish
            && let Some(job) = self.running.remove(&id)
        {
            job.finish(reason, Usage { prompt_tokens: n_prompt, completion_tokens: n_tokens });
        }
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        gauge!(telemetry::INFERENCE_ACTIVE.name).set(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_that_ends_late_takes_no_model_from_the_next_one() {
        let settings = WorkerSettings {
            model: PathBuf::new(),
            engine: EngineSettings::default(),
            device: Arc::default(),
        };
        let (loaded, seen) = watch::channel(None);
        let worker = || InferenceWorker::new(settings.clone(), loaded.clone());
        let (stuck, next) = (worker(), worker());
        let model = TextModel { name: "m".into(), context: None, is_constrainable: false };
        let life = Arc::clone(&next.progress);
        loaded.send_replace(Some(LoadedModel { life, model }));
        drop(stuck);
        assert!(seen.borrow().is_some());
        drop(next);
        assert!(seen.borrow().is_none());
    }
}
