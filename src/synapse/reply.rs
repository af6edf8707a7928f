//! Parses a reply as it arrives: HTTP/1.x heads and framed bodies, in pieces of any size.
//!
//! The reader owns the framing and its limits: how long a head may be, how many headers it may
//! have, what a chunk size is. It owns no socket, stores no part of the body, and gives the same
//! result however the bytes are cut. It neither decompresses nor follows redirects.
//!
//! It is strict where leniency would let two readers see two different replies: lengths that
//! differ, a chunk size that is not a number, a line that ends without CR.

use httparse::{EMPTY_HEADER, Response, Status};

use super::headers::{HeaderError, MAX_REPLY_HEADERS, ReplyHead};

/// Most bytes of chunk extensions in a whole reply, and most bytes of trailers.
const MAX_SIDE_BYTES: usize = 16 * 1024;
/// The bytes that every reply begins with.
const BEGINNING: &[u8] = b"HTTP/1.";

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
                    self.has_surplus = true;
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

    /// What it means for the reply that the connection has ended.
    pub fn closed(&self) -> Closed {
        match self.state {
            State::Head => Closed::BeforeTheHead,
            State::Whole | State::UntilClosed => Closed::AtTheEnd,
            State::Length(_) | State::Chunked(_) => Closed::InTheBody,
        }
    }

    /// Consumes bytes up to the end of a head and returns the rest.
    fn push_head<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], ReplyError> {
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
        let pending = std::mem::take(&mut self.pending);
        self.read_head(&pending)?;
        Ok(rest)
    }

    fn read_head(&mut self, bytes: &[u8]) -> Result<(), ReplyError> {
        let mut headers = [EMPTY_HEADER; MAX_REPLY_HEADERS];
        let mut response = Response::new(&mut headers);
        match response.parse(bytes) {
            Ok(Status::Complete(_)) => {}
            Ok(Status::Partial) => return Err(ReplyError::Head("it is not whole".to_owned())),
            Err(error) => return Err(ReplyError::Head(error.to_string())),
        }
        let http_status = response.code.unwrap_or_default();
        if (100..200).contains(&http_status) && http_status != 101 {
            return Ok(()); // Another head follows.
        }
        let framing = Framing::read(response.headers)?;
        let is_modern = response.version == Some(1);
        self.state = framing.state(http_status, is_modern)?;
        self.keeps_alive = framing.keeps_alive(is_modern);
        let headers = response.headers.iter().map(|header| (header.name, header.value));
        self.head = Some(Head { http_status, reply: ReplyHead::parse(headers) });
        Ok(())
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

/// What the headers say about the length of the body and about the connection.
#[derive(Debug, Default)]
struct Framing {
    length: Option<u64>,
    /// Whether the last transfer coding is `chunked`; `None` if there is no coding.
    is_chunked: Option<bool>,
    says_close: bool,
    says_keep_alive: bool,
}

impl Framing {
    fn read(headers: &[httparse::Header<'_>]) -> Result<Self, ReplyError> {
        let mut framing = Self::default();
        for header in headers {
            let is = |name: &str| header.name.eq_ignore_ascii_case(name);
            if is("content-length") {
                framing.add_lengths(header.value)?;
            } else if is("transfer-encoding") {
                let coding = items(header.value).last().unwrap_or_default();
                framing.is_chunked = Some(coding.eq_ignore_ascii_case(b"chunked"));
            } else if is("connection") {
                let says = |word: &[u8]| items(header.value).any(|i| i.eq_ignore_ascii_case(word));
                framing.says_close |= says(b"close");
                framing.says_keep_alive |= says(b"keep-alive");
            }
        }
        Ok(framing)
    }

    fn add_lengths(&mut self, value: &[u8]) -> Result<(), ReplyError> {
        for item in items(value) {
            let is_number = !item.is_empty() && item.iter().all(u8::is_ascii_digit);
            let text = std::str::from_utf8(item).ok().filter(|_| is_number);
            let length = text.and_then(|text| text.parse().ok());
            if length.is_none() || self.length.is_some_and(|known| Some(known) != length) {
                return Err(ReplyError::Head("its length is no number or not one".to_owned()));
            }
            self.length = length;
        }
        Ok(())
    }

    /// The framing that follows the head (RFC 9112, section 6.3).
    fn state(&self, http_status: u16, is_modern: bool) -> Result<State, ReplyError> {
        Ok(match (http_status, self.is_chunked, self.length) {
            (101 | 204 | 304, ..) => State::Whole,
            (_, Some(_), _) if !is_modern => {
                return Err(ReplyError::Head("HTTP/1.0 knows no transfer coding".to_owned()));
            }
            (_, Some(true), _) => State::Chunked(Chunks::default()),
            (_, Some(false), _) | (_, None, None) => State::UntilClosed,
            (_, None, Some(0)) => State::Whole,
            (_, None, Some(length)) => State::Length(length),
        })
    }

    fn keeps_alive(&self, is_modern: bool) -> bool {
        let is_sure = self.is_chunked.is_none() || self.length.is_none();
        is_sure && !self.says_close && (is_modern || self.says_keep_alive)
    }
}

/// The items of a comma-separated header value.
fn items(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

/// The chunked framing (RFC 9112, section 7.1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Chunks {
    part: Part,
    /// While the size is read, its value so far; then the bytes of the chunk that are still
    /// missing.
    left: u64,
    n_digits: u32,
    n_extension_bytes: usize,
    n_trailer_bytes: usize,
    /// Whether the current trailer line is empty so far.
    is_line_empty: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Part {
    #[default]
    Size,
    /// White space after the size.
    SizeSpace,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    Trailer,
    TrailerLf,
    End,
}

impl Chunks {
    /// Consumes bytes up to the end of the body and returns the rest.
    fn push<'a>(
        &mut self,
        mut bytes: &'a [u8],
        body: &mut Vec<u8>,
    ) -> Result<&'a [u8], ReplyError> {
        while self.part != Part::End {
            let Some((&byte, rest)) = bytes.split_first() else { return Ok(&[]) };
            if self.part == Part::Data {
                let n_left = usize::try_from(self.left).unwrap_or(usize::MAX);
                let (mine, rest) = bytes.split_at(n_left.min(bytes.len()));
                body.extend_from_slice(mine);
                self.left -= mine.len() as u64;
                if self.left == 0 {
                    self.part = Part::DataCr;
                }
                bytes = rest;
            } else {
                self.part = self.step(byte).ok_or(ReplyError::Chunks)?;
                bytes = rest;
            }
        }
        Ok(bytes)
    }

    /// The part that follows this byte; for bytes outside chunk data.
    fn step(&mut self, byte: u8) -> Option<Part> {
        match (self.part, byte) {
            (Part::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => self.digit(byte),
            (Part::Size | Part::SizeSpace, _) if self.n_digits == 0 => None,
            (Part::Size | Part::SizeSpace, b' ' | b'\t') => self.beside(Part::SizeSpace),
            (Part::Size | Part::SizeSpace, b';') => self.beside(Part::Extension),
            (Part::Size | Part::SizeSpace | Part::Extension, b'\r') => Some(Part::SizeLf),
            (Part::Extension, b'\n') => None,
            (Part::Extension, _) => self.beside(Part::Extension),
            (Part::SizeLf, b'\n') => Some(self.after_size()),
            (Part::DataCr, b'\r') => Some(Part::DataLf),
            (Part::DataLf, b'\n') => Some(self.next_chunk()),
            (Part::Trailer, b'\r') => Some(Part::TrailerLf),
            (Part::Trailer, byte) if byte != b'\n' => self.trailer(),
            (Part::TrailerLf, b'\n') if self.is_line_empty => Some(Part::End),
            (Part::TrailerLf, b'\n') => Some(self.next_line()),
            _ => None,
        }
    }

    fn digit(&mut self, byte: u8) -> Option<Part> {
        let digit = char::from(byte).to_digit(16)?;
        self.n_digits += 1;
        self.left = self.left.checked_mul(16)?.checked_add(u64::from(digit))?;
        // Without a limit, leading zeros could go on for ever.
        (self.n_digits <= 16).then_some(Part::Size)
    }

    fn beside(&mut self, part: Part) -> Option<Part> {
        self.n_extension_bytes += 1;
        (self.n_extension_bytes <= MAX_SIDE_BYTES).then_some(part)
    }

    fn after_size(&mut self) -> Part {
        if self.left == 0 { self.next_line() } else { Part::Data }
    }

    fn next_chunk(&mut self) -> Part {
        (self.left, self.n_digits) = (0, 0);
        Part::Size
    }

    fn next_line(&mut self) -> Part {
        self.is_line_empty = true;
        Part::Trailer
    }

    fn trailer(&mut self) -> Option<Part> {
        self.is_line_empty = false;
        self.n_trailer_bytes += 1;
        (self.n_trailer_bytes <= MAX_SIDE_BYTES).then_some(Part::Trailer)
    }
}

#[cfg(test)]
mod tests;
