//! Prepares tasks ahead, so that a conversation begins at once: draws a task and its context, and
//! has the model write the query for tasks that need one.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::counter;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sn1::llm::request::{ChatMessage, GenerateSettings};
use sn1::telemetry;
use sn1::validation::tasks::{Draft, PreparedTask, TASKS, Task, TaskMix, TaskPlan};
use sn1::validation::tools::{Sources, ToolError};
use tokio::sync::oneshot;
use tracing::debug;

use crate::messages::inference::{Generate, InferenceError, generate_text};
use crate::messages::tasks::NextTask;
use crate::recording::prime;
use crate::supervision::{Context, Handles, Recipient, Reply, Resident};

/// Time for the model to write a query; then another task is drawn.
const QUERY_WITHIN: Duration = Duration::from_secs(60);
/// The pause after a task that could not be made.
const PAUSE: Duration = Duration::from_millis(500);

/// Why a task could not be made. The factory then draws another.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// No context could be drawn from the sources.
    #[error("could not draw a context: {0}")]
    Context(#[from] ToolError),
    /// The model wrote no query.
    #[error("the model did not write a query: {0}")]
    Query(#[from] InferenceError),
    /// Cleaning left nothing of the query.
    #[error("the model wrote no usable question")]
    Empty,
}

/// Which tasks are made, and how many are kept ready.
#[derive(Debug, Clone)]
pub struct TaskFactorySettings {
    /// The kinds of task, with the shares by which they are drawn.
    pub mix: TaskMix,
    /// How many tasks are kept ready.
    pub n_ready: usize,
    /// How queries are generated; each gets a seed of its own.
    pub query: GenerateSettings,
    /// The seed of every random draw until the factory restarts.
    pub seed: u64,
}

/// The actor that prepares tasks.
pub struct TaskFactory {
    settings: TaskFactorySettings,
    sources: Arc<Sources>,
    pool: Recipient<Generate>,
    rng: StdRng,
    ready: VecDeque<PreparedTask>,
    askers: VecDeque<oneshot::Sender<PreparedTask>>,
    n_under_way: usize,
    /// A task could not be made: none is drawn until the pause is over.
    is_pausing: bool,
}

impl TaskFactory {
    /// A factory that draws contexts from these sources.
    pub fn new(
        settings: TaskFactorySettings,
        sources: Arc<Sources>,
        pool: Recipient<Generate>,
    ) -> Self {
        let rng = StdRng::seed_from_u64(settings.seed);
        let (ready, askers) = Default::default();
        Self { settings, sources, pool, rng, ready, askers, n_under_way: 0, is_pausing: false }
    }

    fn fill(&mut self, ctx: &mut Context<'_, Self>) {
        self.askers.retain(|asker| !asker.is_closed());
        let wanted = self.settings.n_ready + self.askers.len();
        while !self.is_pausing && self.ready.len() + self.n_under_way < wanted {
            let kind = self.settings.mix.pick(self.rng.random());
            self.n_under_way += 1;
            self.begin(kind, ctx);
        }
    }

    fn begin(&mut self, kind: &'static dyn Task, ctx: &mut Context<'_, Self>) {
        let started = Instant::now();
        let mut context = match kind.tool().draw(&self.sources, &mut self.rng) {
            Ok(context) => context,
            Err(error) => return self.settle(kind, Err(error.into()), ctx),
        };
        context.stats.fetch_time = started.elapsed().as_secs_f64();
        let mut plan = TaskPlan::new(kind, context);
        match plan.query(&mut self.rng) {
            Draft::Ready(query) => self.settle(kind, Ok(plan.prepare(query, 0.0)), ctx),
            Draft::Prompt(messages) => self.write_query(kind, plan, messages, ctx),
        }
    }

    fn write_query(
        &mut self,
        kind: &'static dyn Task,
        plan: TaskPlan,
        messages: Vec<ChatMessage>,
        ctx: &mut Context<'_, Self>,
    ) {
        let settings = GenerateSettings { seed: self.rng.random(), ..self.settings.query.clone() };
        let (pool, started) = (self.pool.clone(), Instant::now());
        let write = async move {
            let written =
                generate_text(&pool, Generate { messages, settings }, QUERY_WITHIN).await?;
            let seconds = started.elapsed().as_secs_f64();
            plan.prepare_from(&written, seconds).ok_or(TaskError::Empty)
        };
        ctx.run(write, move |this, made, ctx| this.settle(kind, made, ctx));
    }

    fn settle(
        &mut self,
        kind: &'static dyn Task,
        made: Result<PreparedTask, TaskError>,
        ctx: &mut Context<'_, Self>,
    ) {
        self.n_under_way -= 1;
        match made {
            Ok(task) => self.deliver(task, ctx),
            Err(error) => {
                let (task, stage) = (kind.definition().name, "task");
                counter!(telemetry::CONVERSATION_FAILURES.name, "task" => task, "stage" => stage)
                    .increment(1);
                debug!(%error, task, "task not made, drawing again");
                if !std::mem::replace(&mut self.is_pausing, true) {
                    ctx.after(PAUSE, |this, ctx| {
                        this.is_pausing = false;
                        this.fill(ctx);
                    });
                }
            }
        }
    }

    fn deliver(&mut self, mut task: PreparedTask, ctx: &mut Context<'_, Self>) {
        while let Some(asker) = self.askers.pop_front() {
            match asker.send(task) {
                Ok(()) => return ctx.after(Duration::ZERO, Self::fill),
                Err(returned) => task = returned,
            }
        }
        self.ready.push_back(task);
    }
}

impl Resident for TaskFactory {
    type Error = Infallible;

    fn started(&mut self, ctx: &mut Context<'_, Self>) -> Result<(), Self::Error> {
        for task in TASKS.iter().filter_map(|kind| kind.made().ok()) {
            let name = task.definition().name;
            prime(&[telemetry::CONVERSATION_TURNS], &[("task", name)]);
            prime(&[telemetry::CONVERSATION_FAILURES], &[("task", name), ("stage", "task")]);
        }
        prime(&[telemetry::CONVERSATION_FAILURES], &[("task", "any")]);
        self.fill(ctx);
        Ok(())
    }
}

impl Handles<NextTask> for TaskFactory {
    fn handle(&mut self, _: NextTask, ctx: &mut Context<'_, Self>) -> Reply<Option<PreparedTask>> {
        let reply = match self.ready.pop_front() {
            Some(task) => Reply::Now(Some(task)),
            None => {
                let (sender, receiver) = oneshot::channel();
                self.askers.push_back(sender);
                Reply::later(async move { receiver.await.ok() })
            }
        };
        self.fill(ctx);
        reply
    }
}
