//! Admission and routing: which requests are accepted, and which back end answers each.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sn1::telemetry;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_stream::wrappers::UnboundedReceiverStream;

use super::backend::{Backend, Health};
use super::job::{AnyJob, Held, Job, JobEvent, JobOutcome};
use crate::messages::inference::{Capability, Embed, Generate, InferenceError, TokenStream};
use crate::recording::prime;
use crate::supervision::{Context, Handles, Reply, Resident};

/// The interval of looks at back ends that were not ready.
const ROUTE_EVERY: Duration = Duration::from_millis(100);
/// How long a back end that returned a job gets no other.
const REST: Duration = Duration::from_millis(100);
/// The load of a full back end, as a fixed-point number: loads are compared in fractions of it.
const FULL: usize = 1 << 16;

/// How many requests the pool accepts.
#[derive(Debug, Clone, Copy)]
pub struct PoolSettings {
    /// Requests for text that run or wait, over all back ends.
    pub n_max_requests: usize,
    /// Requests for vectors that run or wait, over all back ends.
    pub n_max_embeddings: usize,
}

impl Default for PoolSettings {
    /// Text for a node with as many conversations as a local net has miners; vectors for two turns
    /// that each ask a whole sample of 100 miners.
    fn default() -> Self {
        Self { n_max_requests: 64, n_max_embeddings: 256 }
    }
}

/// What the pool's back ends can do, for callers that decide by it without sending a request.
#[derive(Clone)]
pub struct PoolCapabilities(Arc<[Arc<dyn Backend>]>);

impl PoolCapabilities {
    /// The capabilities of a pool over these back ends.
    pub fn new(backends: &[Arc<dyn Backend>]) -> Self {
        Self(backends.into())
    }

    /// Whether some back end can do this, ready or not.
    pub fn has(&self, capability: Capability) -> bool {
        self.0.iter().any(|backend| backend.capabilities().has(capability))
    }

    /// Whether some back end can do this now.
    pub fn is_ready(&self, capability: Capability) -> bool {
        let mut able = self.0.iter().filter(|backend| backend.capabilities().has(capability));
        able.any(|backend| backend.health() == Health::Ready)
    }
}

/// A back end with the pool's own records about it.
struct Member {
    backend: Arc<dyn Backend>,
    n_held: Arc<AtomicUsize>,
    rests_until: Option<Instant>,
}

impl Member {
    fn new(backend: &Arc<dyn Backend>) -> Self {
        Self { backend: Arc::clone(backend), n_held: Arc::default(), rests_until: None }
    }

    /// The share of its slots that is taken; `None` while it can take no job.
    fn load(&self, now: Instant) -> Option<usize> {
        let (n_held, slots) = (self.n_held.load(Ordering::Relaxed), self.backend.slots());
        let is_free = n_held < slots
            && self.rests_until.is_none_or(|until| until <= now)
            && self.backend.health() == Health::Ready;
        is_free.then(|| n_held * FULL / slots)
    }
}

/// Admits requests and routes them to back ends. Owns no model.
pub struct InferencePool {
    settings: PoolSettings,
    texts: Arc<Semaphore>,
    embeddings: Arc<Semaphore>,
    members: Vec<Member>,
    /// The index of the back end that got the last job.
    last: usize,
    waiting: VecDeque<AnyJob>,
    events: UnboundedSender<JobEvent>,
    inbox: Option<UnboundedReceiver<JobEvent>>,
}

impl InferencePool {
    /// A pool over these back ends; without any, it refuses every request with
    /// [`InferenceError::Missing`].
    pub fn new(settings: PoolSettings, backends: &[Arc<dyn Backend>]) -> Self {
        let (events, inbox) = mpsc::unbounded_channel();
        Self {
            settings,
            texts: Arc::new(Semaphore::new(settings.n_max_requests)),
            embeddings: Arc::new(Semaphore::new(settings.n_max_embeddings)),
            members: backends.iter().map(Member::new).collect(),
            last: backends.len().saturating_sub(1),
            waiting: VecDeque::new(),
            events,
            inbox: Some(inbox),
        }
    }

    fn admit(&self, capability: Capability) -> Result<OwnedSemaphorePermit, InferenceError> {
        let able = |member: &Member| member.backend.capabilities().has(capability);
        if !self.members.iter().any(able) {
            return Err(InferenceError::Missing(capability));
        }
        let (permits, limit) = match capability {
            Capability::Generate => (&self.texts, self.settings.n_max_requests),
            Capability::Embed => (&self.embeddings, self.settings.n_max_embeddings),
        };
        let permit = Arc::clone(permits).try_acquire_owned();
        permit.map_err(|_| InferenceError::Overloaded(limit))
    }

    fn generate(&mut self, request: Generate) -> Result<TokenStream, InferenceError> {
        let permit =
            self.admit(Capability::Generate).inspect_err(|_| JobOutcome::Refused.count())?;
        // Room for every token of the answer: a slow reader never delays the batch.
        let (sender, pieces) = mpsc::channel(request.settings.max_tokens + 2);
        self.enqueue(AnyJob::Generate(Job::new(request, sender, permit, AnyJob::Generate)));
        Ok(TokenStream::new(pieces))
    }

    fn embed(&mut self, request: Embed) -> Reply<Result<Vec<Vec<f32>>, InferenceError>> {
        let permit = match self.admit(Capability::Embed) {
            Ok(permit) => permit,
            Err(error) => return Reply::Now(Err(error)),
        };
        let (sender, mut vectors) = mpsc::channel(1);
        self.enqueue(AnyJob::Embed(Job::new(request, sender, permit, AnyJob::Embed)));
        Reply::later(async move {
            vectors.recv().await.unwrap_or(Err(InferenceError::Lost { n_times: 1 }))
        })
    }

    fn enqueue(&mut self, job: AnyJob) {
        self.waiting.push_back(job);
        self.route();
    }

    /// Gives every waiting job to a back end that can take it, the oldest first.
    fn route(&mut self) {
        let now = Instant::now();
        for job in std::mem::take(&mut self.waiting) {
            if job.is_abandoned() {
                continue;
            }
            match self.choose(&job, now) {
                Choice::Member(idx) => self.hand_over(job, idx),
                Choice::Later => self.waiting.push_back(job),
                Choice::Nobody => job.refuse_unsuited(),
            }
        }
    }

    /// The least loaded back end that can take the job now; among equals, the next in turn.
    fn choose(&self, job: &AnyJob, now: Instant) -> Choice {
        let n_members = self.members.len();
        let in_turn = (1..=n_members).map(|step| (self.last + step) % n_members);
        let suits = |idx: &usize| {
            let capabilities = self.members[*idx].backend.capabilities();
            capabilities.suits(job.capability(), job.min_context())
        };
        let mut suited = in_turn.filter(suits).peekable();
        if suited.peek().is_none() {
            return Choice::Nobody;
        }
        let free = suited.filter_map(|idx| Some((self.members[idx].load(now)?, idx)));
        free.min_by_key(|(load, _)| *load).map_or(Choice::Later, |(_, idx)| Choice::Member(idx))
    }

    fn hand_over(&mut self, job: AnyJob, idx: usize) {
        self.last = idx;
        let member = &self.members[idx];
        let held = Held::new(idx, &member.n_held, &self.events);
        match job {
            AnyJob::Generate(job) => member.backend.generate(job.held_by(held)),
            AnyJob::Embed(job) => member.backend.embed(job.held_by(held)),
        }
    }

    fn on_event(&mut self, event: JobEvent) {
        if let JobEvent::Back { job, backend, rest } = event {
            if rest && let Some(member) = self.members.get_mut(backend) {
                member.rests_until = Some(Instant::now() + REST);
            }
            // It has waited the longest.
            self.waiting.push_front(job);
        }
        self.route();
    }
}

/// Where a job goes next.
enum Choice {
    Member(usize),
    /// Every back end that could take it is busy or not ready.
    Later,
    /// No back end can ever take it.
    Nobody,
}

impl Resident for InferencePool {
    type Error = Infallible;

    const MAILBOX: usize = 256;

    fn started(&mut self, ctx: &mut Context<'_, Self>) -> Result<(), Self::Error> {
        prime(&[telemetry::INFERENCE_REQUESTS], &[]);
        if let Some(inbox) = self.inbox.take() {
            let events = UnboundedReceiverStream::new(inbox);
            ctx.listen(events, |this, event, _| this.on_event(event));
        }
        ctx.every(ROUTE_EVERY, |this, _| this.route());
        Ok(())
    }
}

impl Handles<Generate> for InferencePool {
    fn handle(
        &mut self,
        request: Generate,
        _: &mut Context<'_, Self>,
    ) -> Reply<Result<TokenStream, InferenceError>> {
        Reply::Now(self.generate(request))
    }
}

impl Handles<Embed> for InferencePool {
    fn handle(
        &mut self,
        request: Embed,
        _: &mut Context<'_, Self>,
    ) -> Reply<Result<Vec<Vec<f32>>, InferenceError>> {
        self.embed(request)
    }
}

#[cfg(test)]
mod tests;
