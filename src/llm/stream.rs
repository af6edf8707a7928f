//! Turns a sequence of tokens into text.
//!
//! A token of a byte-level vocabulary can end inside a character, and a stop text can span tokens.
//! So text is returned only once it is certain: whole characters, and nothing that may still become
//! a stop text. Bytes that can never become a character are replaced by U+FFFD, as by a decoder of
//! the whole answer.

/// The text of one answer while it is generated.
#[derive(Clone, Debug)]
pub struct TextStream {
    stop: Vec<String>,
    /// Bytes of an incomplete character; at most three.
    partial: Vec<u8>,
    /// Characters held back because they may begin a stop text.
    held: String,
    stopped: bool,
}

impl TextStream {
    /// A stream that ends at the first of the `stop` texts, which must not be empty.
    pub fn new(stop: Vec<String>) -> Self {
        Self { stop, partial: Vec::new(), held: String::new(), stopped: false }
    }

    /// Takes the bytes of one token and returns the text that is certain by now.
    ///
    /// After a stop text (see [`TextStream::is_stopped`]) it returns nothing more.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        if self.stopped {
            return String::new();
        }
        self.partial.extend_from_slice(bytes);
        let complete = take_characters(&mut self.partial);
        self.held.push_str(&complete);
        self.release()
    }

    /// Ends the answer and returns the text held back; an incomplete character becomes U+FFFD.
    pub fn finish(&mut self) -> String {
        if self.stopped {
            return String::new();
        }
        let mut rest = std::mem::take(&mut self.held);
        rest.push_str(&String::from_utf8_lossy(&self.partial));
        self.partial.clear();
        rest
    }

    /// Whether a stop text has ended the answer.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    fn release(&mut self) -> String {
        let first = self.stop.iter().filter_map(|stop| self.held.find(stop)).min();
        if let Some(at) = first {
            self.stopped = true;
            self.held.truncate(at);
            return std::mem::take(&mut self.held);
        }
        let kept = self.held.split_off(self.held.len() - self.n_suspect());
        std::mem::replace(&mut self.held, kept)
    }

    /// Length of the longest suffix of the held text that is a prefix of a stop text.
    fn n_suspect(&self) -> usize {
        self.stop.iter().map(|stop| overlap(&self.held, stop)).max().unwrap_or(0)
    }
}

/// Length of the longest suffix of `text` that is a prefix of `stop`.
fn overlap(text: &str, stop: &str) -> usize {
    (1..=stop.len().min(text.len()))
        .rev()
        .find(|&length| stop.is_char_boundary(length) && text.ends_with(&stop[..length]))
        .unwrap_or(0)
}

/// Removes all complete characters from the front; the remaining bytes may still become one.
fn take_characters(bytes: &mut Vec<u8>) -> String {
    let mut text = String::new();
    let mut n_taken = 0;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        n_taken += chunk.valid().len();
        let invalid = chunk.invalid();
        if invalid.is_empty() {
            continue;
        }
        if n_taken + invalid.len() == bytes.len() && may_complete(invalid) {
            break;
        }
        text.push(char::REPLACEMENT_CHARACTER);
        n_taken += invalid.len();
    }
    bytes.drain(..n_taken);
    text
}

/// Whether more bytes could complete `bytes` to a character.
fn may_complete(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stream(stop: &[&str]) -> TextStream {
        TextStream::new(stop.iter().map(|stop| (*stop).to_owned()).collect())
    }

    #[test]
    fn a_character_comes_out_whole() {
        let mut stream = stream(&[]);
        assert_eq!(stream.push(b"a\xf0\x9f"), "a");
        assert_eq!(stream.push(b"\x98"), "");
        assert_eq!(stream.push(b"\x80b"), "\u{1f600}b");
        assert_eq!(stream.push(b"\xe4\xb8"), "");
        assert_eq!(stream.finish(), "\u{fffd}");
        assert_eq!(stream.finish(), "");
    }

    #[test]
    fn impossible_bytes_are_replaced_at_once() {
        let mut stream = stream(&[]);
        assert_eq!(stream.push(b"\xffa"), "\u{fffd}a");
        assert_eq!(stream.push(b"\xe4"), "");
        assert_eq!(stream.push(b"x"), "\u{fffd}x");
        assert_eq!(stream.push(b"\x80"), "\u{fffd}");
    }

    #[test]
    fn a_stop_text_over_several_tokens_never_shows() {
        let mut stream = stream(&["\nUser:", "END"]);
        assert_eq!(stream.push(b"hello\nUs"), "hello");
        assert_eq!(stream.push(b"age\n"), "\nUsage");
        assert_eq!(stream.push(b"User: again"), "");
        assert!(stream.is_stopped());
        assert_eq!((stream.push(b"more"), stream.finish()), (String::new(), String::new()));
    }

    #[test]
    fn the_earliest_stop_text_counts() {
        let mut stream = stream(&["cd", "b"]);
        assert_eq!(stream.push(b"abcd"), "a");
        assert!(stream.is_stopped());
    }

    #[test]
    fn a_suspicion_that_fails_is_released_at_the_end() {
        let mut stream = stream(&["END"]);
        assert_eq!(stream.push(b"the EN"), "the ");
        assert_eq!(stream.finish(), "EN");
        assert!(!stream.is_stopped());
    }

    /// Cuts `bytes` at these places and pushes the pieces.
    fn push_cut(stream: &mut TextStream, bytes: &[u8], cuts: &[usize]) -> String {
        let mut text = String::new();
        let mut rest = bytes;
        for cut in cuts {
            let (piece, tail) = rest.split_at(cut % (rest.len() + 1));
            text.push_str(&stream.push(piece));
            rest = tail;
        }
        text.push_str(&stream.push(rest));
        text + &stream.finish()
    }

    proptest! {
        #[test]
        fn cuts_do_not_change_the_text(
            bytes in prop::collection::vec(any::<u8>(), 0..40),
            cuts in prop::collection::vec(any::<usize>(), 0..10),
        ) {
            let text = push_cut(&mut stream(&[]), &bytes, &cuts);
            prop_assert_eq!(text, String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn a_stop_text_cuts_at_its_first_appearance(
            text in "[abé😀]{0,30}",
            stop in "[abé😀]{1,3}",
            cuts in prop::collection::vec(any::<usize>(), 0..10),
        ) {
            let found = push_cut(&mut stream(&[&stop]), text.as_bytes(), &cuts);
            prop_assert_eq!(found, text.split(&stop).next().unwrap());
        }
    }
}
