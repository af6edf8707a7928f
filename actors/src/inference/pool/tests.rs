//! Tests of routing with scripted back ends: without threads or models, and with a clock only for
//! rests.

use parking_lot::Mutex;
use sn1::llm::request::{ChatMessage, FinishReason, GenerateSettings};
use tokio::time::{sleep, timeout};

use super::*;
use crate::inference::{BackendError, Capabilities, TextEncoder, TextModel};
use crate::messages::inference::{Piece, Retry, Usage, embed_texts, generate_text};
use crate::supervision::{ChildSpec, Root, RootExit, Slot};

const SOON: Duration = Duration::from_secs(20);

/// What a scripted back end does with its next job.
#[derive(Clone)]
enum Act {
    Answer,
    Hold,
    Die,
    DieAfterText,
    Fail(BackendError),
}

/// Answers every job with its own name, unless its script says otherwise.
struct Scripted {
    capabilities: Capabilities,
    slots: usize,
    health: Mutex<Health>,
    script: Mutex<VecDeque<Act>>,
    held: Mutex<Vec<Job<Generate>>>,
    n_given: AtomicUsize,
}

impl Scripted {
    fn new(slots: usize, script: &[Act]) -> Self {
        let model = TextModel { name: "scripted".into(), context: None, is_constrainable: false };
        Self {
            capabilities: Capabilities { generate: Some(model), embed: None },
            slots,
            health: Mutex::new(Health::Ready),
            script: Mutex::new(script.iter().cloned().collect()),
            held: Mutex::default(),
            n_given: AtomicUsize::new(0),
        }
    }

    fn named(mut self, name: &str, context: Option<usize>) -> Arc<Self> {
        let model = TextModel { name: name.into(), context, is_constrainable: false };
        self.capabilities.generate = Some(model);
        Arc::new(self)
    }

    fn embeds(mut self) -> Arc<Self> {
        let embed = Some(TextEncoder { name: "scripted".into() });
        self.capabilities = Capabilities { generate: None, embed };
        Arc::new(self)
    }

    fn n_given(&self) -> usize {
        self.n_given.load(Ordering::Relaxed)
    }

    fn name(&self) -> String {
        self.capabilities.generate.as_ref().map_or_else(String::new, |model| model.name.to_string())
    }
}

impl Backend for Scripted {
    fn capabilities(&self) -> Capabilities {
        self.capabilities.clone()
    }

    fn health(&self) -> Health {
        *self.health.lock()
    }

    fn slots(&self) -> usize {
        self.slots
    }

    fn generate(&self, mut job: Job<Generate>) {
        self.n_given.fetch_add(1, Ordering::Relaxed);
        let act = self.script.lock().pop_front().unwrap_or(Act::Answer);
        match act {
            Act::Hold => self.held.lock().push(job),
            Act::Die => drop(job),
            Act::Fail(error) => job.fail(error),
            Act::DieAfterText => job.text("half", 1).unwrap(),
            Act::Answer => {
                job.text(self.name(), 1).unwrap();
                let usage = Usage { prompt_tokens: 3, completion_tokens: 1 };
                job.finish(FinishReason::Stop, usage);
            }
        }
    }

    fn embed(&self, job: Job<Embed>) {
        self.n_given.fetch_add(1, Ordering::Relaxed);
        let Embed(texts) = job.request();
        let vectors = texts.iter().map(|text| vec![text.len() as f32]).collect();
        job.finish(vectors);
    }
}

fn request() -> Generate {
    let messages = vec![ChatMessage::new("user", "who are you")];
    Generate { messages, settings: GenerateSettings::greedy(8) }
}

fn pool(backends: &[&Arc<Scripted>]) -> InferencePool {
    let settings = PoolSettings { n_max_requests: 6, n_max_embeddings: 6 };
    let backends: Vec<Arc<dyn Backend>> =
        backends.iter().map(|backend| Arc::clone(backend) as Arc<dyn Backend>).collect();
    InferencePool::new(settings, &backends)
}

impl InferencePool {
    /// Handles the events that jobs have sent so far, as the actor does.
    fn settle(&mut self) {
        while let Ok(event) = self.inbox.as_mut().unwrap().try_recv() {
            self.on_event(event);
        }
    }

    /// The answer to one request, as far as it comes without waiting.
    async fn answer(&mut self) -> Result<String, InferenceError> {
        let stream = self.generate(request())?;
        self.settle();
        timeout(SOON, stream.collect()).await.expect("an end")
    }
}

#[actix::test]
async fn jobs_go_to_the_least_loaded_and_among_equals_in_turn() {
    let (large, small) = (Scripted::new(4, &[]).named("large", None), Scripted::new(2, &[]));
    let small = small.named("small", None);
    let mut pool = pool(&[&large, &small]);
    let in_turn = [pool.answer().await, pool.answer().await, pool.answer().await];
    assert_eq!(in_turn.map(Result::unwrap), ["large", "small", "large"]);
    for backend in [&large, &small] {
        backend.script.lock().extend(vec![Act::Hold; backend.slots]);
    }
    let streams: Vec<_> = (0..6).map(|_| pool.generate(request()).unwrap()).collect();
    assert_eq!((large.held.lock().len(), small.held.lock().len()), (4, 2));
    // All slots are taken, and so are all permits.
    assert_eq!(pool.generate(request()).unwrap_err(), InferenceError::Overloaded(6));
    drop(streams);
    assert!(large.held.lock().iter().all(Job::is_abandoned));
    large.held.lock().clear();
    small.held.lock().clear();
    pool.settle();
    assert!(pool.answer().await.is_ok());
}

#[actix::test]
async fn a_freed_slot_goes_to_the_job_that_waits() {
    let only = Scripted::new(1, &[Act::Hold]).named("only", None);
    let mut pool = pool(&[&only]);
    let (_first, second) = (pool.generate(request()).unwrap(), pool.generate(request()).unwrap());
    assert_eq!((only.n_given(), pool.waiting.len()), (1, 1));
    let held = only.held.lock().pop().unwrap();
    held.finish(FinishReason::Length, Usage::default());
    pool.settle();
    assert_eq!(second.collect().await.unwrap(), "only");
}

#[actix::test]
async fn requests_go_to_those_that_can_answer_them() {
    let (writer, encoder) = (Scripted::new(1, &[]).named("writer", None), Scripted::new(1, &[]));
    let encoder = encoder.embeds();
    let mut both = pool(&[&writer, &encoder]);
    assert_eq!(both.answer().await.unwrap(), "writer");
    let Reply::Later(vectors) = both.embed(Embed(vec!["four".into()])) else { panic!() };
    assert_eq!(vectors.await.unwrap(), [[4.0]]);
    assert_eq!((writer.n_given(), encoder.n_given()), (1, 1));
    let mut one = pool(&[&encoder]);
    let missing = InferenceError::Missing(Capability::Generate);
    assert_eq!(one.generate(request()).unwrap_err(), missing);
    assert_eq!(missing.to_string(), "this node has no language model");
    let Reply::Now(refused) = pool(&[]).embed(Embed(Vec::new())) else { panic!() };
    assert_eq!(refused, Err(InferenceError::Missing(Capability::Embed)));
}

#[actix::test]
async fn one_that_is_starting_is_given_nothing_until_it_is_ready() {
    let only = Scripted::new(1, &[]).named("only", None);
    let capabilities = PoolCapabilities::new(&[Arc::clone(&only) as Arc<dyn Backend>]);
    *only.health.lock() = Health::Starting;
    let mut pool = pool(&[&only]);
    let stream = pool.generate(request()).unwrap();
    assert_eq!(only.n_given(), 0);
    assert!(capabilities.has(Capability::Generate) && !capabilities.has(Capability::Embed));
    assert!(!capabilities.is_ready(Capability::Generate));
    *only.health.lock() = Health::Ready;
    pool.route();
    assert!(capabilities.is_ready(Capability::Generate));
    assert_eq!(stream.collect().await.unwrap(), "only");
}

#[actix::test]
async fn a_request_whose_back_end_dies_before_any_text_moves_to_another() {
    let mortal = Scripted::new(4, &[Act::Die]).named("mortal", None);
    let other = Scripted::new(4, &[]).named("other", None);
    assert_eq!(pool(&[&mortal, &other]).answer().await.unwrap(), "other");
    assert_eq!(mortal.n_given(), 1);
}

#[actix::test]
async fn a_request_that_kills_two_back_ends_kills_no_third() {
    let mortals: Vec<_> =
        (0..3).map(|_| Scripted::new(4, &[Act::Die]).named("mortal", None)).collect();
    let lost = pool(&[&mortals[0], &mortals[1], &mortals[2]]).answer().await.unwrap_err();
    assert_eq!(lost, InferenceError::Lost { n_times: 2 });
    assert_eq!(lost.retry(), Retry::Never);
    assert_eq!(mortals.iter().map(|mortal| mortal.n_given()).sum::<usize>(), 2);
}

#[actix::test]
async fn a_stream_that_has_begun_ends_with_its_back_end() {
    let mortal = Scripted::new(4, &[Act::DieAfterText]).named("mortal", None);
    let other = Scripted::new(4, &[]).named("other", None);
    let mut pool = pool(&[&mortal, &other]);
    let mut stream = pool.generate(request()).unwrap();
    pool.settle();
    assert_eq!(stream.next().await, Ok(Piece::Text("half".into(), 1)));
    let lost = stream.next().await.unwrap_err();
    assert_eq!((lost.retry(), other.n_given()), (Retry::AtOnce, 0));
}

#[actix::test]
async fn one_that_is_overloaded_rests_while_others_work() {
    let busy = vec![Act::Fail(BackendError::Overloaded); 2];
    let busy = Scripted::new(4, &busy).named("busy", None);
    let other = Scripted::new(4, &[]).named("other", None);
    let mut both = pool(&[&busy, &other]);
    assert_eq!(both.answer().await.unwrap(), "other");
    assert_eq!(both.answer().await.unwrap(), "other");
    assert_eq!(busy.n_given(), 1);
    let mut alone = pool(&[&busy]);
    let stream = alone.generate(request()).unwrap();
    alone.settle();
    assert_eq!((busy.n_given(), alone.waiting.len()), (2, 1));
    sleep(REST).await;
    alone.route();
    assert_eq!(stream.collect().await.unwrap(), "busy");
}

#[actix::test]
async fn a_prompt_too_long_for_one_model_goes_to_one_with_a_longer_context() {
    let too_long = Act::Fail(BackendError::TooLong { n_tokens: 100, limit: 63 });
    let short = || Scripted::new(4, std::slice::from_ref(&too_long)).named("short", Some(64));
    let long = Scripted::new(1, &[]).named("long", Some(128));
    assert_eq!(pool(&[&short(), &long]).answer().await.unwrap(), "long");
    let refused = pool(&[&short(), &short()]).answer().await.unwrap_err();
    assert_eq!(refused.retry(), Retry::Never);
    assert!(refused.to_string().contains("100 tokens and the model takes at most 63"), "{refused}");
}

#[actix::test]
async fn a_refused_request_is_refused_once() {
    let refusing = Act::Fail(BackendError::Refused("no such role".to_owned()));
    let refusing = Scripted::new(4, &[refusing]).named("refusing", None);
    let other = Scripted::new(4, &[]).named("other", None);
    let refused = pool(&[&refusing, &other]).answer().await.unwrap_err();
    assert_eq!(refused, InferenceError::Refused("no such role".to_owned()));
    assert_eq!(other.n_given(), 0);
}

/// Counts of `sn1_inference_requests_total`, in the order of the labels.
#[actix::test]
async fn each_end_of_a_request_has_its_label() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let guard = metrics::set_default_local_recorder(&recorder);
    let refused = Act::Fail(BackendError::Refused(String::new()));
    let script = [Act::Answer, Act::Hold, Act::Hold, Act::DieAfterText, refused];
    let only = Scripted::new(8, &script).named("only", None);
    let mut pool = pool(&[&only]);
    let streams: Vec<_> = (0..5).map(|_| pool.generate(request()).unwrap()).collect();
    let length = only.held.lock().remove(0);
    length.finish(FinishReason::Length, Usage::default());
    drop(streams);
    only.held.lock().clear();
    drop(guard);
    let text = handle.render();
    for label in ["stop", "length", "refused", "cancelled", "lost"] {
        let line = format!("sn1_inference_requests_total{{outcome=\"{label}\"}} 1");
        assert!(text.contains(&line), "{line} in {text}");
    }
}

fn tree(backends: Vec<Arc<dyn Backend>>) -> (Root, Slot<InferencePool>) {
    let (watchers, _) = mpsc::unbounded_channel();
    let slot = Slot::<InferencePool>::new("InferencePool");
    let spec =
        ChildSpec::new(&slot, move || Ok(InferencePool::new(PoolSettings::default(), &backends)));
    (Root::start("Root", vec![spec], watchers), slot)
}

#[actix::test]
async fn a_text_that_broke_off_is_written_once_more() {
    let mortal = Scripted::new(4, &[Act::DieAfterText, Act::Answer]).named("mortal", None);
    let encoder = Scripted::new(1, &[]).embeds();
    let (root, pool) = tree(vec![Arc::clone(&mortal) as Arc<dyn Backend>, encoder]);
    assert_eq!(generate_text(&pool.recipient(), request(), SOON).await.unwrap(), "mortal");
    assert_eq!(mortal.n_given(), 2);
    let texts = vec!["one".to_owned(), "three".to_owned()];
    assert_eq!(embed_texts(&pool.recipient(), texts, SOON).await.unwrap(), [[3.0], [5.0]]);
    assert_eq!(root.stop().await, RootExit::Stopped);
}

#[actix::test]
async fn more_texts_than_may_wait_are_embedded_all_the_same() {
    let encoder = Scripted::new(1, &[]).embeds();
    let (root, pool) = tree(vec![encoder]);
    let encoder = pool.recipient();
    let many = (0..300).map(|i| embed_texts(&encoder, vec!["x".repeat(i)], SOON));
    let all = futures_util::future::join_all(many).await;
    for (i, vectors) in all.into_iter().enumerate() {
        assert_eq!(vectors.unwrap(), [[i as f32]]);
    }
    assert_eq!(root.stop().await, RootExit::Stopped);
}
