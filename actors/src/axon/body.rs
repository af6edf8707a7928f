//! The body of a request: read within its size and time, or what has come of it discarded.

use std::time::Duration;

use actix_http::error::PayloadError;
use actix_http::header::HeaderMap;
use actix_http::{Payload, Request};
use bytes::BytesMut;
use futures_util::StreamExt;
use sn1::synapse::body::BodyError;
use sn1::synapse::pipeline::RefusalKind;

use crate::away::timeout;

/// Time for the body of a request to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// Time to read the rest of a refused body that has already arrived.
const DRAIN_WITHIN: Duration = Duration::from_millis(20);
/// Most bytes of such a rest that are read; with more, the connection is closed.
const MAX_DRAIN_BYTES: usize = 64 * 1024;

/// The body of a request, and how far it was read.
pub(super) struct Body {
    payload: Payload,
    is_ended: bool,
    is_broken: bool,
}

impl Body {
    /// Takes the body from a request.
    pub(super) fn of(request: &mut Request) -> Self {
        Self { payload: request.take_payload(), is_ended: false, is_broken: false }
    }

    /// Reads the whole body if it has at most `max_bytes`.
    pub(super) async fn read(
        &mut self,
        headers: &HeaderMap,
        max_bytes: usize,
    ) -> Result<BytesMut, RefusalKind> {
        if headers.get("content-encoding").is_some_and(|encoding| encoding != "identity") {
            return Err(RefusalKind::BadBody(BodyError::Encoded));
        }
        if stated_bytes(headers).is_some_and(|n_bytes| n_bytes > max_bytes) {
            return Err(RefusalKind::BodyTooLarge);
        }
        let read = timeout(BODY_WITHIN, self.read_all(max_bytes)).await;
        read.unwrap_or(Err(RefusalKind::TimedOut))
    }

    async fn read_all(&mut self, max_bytes: usize) -> Result<BytesMut, RefusalKind> {
        let mut bytes = BytesMut::new();
        while let Some(chunk) = self.payload.next().await {
            let chunk =
                chunk.inspect_err(|_| self.is_broken = true).map_err(|error| match error {
                    PayloadError::EncodingCorrupted | PayloadError::Incomplete(_) => {
                        RefusalKind::BadBody(BodyError::Incomplete)
                    }
                    _ => RefusalKind::TimedOut,
                })?;
            if bytes.len() + chunk.len() > max_bytes {
                return Err(RefusalKind::BodyTooLarge);
            }
            bytes.extend_from_slice(&chunk);
        }
        self.is_ended = true;
        Ok(bytes)
    }

    /// Discards a small rest that has already arrived, so that the connection can be kept. `false`
    /// when more is left.
    pub(super) async fn drain(&mut self) -> bool {
        if !self.is_ended && !self.is_broken {
            let rest = timeout(DRAIN_WITHIN, self.read_all(MAX_DRAIN_BYTES)).await;
            self.is_ended = matches!(rest, Ok(Ok(_)));
        }
        self.is_ended
    }
}

/// Most bytes that a body may take on the wire, with an allowance for the framing of chunks.
pub(super) fn most_bytes(headers: &HeaderMap, max_bytes: usize) -> usize {
    if headers.contains_key("transfer-encoding") {
        return max_bytes.saturating_mul(2).saturating_add(MAX_DRAIN_BYTES);
    }
    stated_bytes(headers).unwrap_or(0).min(max_bytes)
}

/// The size of the body as its headers state it; `None` when they do not.
fn stated_bytes(headers: &HeaderMap) -> Option<usize> {
    headers.get("content-length")?.to_str().ok()?.parse().ok()
}
