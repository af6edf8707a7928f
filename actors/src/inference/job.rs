//! A request on its way through a back end.
//!
//! A job is settled exactly once, whatever becomes of its back end: by an answer, by an error, or
//! by being dropped, which counts as the death of the back end. A job whose caller has received
//! nothing of an answer returns to the pool where the error's retry rule allows it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix::Message;
use metrics::{counter, gauge};
use sn1::llm::request::FinishReason;
use sn1::telemetry;
use strum::{IntoStaticStr, VariantNames};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, UnboundedSender};

use super::error::BackendError;
use crate::messages::inference::{
    Capability, Embed, Generate, InferenceError, Piece, Retry, Usage,
};

/// How many back ends may die with one request, the same as for messages that kill an actor.
const MOST_LOST: u8 = 2;

/// How a request ended, for `sn1_inference_requests_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
pub(super) enum JobOutcome {
    Stop,
    Length,
    Cancelled,
    Lost,
    Refused,
}

impl JobOutcome {
    /// Counts a request for text that ended in this way.
    pub(super) fn count(self) {
        let outcome: &'static str = self.into();
        counter!(telemetry::INFERENCE_REQUESTS.name, "outcome" => outcome).increment(1);
    }
}

impl From<FinishReason> for JobOutcome {
    fn from(reason: FinishReason) -> Self {
        match reason {
            FinishReason::Stop => Self::Stop,
            FinishReason::Length => Self::Length,
        }
    }
}

/// The caller has gone; the answer is not needed any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the caller has gone")]
pub struct Abandoned;

/// A request that a job can carry.
pub trait Request: Message + Clone + Send + 'static {
    /// The type of the parts that its answer consists of.
    type Part: Send + 'static;
    /// What a back end must be able to do to answer it.
    const CAPABILITY: Capability;
}

impl Request for Generate {
    type Part = Piece;
    const CAPABILITY: Capability = Capability::Generate;
}

impl Request for Embed {
    type Part = Vec<Vec<f32>>;
    const CAPABILITY: Capability = Capability::Embed;
}

/// A job of any kind.
pub(super) enum AnyJob {
    Generate(Job<Generate>),
    Embed(Job<Embed>),
}

impl AnyJob {
    pub(super) fn is_abandoned(&self) -> bool {
        match self {
            Self::Generate(job) => job.is_abandoned(),
            Self::Embed(job) => job.is_abandoned(),
        }
    }

    pub(super) fn capability(&self) -> Capability {
        match self {
            Self::Generate(_) => Capability::Generate,
            Self::Embed(_) => Capability::Embed,
        }
    }

    /// The context that was too short already, in tokens; 0 if none was.
    pub(super) fn min_context(&self) -> usize {
        match self {
            Self::Generate(job) => job.min_context(),
            Self::Embed(job) => job.min_context(),
        }
    }

    /// Ends a job that no back end can take, with an error.
    pub(super) fn refuse_unsuited(self) {
        match self {
            Self::Generate(job) => job.refuse_unsuited(),
            Self::Embed(job) => job.refuse_unsuited(),
        }
    }
}

/// What a job reports to its pool.
pub(super) enum JobEvent {
    /// A slot of a back end is free again.
    Freed,
    /// A back end returned a job; `rest` excludes that back end from the choice for a while.
    Back { job: AnyJob, backend: usize, rest: bool },
}

/// Counts a job among those of its back end until it is dropped.
pub(super) struct Held {
    backend: usize,
    n_held: Arc<AtomicUsize>,
    events: UnboundedSender<JobEvent>,
}

impl Held {
    pub(super) fn new(
        backend: usize,
        n_held: &Arc<AtomicUsize>,
        events: &UnboundedSender<JobEvent>,
    ) -> Self {
        n_held.fetch_add(1, Ordering::Relaxed);
        Self { backend, n_held: Arc::clone(n_held), events: events.clone() }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.n_held.fetch_sub(1, Ordering::Relaxed);
        // Fails only when the pool has gone, which needs no slot.
        let _ = self.events.send(JobEvent::Freed);
    }
}

/// Counts a request for text as waiting until it is dropped.
struct Waiting;

impl Waiting {
    fn of(capability: Capability) -> Option<Self> {
        (capability == Capability::Generate).then(|| {
            gauge!(telemetry::INFERENCE_QUEUED.name).increment(1.0);
            Self
        })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        gauge!(telemetry::INFERENCE_QUEUED.name).decrement(1.0);
    }
}

/// A request with the channel to its caller. Dropping it means that the back end died with it.
pub struct Job<Q: Request> {
    request: Q,
    parts: mpsc::Sender<Result<Q::Part, InferenceError>>,
    permit: Arc<OwnedSemaphorePermit>,
    /// Wraps the job for a queue of all kinds of jobs.
    any: fn(Self) -> AnyJob,
    waiting: Option<Waiting>,
    held: Option<Held>,
    n_lost: u8,
    /// The error of a back end whose context was too short, if there was one.
    too_long: Option<BackendError>,
    has_begun: bool,
    is_settled: bool,
}

impl<Q: Request> Job<Q> {
    pub(super) fn new(
        request: Q,
        parts: mpsc::Sender<Result<Q::Part, InferenceError>>,
        permit: OwnedSemaphorePermit,
        any: fn(Self) -> AnyJob,
    ) -> Self {
        Self {
            request,
            parts,
            permit: Arc::new(permit),
            any,
            waiting: Waiting::of(Q::CAPABILITY),
            held: None,
            n_lost: 0,
            too_long: None,
            has_begun: false,
            is_settled: false,
        }
    }

    /// The request itself.
    pub fn request(&self) -> &Q {
        &self.request
    }

    /// Whether the caller has gone. Dropping the job then counts as a cancellation.
    pub fn is_abandoned(&self) -> bool {
        self.parts.is_closed()
    }

    /// Resolves when the caller has gone.
    pub async fn abandoned(&self) {
        self.parts.closed().await;
    }

    /// Records that the job is being worked on and no longer waits.
    pub fn started(&mut self) {
        self.waiting = None;
    }

    /// Ends the job without an answer, or returns it to the pool: see [`BackendError`].
    pub fn fail(mut self, error: BackendError) {
        self.give_up(&error);
    }

    /// Records which back end holds the job.
    pub(super) fn held_by(mut self, held: Held) -> Self {
        self.held = Some(held);
        self
    }

    fn min_context(&self) -> usize {
        match self.too_long {
            Some(BackendError::TooLong { n_tokens, .. }) => n_tokens + 1,
            _ => 0,
        }
    }

    fn refuse_unsuited(mut self) {
        let error = match &self.too_long {
            Some(error) => InferenceError::of_backend(error, 0),
            None => InferenceError::Missing(Q::CAPABILITY),
        };
        self.settle(JobOutcome::Refused);
        self.tell(error);
    }

    fn give_up(&mut self, error: &BackendError) {
        let held = self.held.take();
        if matches!(error, BackendError::Lost) {
            self.n_lost += 1;
        }
        let again = held.as_ref().and_then(|held| Some((held, self.again(error)?)));
        let Some((held, job)) = again else { return self.end(error) };
        self.is_settled = true;
        let rest = error.retry() != Retry::Never;
        let back = JobEvent::Back { job: (self.any)(job), backend: held.backend, rest };
        // Fails only when the pool has gone; the job then ends as lost.
        let _ = held.events.send(back);
    }

    /// The same job for another try, if the rules allow one.
    fn again(&self, error: &BackendError) -> Option<Self> {
        let too_long = match error {
            BackendError::TooLong { .. } => Some(error),
            _ => self.too_long.as_ref(),
        };
        let may_succeed = match error {
            BackendError::Refused(_) => false,
            BackendError::Lost => self.n_lost < MOST_LOST,
            BackendError::Overloaded | BackendError::TooLong { .. } => true,
        };
        (may_succeed && !self.has_begun && !self.is_abandoned()).then(|| Self {
            request: self.request.clone(),
            parts: self.parts.clone(),
            permit: Arc::clone(&self.permit),
            any: self.any,
            waiting: Waiting::of(Q::CAPABILITY),
            held: None,
            n_lost: self.n_lost,
            too_long: too_long.cloned(),
            has_begun: false,
            is_settled: false,
        })
    }

    fn end(&mut self, error: &BackendError) {
        let outcome = match error {
            _ if self.is_abandoned() => JobOutcome::Cancelled,
            BackendError::Lost | BackendError::Overloaded => JobOutcome::Lost,
            BackendError::TooLong { .. } | BackendError::Refused(_) => JobOutcome::Refused,
        };
        self.settle(outcome);
        self.tell(InferenceError::of_backend(error, self.n_lost.max(1)));
    }

    fn tell(&self, error: InferenceError) {
        // A caller that has gone needs no error, and one with a full channel sees the stream end.
        let _ = self.parts.try_send(Err(error));
    }

    fn settle(&mut self, outcome: JobOutcome) {
        self.waiting = None;
        self.is_settled = true;
        if Q::CAPABILITY == Capability::Generate {
            outcome.count();
        }
    }

    fn send(&mut self, part: Q::Part) -> Result<(), Abandoned> {
        self.has_begun = true;
        self.parts.try_send(Ok(part)).map_err(|error| match error {
            TrySendError::Full(_) | TrySendError::Closed(_) => Abandoned,
        })
    }
}

impl Job<Generate> {
    /// Sends new text to the caller; `n_tokens` is the number of tokens of the answer so far.
    ///
    /// # Errors
    /// When the caller has gone, or has left as many pieces unread as the answer may have tokens.
    pub fn text(&mut self, text: impl Into<String>, n_tokens: usize) -> Result<(), Abandoned> {
        self.started();
        self.send(Piece::Text(text.into(), n_tokens))
    }

    /// Ends the answer, with the reason and the tokens that it cost.
    pub fn finish(mut self, finish: FinishReason, usage: Usage) {
        // A caller that has gone needs no end.
        let _ = self.send(Piece::End { finish, usage });
        self.settle(finish.into());
    }
}

impl Job<Embed> {
    /// Answers with one vector for each text.
    pub fn finish(mut self, vectors: Vec<Vec<f32>>) {
        // A caller that has gone needs no vectors.
        let _ = self.send(vectors);
        self.is_settled = true;
    }
}

impl<Q: Request> Drop for Job<Q> {
    fn drop(&mut self) {
        if !self.is_settled {
            self.give_up(&BackendError::Lost);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_those_of_the_metric() {
        assert_eq!(telemetry::INFERENCE_REQUESTS.values("outcome"), JobOutcome::VARIANTS);
    }
}
