//! Parses a reply as it arrives: HTTP/1.x heads and framed bodies, in pieces of any size.
//!
//! The reader owns the framing and its limits: how long a head may be, how many headers it may
//! have, what a chunk size is. It owns no socket, stores no part of the body, and gives the same
//! result however the bytes are cut. It does not follow redirects.
//!
//! It accepts and refuses what the SDK's client does (docs/spec/wire.md#odd-replies), but no more
//! than a bounded number of bytes beside the text.

mod chunks;
mod framing;

pub(super) use chunks::is_token;
use chunks::{Chunks, Part};
use framing::Framing;
use httparse::{EMPTY_HEADER, ParserConfig, Response, Status};

use super::coding::Coding;
use super::headers::{HeaderError, MAX_REPLY_HEADERS, MAX_REPLY_LINE_BYTES, ReplyHead};

/// The bytes that every reply begins with, and the length of a status line without its reason.
const BEGINNING: &[u8] = b"HTTP/1.";
const STATUS_LINE_BYTES: usize = b"HTTP/1.1 200 \r\n".len();

/// Why bytes are not an acceptable reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// The bytes are not HTTP, or the head contradicts itself.
    #[error("could not read the reply's head: {0}")]
    Head(String),
    /// The head is longer than this many bytes.
    #[error("the reply's head is longer than {0} bytes")]
    HeadTooLong(usize),
    /// A chunk does not have the chunked framing.
    #[error("the reply's chunks are garbled")]
    Chunks,
}

/// What a closed connection means for the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The reply is complete.
    AtTheEnd,
    /// The head is missing or incomplete.
    BeforeTheHead,
    /// A part of the body is missing.
    InTheBody,
}

/// The head of a reply.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// Status code of the status line.
    pub http_status: u16,
    /// The parsed headers, or the error of one that does not parse.
    pub reply: Result<ReplyHead, HeaderError>,
    /// How the body is packed.
    pub coding: Coding,
}

/// Reads one reply.
#[derive(Debug, Clone)]
pub struct ReplyReader {
    state: State,
    /// The bytes of a head that is still incomplete.
    pending: Vec<u8>,
    head: Option<Head>,
    /// Bytes that the heads, interim ones included, may still take.
    head_bytes_left: usize,
    max_head_bytes: usize,
    keeps_alive: bool,
    has_surplus: bool,
    is_surplus_garbage: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Head,
    Length(u64),
    Chunked(Chunks),
    UntilClosed,
    Whole,
}

impl ReplyReader {
    /// A reader that accepts heads of up to `max_head_bytes` bytes.
    pub fn new(max_head_bytes: usize) -> Self {
        Self {
            state: State::Head,
            pending: Vec::new(),
            head: None,
            head_bytes_left: max_head_bytes,
            max_head_bytes,
            keeps_alive: false,
            has_surplus: false,
            is_surplus_garbage: false,
        }
    }

    /// Parses the next bytes and appends their part of the body to `body`.
    ///
    /// # Errors
    /// The bytes are not a reply. The reader must not be used afterwards; `body` remains valid.
    pub fn push(&mut self, mut bytes: &[u8], body: &mut Vec<u8>) -> Result<(), ReplyError> {
        while !bytes.is_empty() {
            bytes = match &mut self.state {
                State::Head => self.push_head(bytes)?,
                State::Length(left) => {
                    let n_bytes =
                        usize::try_from(*left).map_or(bytes.len(), |n| n.min(bytes.len()));
                    let (mine, rest) = bytes.split_at(n_bytes);
                    body.extend_from_slice(mine);
                    *left -= n_bytes as u64;
                    if *left == 0 {
                        self.state = State::Whole;
                    }
                    rest
                }
                State::Chunked(chunks) => {
                    let rest = chunks.push(bytes, body)?;
                    if chunks.part == Part::End {
                        self.state = State::Whole;
                    }
                    rest
                }
                State::UntilClosed => {
                    body.extend_from_slice(bytes);
                    &[]
                }
                State::Whole => {
                    self.take_surplus(bytes);
                    &[]
                }
            };
        }
        Ok(())
    }

    /// The head, once it is complete.
    pub fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Takes the head out of the reader, once it is complete.
    pub fn take_head(&mut self) -> Option<Head> {
        self.head.take()
    }

    /// Whether the reply is complete without the connection being closed.
    pub fn is_whole(&self) -> bool {
        self.state == State::Whole
    }

    /// Whether the connection can carry another request: the reply is complete, no bytes follow it,
    /// and the peer keeps the connection open.
    pub fn may_continue(&self) -> bool {
        self.is_whole() && self.keeps_alive && !self.has_surplus
    }

    /// Whether bytes follow the reply that are neither line ends nor another reply.
    pub fn is_followed_by_garbage(&self) -> bool {
        self.is_surplus_garbage
    }

    /// What it means for the reply that the connection has ended.
    pub fn closed(&self) -> Closed {
        match self.state {
            State::Head => Closed::BeforeTheHead,
            State::Whole | State::UntilClosed => Closed::AtTheEnd,
            State::Length(_) | State::Chunked(_) => Closed::InTheBody,
        }
    }

    fn take_surplus(&mut self, bytes: &[u8]) {
        let n_line_ends = bytes.iter().take_while(|byte| is_line_end(**byte)).count();
        let surplus = &bytes[n_line_ends..];
        self.has_surplus |= !surplus.is_empty();
        let is_reply = surplus.iter().zip(BEGINNING).all(|(byte, expected)| byte == expected);
        self.is_surplus_garbage |= !is_reply;
    }

    /// Consumes bytes up to the end of a head and returns the rest.
    fn push_head<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], ReplyError> {
        let bytes = self.skip_line_ends(bytes)?;
        let n_before = self.pending.len();
        let n_taken = bytes.len().min(self.head_bytes_left);
        self.pending.extend_from_slice(&bytes[..n_taken]);
        let n_beginning = BEGINNING.len().min(self.pending.len());
        if self.pending[..n_beginning] != BEGINNING[..n_beginning] {
            return Err(ReplyError::Head("it is no HTTP".to_owned()));
        }
        let Some(n_head) = end_of_head(&self.pending, n_before) else {
            if n_taken < bytes.len() || n_taken == self.head_bytes_left {
                return Err(ReplyError::HeadTooLong(self.max_head_bytes));
            }
            self.head_bytes_left -= n_taken;
            return Ok(&[]);
        };
        let rest = &bytes[n_head - n_before..];
        self.head_bytes_left -= n_head - n_before;
        self.pending.truncate(n_head);
        let mut pending = std::mem::take(&mut self.pending);
        blank_controls(&mut pending);
        self.read_head(&pending)?;
        Ok(rest)
    }

    /// Skips the line ends before a head, which count as a part of it.
    fn skip_line_ends<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], ReplyError> {
        let n_skipped = match self.pending.as_slice() {
            [] => bytes.iter().take_while(|byte| is_line_end(**byte)).count(),
            _ => 0,
        };
        let left = self.head_bytes_left.checked_sub(n_skipped);
        self.head_bytes_left = left.ok_or(ReplyError::HeadTooLong(self.max_head_bytes))?;
        Ok(&bytes[n_skipped..])
    }

    fn read_head(&mut self, bytes: &[u8]) -> Result<(), ReplyError> {
        let line_end = bytes.iter().position(|byte| *byte == b'\n');
        if line_end.is_some_and(|at| STATUS_LINE_BYTES + MAX_REPLY_LINE_BYTES <= at) {
            return Err(ReplyError::Head("its status line is too long".to_owned()));
        }
        let mut headers = [EMPTY_HEADER; MAX_REPLY_HEADERS];
        let mut response = Response::new(&mut headers);
        let mut parser = ParserConfig::default();
        parser.allow_obsolete_multiline_headers_in_responses(true);
        match parser.parse_response(&mut response, bytes) {
            Ok(Status::Complete(_)) => {}
            Ok(Status::Partial) => return Err(ReplyError::Head("it is not whole".to_owned())),
            Err(error) => return Err(ReplyError::Head(error.to_string())),
        }
        let http_status = response.code.unwrap_or_default();
        if (100..200).contains(&http_status) && http_status != 101 {
            return Ok(()); // Another head follows.
        }
        let framing = Framing::read(response.headers)?;
        self.state = framing.state(http_status);
        self.keeps_alive = framing.keeps_alive(response.version == Some(1));
        let headers = response.headers.iter().map(|header| (header.name, header.value));
        let reply = ReplyHead::parse(headers);
        self.head = Some(Head { http_status, reply, coding: framing.coding });
        Ok(())
    }
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// Replaces control characters in the values of a head by spaces: the SDK's client lets all but NUL
/// and bare CR pass, `httparse` none.
fn blank_controls(head: &mut [u8]) {
    let (mut is_value, mut begins_line) = (false, false);
    for byte in head {
        match byte {
            b'\n' => is_value = false,
            b':' => is_value = true,
            b' ' | b'\t' if begins_line => is_value = true,
            1..=8 | 11 | 12 | 14..=31 | 127 if is_value => *byte = b' ',
            _ => {}
        }
        begins_line = *byte == b'\n';
    }
}

/// The end of a head, after an empty line, or `None`. Searches from `n_seen` on.
fn end_of_head(bytes: &[u8], n_seen: usize) -> Option<usize> {
    let from = n_seen.saturating_sub(3);
    let fresh = &bytes[from..];
    let ends = |at: usize| match &fresh[at + 1..] {
        [b'\n', ..] => Some(from + at + 2),
        [b'\r', b'\n', ..] => Some(from + at + 3),
        _ => None,
    };
    let line_ends = fresh.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    line_ends.map(|(at, _)| at).find_map(ends)
}

#[cfg(test)]
mod tests;
