//! Replies: what each refusal costs to make and when it goes out.

use std::sync::Arc;
use std::time::Duration;

use actix_http::body::{BoxBody, MessageBody};
use actix_http::header::{HeaderName, HeaderValue};
use actix_http::{ConnectionType, Response, StatusCode};
use bytes::Bytes;
use metrics::counter;
use sn1::synapse::headers::{AxonIdentity, Header};
use sn1::synapse::limits::Rate;
use sn1::synapse::pipeline::{Asked, Refusal, RefusalKind};
use sn1::telemetry;
use tokio::time::sleep;

use super::{Refused, Served};
use crate::axon::connection::Track;
use crate::axon::request_log::{RequestLog, Step};
use crate::clock::unix_ns;

/// The longest that a refusal is delayed.
const MAX_SLOW_DOWN: Duration = Duration::from_secs(1);
/// How many refusals are signed, as the SDKs sign theirs; beyond that they go out unsigned.
pub(super) const SIGNED_REFUSALS: Rate = Rate { per_second: 50.0, burst: 50.0 };

impl Served {
    /// The identity that signs a refusal; the unsigned one when refusals are many.
    pub(super) fn signer(&self) -> &AxonIdentity {
        let is_signed = self.signed_refusals.borrow_mut().take((), unix_ns());
        if is_signed { &self.identity } else { &self.unsigned }
    }

    pub(super) fn refuse(&self, asked: &Asked, kind: RefusalKind) -> Box<Refusal> {
        Box::new(asked.refuse(kind, self.signer(), unix_ns()))
    }

    /// The reply of a refusal, which is counted and told.
    pub(super) async fn refused(
        &self,
        refused: Refused,
        track: Option<&Track>,
    ) -> Response<BoxBody> {
        let Refused { refusal, mut log } = refused;
        log.decided();
        if let (RefusalKind::RateLimited, Step::Address) = (&refusal.kind, log.step) {
            self.slow_down(&log, track).await;
        }
        let kind = refusal.kind.label();
        counter!(telemetry::AXON_REFUSALS.name, "actor" => Arc::clone(&self.name), "kind" => kind)
            .increment(1);
        self.state.tally.refused(&refusal.kind);
        log.tell(refusal.http_status, kind);
        let status =
            StatusCode::from_u16(refusal.http_status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = respond(status, refusal.headers, refusal.body);
        if track.is_some_and(Track::is_reserved) {
            // The place is kept for callers who hold what they claim.
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        response
    }

    /// Delays the refusal of a stranger whose network asks too often until it may ask again: on a
    /// kept connection, an immediate refusal would invite the next request.
    async fn slow_down(&self, log: &RequestLog, track: Option<&Track>) {
        let wait = log.network().map(|network| self.state.stranger_waits(network, unix_ns()));
        if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
            track.iter().for_each(|track| track.is_made_to_wait());
            sleep(wait.min(MAX_SLOW_DOWN)).await;
        }
    }

    pub(super) fn count(&self, status: StatusCode) {
        counter!(
            telemetry::AXON_REQUESTS.name,
            "actor" => Arc::clone(&self.name),
            "status" => status.as_str().to_owned(),
        )
        .increment(1);
    }
}

pub(super) fn respond(
    status: StatusCode,
    headers: Vec<Header>,
    body: impl MessageBody + 'static,
) -> Response<BoxBody> {
    let mut response = Response::with_body(status, BoxBody::new(body));
    for (name, value) in headers {
        // The wire module writes only valid header names and one-line ASCII values.
        if let (Ok(name), Ok(value)) =
            (HeaderName::try_from(name), HeaderValue::from_maybe_shared(Bytes::from(value)))
        {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
