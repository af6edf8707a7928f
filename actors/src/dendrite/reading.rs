//! What each read of a connection adds to a reply, and how the reply ends.
//!
//! The SDK's client parses one read at a time. A fault in the read that completes the head fails
//! the head, and nothing of the reply counts; after a later one it waits for its timeout and keeps
//! the text (docs/spec/wire.md#odd-replies). The same holds here, without the wait.

use sn1::synapse::outcome::Ending;
use sn1::synapse::reply::{Closed, ReplyError, ReplyReader};

use super::DendriteLimits;
use super::arrived::{Arrived, Taken};

/// The result of one read.
#[derive(Debug)]
pub(super) enum Read {
    /// The reply goes on.
    Part,
    /// The reply is complete.
    Whole,
    /// The reply is a refusal, and no more of it is wanted.
    Enough,
    /// The peer closed the connection.
    Closed,
    /// The connection was reset.
    Reset,
    Failed(Ending),
}

/// A reply that is being read.
pub(super) struct Reply<'a> {
    pub(super) reader: ReplyReader,
    pub(super) arrived: &'a mut Arrived,
    /// Whether the peer has sent anything.
    pub(super) has_begun: bool,
}

impl<'a> Reply<'a> {
    /// A reply of which nothing has come.
    pub(super) fn new(arrived: &'a mut Arrived, limits: &DendriteLimits) -> Self {
        let reader = ReplyReader::new(limits.max_head_bytes);
        Self { reader, arrived, has_begun: false }
    }

    /// Adds what one read returned; `body` is an empty buffer. The bytes of one read count as one
    /// chunk (docs/spec/mechanism.md#quirk-42), however many HTTP chunks the peer sent them in.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        body: &mut Vec<u8>,
        after_s: f64,
        limits: &DendriteLimits,
    ) -> Read {
        self.has_begun = true;
        let is_first = !self.arrived.has_head();
        let pushed = self.reader.push(bytes, body);
        if is_first && let Err(error) = &pushed {
            return Read::Failed(Ending::BadHead(error.to_string()));
        }
        if is_first && self.reader.is_followed_by_garbage() {
            return Read::Failed(Ending::BadHead("bytes follow the reply".to_owned()));
        }
        if let Some(head) = self.reader.take_head() {
            self.arrived.head(head, after_s);
        }
        if !body.is_empty() || self.arrived.is_unreadable() {
            match self.arrived.chunk(body, after_s, limits) {
                Ok(Taken::Wanted) => {}
                Ok(Taken::Enough) => return Read::Enough,
                Err(ending) => return Read::Failed(ending),
            }
        }
        match pushed {
            Err(ReplyError::Chunks) => Read::Failed(Ending::Garbled),
            Err(error) => Read::Failed(Ending::BadHead(error.to_string())),
            Ok(()) if !self.reader.is_whole() => Read::Part,
            Ok(()) if is_first && self.arrived.is_cut() => {
                self.arrived.drop_text();
                Read::Failed(Ending::BadHead("its content coding ends too early".to_owned()))
            }
            Ok(()) => Read::Whole,
        }
    }

    /// How the exchange ends with this read.
    pub(super) fn ending(&mut self, end: Read) -> Ending {
        match (end, self.reader.closed()) {
            (Read::Failed(ending), _) => ending,
            (Read::Enough, _) => Ending::Complete,
            (Read::Whole | Read::Part, _) => self.arrived.end(),
            // Of a text that only the end of the connection ends, the SDK takes a reset for one.
            (Read::Closed | Read::Reset, Closed::AtTheEnd) => self.arrived.end(),
            (Read::Closed | Read::Reset, Closed::InTheBody) => Ending::BrokenBody,
            (Read::Closed, Closed::BeforeTheHead) => Ending::Disconnected,
            (Read::Reset, Closed::BeforeTheHead) => Ending::Reset,
        }
    }
}

#[cfg(test)]
mod tests;
