//! One request's life: from its head to the last byte of its stream.
//!
//! The HTTP side only translates. The answer is written by a task of its own, so that a panic in a
//! miner ends that stream the way a failure does, and nothing else; a caller who goes away ends
//! the task at its next await.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use futures_util::StreamExt;
use metrics::{counter, gauge};
use sn1::synapse::Endpoint;
use sn1::synapse::body::Prompt;
use sn1::synapse::headers::{AxonIdentity, Header};
use sn1::synapse::pipeline::{
    Admitted, Caller, Refusal, RefusalKind, RequestParts, admit, read_ping, read_prompt,
};
use sn1::synapse::verify::Verifier;
use sn1::telemetry;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tracing::{debug, warn};

use super::miner::{ChunkSink, Miner, MinerError};
use crate::chain::MetagraphFeed;
use crate::clock::unix_ns;
use crate::spawn::spawn_named;

/// The longest time that a caller is granted, whatever it asks for.
const MAX_ANSWER_SECONDS: f64 = 120.0;
/// A miner that goes on this long after the caller's time is cut off.
const OVERTIME: Duration = Duration::from_secs(5);
/// A body that is not there by then is not waited for.
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// Chunks that may wait for a slow reader.
const CHUNKS_AHEAD: usize = 32;

/// What all requests of one axon share.
pub(super) struct Served {
    pub(super) name: Arc<str>,
    pub(super) identity: AxonIdentity,
    pub(super) verifier: Arc<Verifier>,
    pub(super) metagraph: MetagraphFeed,
    pub(super) miner: Arc<dyn Miner>,
    pub(super) max_body_bytes: usize,
}

/// Answers one request, whatever it is.
pub(super) async fn handle(
    request: HttpRequest,
    payload: web::Payload,
    served: web::Data<Served>,
) -> HttpResponse {
    let response = match served.accept(&request, payload).await {
        Ok(response) => response,
        Err(refusal) => served.refused(*refusal),
    };
    let status = response.status().as_u16().to_string();
    counter!(telemetry::AXON_REQUESTS.name, "actor" => served.name.to_string(), "status" => status)
        .increment(1);
    response
}

impl Served {
    async fn accept(
        &self,
        request: &HttpRequest,
        payload: web::Payload,
    ) -> Result<HttpResponse, Box<Refusal>> {
        let admitted = self.admit(request)?;
        let body = self.body(payload, &admitted).await?;
        let content_type =
            request.headers().get("content-type").and_then(|value| value.to_str().ok());
        match admitted.endpoint() {
            Endpoint::Ping => {
                let ping = read_ping(&admitted, &body, content_type, &self.identity, unix_ns())?;
                let headers = admitted.reply_headers(&ping.body_hash, &self.identity, unix_ns());
                Ok(respond(StatusCode::OK, &headers).body(ping.json))
            }
            Endpoint::Prompt => {
                let prompt =
                    read_prompt(&admitted, &body, content_type, &self.identity, unix_ns())?;
                let headers = admitted.reply_headers(&prompt.body_hash, &self.identity, unix_ns());
                Ok(respond(StatusCode::OK, &headers).streaming(self.start(prompt)))
            }
        }
    }

    fn admit(&self, request: &HttpRequest) -> Result<Admitted, Box<Refusal>> {
        let headers: Vec<(&str, &[u8])> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        let target = request.uri().to_string();
        let unknown = std::net::SocketAddr::from(([0, 0, 0, 0], 0));
        let parts = RequestParts {
            method: request.method().as_str(),
            target: &target,
            headers: &headers,
            peer: request.peer_addr().unwrap_or(unknown),
            arrived_unix_ns: unix_ns(),
        };
        let gate = |caller: &Caller<'_>| self.gate(caller);
        admit(&parts, unix_ns(), &self.identity, &gate, &self.verifier).map_err(Box::new)
    }

    /// Only hotkeys of the subnet are served.
    fn gate(&self, caller: &Caller<'_>) -> Result<(), RefusalKind> {
        // A caller without a valid hotkey is the verifier's to refuse.
        let Some(account) = caller.account else { return Ok(()) };
        let metagraph = self.metagraph.borrow();
        let is_known = metagraph.as_ref().is_some_and(|known| known.neuron_of(&account).is_some());
        if is_known {
            Ok(())
        } else {
            Err(RefusalKind::Blacklisted("Unrecognized hotkey".to_owned()))
        }
    }

    async fn body(
        &self,
        mut payload: web::Payload,
        admitted: &Admitted,
    ) -> Result<web::BytesMut, Box<Refusal>> {
        let refuse = |kind| Box::new(admitted.refuse(kind, &self.identity, unix_ns()));
        let mut body = web::BytesMut::new();
        let read = async {
            while let Some(chunk) = payload.next().await {
                let chunk = chunk.map_err(|_| RefusalKind::TimedOut)?;
                if body.len() + chunk.len() > self.max_body_bytes {
                    return Err(RefusalKind::BodyTooLarge);
                }
                body.extend_from_slice(&chunk);
            }
            Ok(())
        };
        match tokio::time::timeout(BODY_WITHIN, read).await {
            Ok(Ok(())) => Ok(body),
            Ok(Err(kind)) => Err(refuse(kind)),
            Err(_) => Err(refuse(RefusalKind::TimedOut)),
        }
    }

    /// Starts the answer and gives the body that it writes.
    fn start(
        &self,
        prompt: Prompt,
    ) -> ReceiverStream<Result<bytes::Bytes, super::miner::BrokenOff>> {
        let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
        let sink = ChunkSink::new(sender);
        let within = Duration::from_secs_f64(prompt.seconds(MAX_ANSWER_SECONDS));
        let answering = self.miner.answer(prompt, within, sink.clone());
        let open = OpenStream::new(&self.name);
        spawn_named("synapse_handler", async move {
            let end = tokio::select! {
                () = sink.gone() => "caller_gone",
                end = write_answer(answering, within + OVERTIME, &sink) => end,
            };
            open.ended(end);
        });
        ReceiverStream::new(chunks)
    }

    fn refused(&self, refusal: Refusal) -> HttpResponse {
        debug!(actor = %self.name, kind = refusal.kind.label(), "request refused");
        let status =
            StatusCode::from_u16(refusal.http_status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        respond(status, &refusal.headers).body(refusal.body)
    }
}

async fn write_answer(
    answering: super::miner::Answering,
    limit: Duration,
    sink: &ChunkSink,
) -> &'static str {
    // The answer is a task of its own so that a panic in it is told apart from an end.
    let task = tokio::spawn(answering);
    let abort = AbortOnDrop(task.abort_handle());
    let outcome = tokio::time::timeout(limit, task).await;
    drop(abort);
    match outcome {
        Ok(Ok(Ok(()))) => "complete",
        Ok(Ok(Err(MinerError::CallerGone(_)))) => "caller_gone",
        Ok(Ok(Err(error))) => {
            debug!(%error, "answer broke off");
            sink.break_off().await;
            "error"
        }
        Ok(Err(panic)) => {
            warn!(%panic, "a miner panicked; its stream is broken off");
            sink.break_off().await;
            "panic"
        }
        Err(_) => "deadline",
    }
}

struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Counts a stream while it is open, and how it ended.
struct OpenStream {
    actor: Arc<str>,
    end: &'static str,
}

impl OpenStream {
    fn new(actor: &Arc<str>) -> Self {
        gauge!(telemetry::AXON_OPEN_STREAMS.name, "actor" => actor.to_string()).increment(1.0);
        Self { actor: Arc::clone(actor), end: "error" }
    }

    fn ended(mut self, end: &'static str) {
        self.end = end;
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let actor = self.actor.to_string();
        gauge!(telemetry::AXON_OPEN_STREAMS.name, "actor" => actor.clone()).decrement(1.0);
        counter!(telemetry::AXON_STREAMS.name, "actor" => actor, "end" => self.end).increment(1);
    }
}

fn respond(status: StatusCode, headers: &[Header]) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    for (name, value) in headers {
        // The wire module writes only legal names and one-line ASCII values.
        if let (Ok(name), Ok(value)) =
            (HeaderName::try_from(name.as_str()), HeaderValue::from_str(value))
        {
            response.insert_header((name, value));
        }
    }
    response
}
