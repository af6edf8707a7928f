//! Admission and routing: who may generate, and on which worker.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use actix::Message;
use metrics::{counter, gauge};
use sn1::llm::request::{ChatMessage, FinishReason, GenerateSettings};
use sn1::telemetry;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use crate::supervision::{AskError, Context, Handles, Link, Reply, Resident};

/// Between two looks at requests that wait for a worker.
const ROUTE_EVERY: Duration = Duration::from_millis(100);
/// How long the pool itself may take to take a request in.
const ADMIT_WITHIN: Duration = Duration::from_secs(5);

/// Why there is no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// As many requests as may wait are waiting.
    #[error("the model is overloaded: {0} requests are under way already; ask again later")]
    Overloaded(usize),
    /// This build or this node has no model.
    #[error("this node has no language model")]
    NoModel,
    /// The worker died with the request.
    #[error("the model's worker died with the request; ask again")]
    WorkerLost,
    /// The request can never be answered.
    #[error("the model refused the request: {0}")]
    Refused(String),
    /// No end within the caller's deadline.
    #[error("the model did not finish within {0:?}")]
    Deadline(Duration),
    /// The pool could not be asked.
    #[error(transparent)]
    Pool(#[from] AskError),
}

/// A part of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// New text and the number of tokens so far. Never splits a character.
    Text(String, usize),
    /// The end; nothing follows.
    End(FinishReason),
}

/// An answer as it is generated. Dropping it cancels the request.
#[derive(Debug)]
pub struct TokenStream {
    pieces: mpsc::Receiver<Result<Piece, GenerateError>>,
}

impl TokenStream {
    /// The next piece; a stream that breaks off without an end is a lost worker.
    ///
    /// # Errors
    /// When no further piece will come.
    pub async fn next(&mut self) -> Result<Piece, GenerateError> {
        self.pieces.recv().await.unwrap_or(Err(GenerateError::WorkerLost))
    }

    /// The whole text.
    ///
    /// # Errors
    /// When it did not end properly.
    pub async fn collect(mut self) -> Result<String, GenerateError> {
        let mut whole = String::new();
        loop {
            match self.next().await? {
                Piece::Text(text, _) => whole.push_str(&text),
                Piece::End(_) => return Ok(whole),
            }
        }
    }
}

/// Starts an answer. The reply comes as soon as the request is admitted, long before its text.
#[derive(Message, Debug, Clone)]
#[rtype(result = "Result<TokenStream, GenerateError>")]
pub struct Generate {
    /// The conversation to be answered.
    pub messages: Vec<ChatMessage>,
    /// How.
    pub settings: GenerateSettings,
}

/// Generates a whole text, once more if the worker dies on the way, within `deadline`.
///
/// # Errors
/// See [`GenerateError`].
pub async fn generate_text(
    pool: &Link<InferencePool>,
    request: Generate,
    deadline: Duration,
) -> Result<String, GenerateError> {
    let attempt = || async {
        let stream = pool.ask_again(request.clone(), ADMIT_WITHIN).await??;
        stream.collect().await
    };
    let attempts = async {
        match attempt().await {
            Err(GenerateError::WorkerLost) => attempt().await,
            settled => settled,
        }
    };
    tokio::time::timeout(deadline, attempts).await.unwrap_or(Err(GenerateError::Deadline(deadline)))
}

/// A request on its way through a worker. Dropping it gives its permit back and ends its stream.
pub(super) struct Job {
    #[cfg_attr(not(feature = "libtorch"), expect(dead_code, reason = "only workers use it"))]
    pub(super) request: Generate,
    pub(super) pieces: mpsc::Sender<Result<Piece, GenerateError>>,
    is_queued: bool,
    /// How it ended, once that is known.
    outcome: Option<&'static str>,
    _permit: OwnedSemaphorePermit,
}

impl Job {
    fn new(
        request: Generate,
        pieces: mpsc::Sender<Result<Piece, GenerateError>>,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        gauge!(telemetry::INFERENCE_QUEUED.name).increment(1.0);
        Self { request, pieces, is_queued: true, outcome: None, _permit: permit }
    }

    /// It has a place in a batch now.
    pub(super) fn started(&mut self) {
        if std::mem::replace(&mut self.is_queued, false) {
            gauge!(telemetry::INFERENCE_QUEUED.name).decrement(1.0);
        }
    }

    pub(super) fn ended(mut self, outcome: &'static str) {
        self.outcome = Some(outcome);
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.pieces.is_closed()
    }

    /// Ends the job without an answer.
    #[cfg_attr(not(feature = "libtorch"), expect(dead_code, reason = "only workers use it"))]
    pub(super) fn refuse(self, error: GenerateError) {
        // A caller that has gone needs no word.
        let _ = self.pieces.try_send(Err(error));
        self.ended("refused");
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.started();
        let unsettled = if self.is_abandoned() { "cancelled" } else { "lost" };
        count_request(self.outcome.unwrap_or(unsettled));
    }
}

fn count_request(outcome: &'static str) {
    counter!(telemetry::INFERENCE_REQUESTS.name, "outcome" => outcome).increment(1);
}

/// What the pool allows.
#[derive(Debug, Clone, Copy)]
pub struct PoolSettings {
    /// Requests under way and waiting, over all workers.
    pub n_max_requests: usize,
}

/// Whether a worker has its model loaded.
pub type WorkerReady = watch::Receiver<bool>;

/// How the pool hands a job to a worker; gives it back when the worker cannot take it now.
pub(super) type Route = Arc<dyn Fn(Box<Job>) -> Result<(), Box<Job>> + Send + Sync>;

/// Admits requests and routes them to workers. Owns no model.
pub struct InferencePool {
    settings: PoolSettings,
    permits: Arc<Semaphore>,
    routes: Vec<Route>,
    next_route: usize,
    waiting: VecDeque<Box<Job>>,
}

impl InferencePool {
    /// A pool without workers: every request is refused with [`GenerateError::NoModel`].
    pub fn new(settings: PoolSettings) -> Self {
        Self::with_routes(settings, Vec::new())
    }

    pub(super) fn with_routes(settings: PoolSettings, routes: Vec<Route>) -> Self {
        let permits = Arc::new(Semaphore::new(settings.n_max_requests));
        Self { settings, permits, routes, next_route: 0, waiting: VecDeque::new() }
    }

    fn admit(&mut self, request: Generate) -> Result<TokenStream, GenerateError> {
        if self.routes.is_empty() {
            count_request("refused");
            return Err(GenerateError::NoModel);
        }
        let overloaded = |_| {
            count_request("refused");
            GenerateError::Overloaded(self.settings.n_max_requests)
        };
        let permit = Arc::clone(&self.permits).try_acquire_owned().map_err(overloaded)?;
        // Room for every token of the answer: a slow reader never holds up the batch.
        let (sender, pieces) = mpsc::channel(request.settings.max_tokens + 2);
        self.waiting.push_back(Box::new(Job::new(request, sender, permit)));
        self.route();
        Ok(TokenStream { pieces })
    }

    fn route(&mut self) {
        self.waiting.retain(|job| !job.is_abandoned());
        while let Some(job) = self.waiting.pop_front() {
            if let Err(job) = self.hand_over(job) {
                self.waiting.push_front(job);
                break;
            }
        }
    }

    /// Tries every worker once, beginning after the one that was served last.
    fn hand_over(&mut self, mut job: Box<Job>) -> Result<(), Box<Job>> {
        for _ in 0..self.routes.len() {
            let Some(route) = self.routes.get(self.next_route % self.routes.len()) else { break };
            self.next_route = self.next_route.wrapping_add(1);
            match route(job) {
                Ok(()) => return Ok(()),
                Err(returned) => job = returned,
            }
        }
        Err(job)
    }
}

impl Resident for InferencePool {
    const MAILBOX: usize = 256;

    fn started(&mut self, ctx: &mut Context<'_, Self>) -> Result<(), String> {
        ctx.every(ROUTE_EVERY, |this, _| this.route());
        Ok(())
    }
}

impl Handles<Generate> for InferencePool {
    fn handle(
        &mut self,
        request: Generate,
        _: &mut Context<'_, Self>,
    ) -> Reply<Result<TokenStream, GenerateError>> {
        Reply::Now(self.admit(request))
    }
}
