//! The record of each miner that is asked: grows while the miner streams, and is settled at the
//! end.

use std::net::SocketAddr;

use sn1::chain::Uid;
use sn1::wallet::AccountId;

use crate::messages::miners::{Answer, ProgressEvent};

/// A miner to ask.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    /// Distinguishes the miners of one query: the uid, or the position on the command line.
    pub(super) slot: Uid,
    /// The uid; `None` when the miner was named by its address.
    pub(super) uid: Option<Uid>,
    /// The address of its axon.
    pub(super) address: SocketAddr,
    /// The hotkey that the request is signed for.
    pub(super) hotkey: AccountId,
}

impl Asked {
    pub(super) fn by_uid(uid: Uid, address: SocketAddr, hotkey: AccountId) -> Self {
        Self { slot: uid, uid: Some(uid), address, hotkey }
    }

    pub(super) fn by_address(place: u16, address: SocketAddr, hotkey: AccountId) -> Self {
        Self { slot: Uid(place), uid: None, address, hotkey }
    }

    /// The shortest text that identifies the miner.
    pub(super) fn label(&self) -> String {
        self.uid.map_or_else(|| self.address.to_string(), |uid| uid.to_string())
    }
}

/// A piece of text and when it was read, in seconds since the dendrite accepted the question.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub(super) struct Chunk {
    pub(super) text: String,
    pub(super) after_s: f64,
}

/// How an answer ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct End {
    /// The status code; `None` when none was stated or the query ended first.
    pub(super) status: Option<u16>,
    /// The status message, as the miner sent it.
    pub(super) message: String,
    /// Seconds until the whole reply was read; `None` when it was not.
    pub(super) process_s: Option<f64>,
    /// Seconds until the exchange ended, however it did.
    pub(super) total_s: f64,
}

/// What one miner has answered so far.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) asked: Asked,
    pub(super) http_status: Option<u16>,
    /// The chunks with text; none of a refusal.
    pub(super) chunks: Vec<Chunk>,
    /// The text of all chunks.
    pub(super) text: String,
    pub(super) end: Option<End>,
}

impl Record {
    pub(super) fn new(asked: Asked) -> Self {
        Self { asked, http_status: None, chunks: Vec::new(), text: String::new(), end: None }
    }

    /// Records what arrived; after the end it is ignored.
    pub(super) fn arrived(&mut self, event: ProgressEvent) {
        match event {
            _ if self.end.is_some() => {}
            ProgressEvent::Head { http_status, .. } => self.http_status = Some(http_status),
            // An error page is not an answer.
            ProgressEvent::Chunk { .. } if self.http_status.is_some_and(|code| code != 200) => {}
            ProgressEvent::Chunk { text, .. } if text.is_empty() => {}
            ProgressEvent::Chunk { text, after_s } => {
                self.text.push_str(&text);
                self.chunks.push(Chunk { text, after_s });
            }
        }
    }

    /// Settles the record with the dendrite's outcome, which replaces what was recorded on the way.
    pub(super) fn answered(&mut self, answer: Answer, elapsed_s: f64) {
        let outcome = answer.outcome;
        let no_status = || "the axon stated no status".to_owned();
        self.http_status = answer.http_status;
        self.chunks.clear();
        if !outcome.completion.is_empty() {
            let chunks = answer.chunks.into_iter().filter(|(text, _)| !text.is_empty());
            self.chunks.extend(chunks.map(|(text, after_s)| Chunk { text, after_s }));
        }
        self.text = outcome.completion;
        self.end = Some(End {
            status: outcome.status_code,
            message: outcome.status_message.unwrap_or_else(no_status),
            process_s: outcome.process_time,
            total_s: outcome.process_time.unwrap_or(elapsed_s),
        });
    }

    /// Settles the record without an answer, unless it is settled; text that has arrived is kept.
    pub(super) fn cut_off(&mut self, why: &str, elapsed_s: f64) {
        let message = why.to_owned();
        self.end.get_or_insert(End { status: None, message, process_s: None, total_s: elapsed_s });
    }

    /// Whether the miner answered with status 200 and a text.
    pub(super) fn is_success(&self) -> bool {
        self.end.as_ref().is_some_and(|end| end.status == Some(200)) && !self.text.is_empty()
    }

    pub(super) fn first_chunk_s(&self) -> Option<f64> {
        self.chunks.first().map(|chunk| chunk.after_s)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A miner that is being asked.
    pub(in super::super) fn open(uid: u16) -> Record {
        let address = SocketAddr::from(([203, 0, 113, 9], 8091));
        Record::new(Asked::by_uid(Uid(uid), address, AccountId([7; 32])))
    }

    /// A miner that has answered in two chunks.
    pub(in super::super) fn ended(uid: u16, status: u16, message: &str, text: &str) -> Record {
        let mut record = open(uid);
        record.arrived(ProgressEvent::Head { http_status: 200, after_s: 0.1 });
        let half = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
        for (part, after_s) in [(&text[..half], 0.25), (&text[half..], 0.5)] {
            record.arrived(ProgressEvent::Chunk { text: part.to_owned(), after_s });
        }
        let (status, message) = (Some(status), message.to_owned());
        record.end = Some(End { status, message, process_s: Some(0.75), total_s: 0.75 });
        record
    }

    fn chunk(text: &str) -> ProgressEvent {
        ProgressEvent::Chunk { text: text.to_owned(), after_s: 0.5 }
    }

    #[test]
    fn text_grows_until_the_end_and_an_error_page_is_no_text() {
        let mut record = open(1);
        record.arrived(ProgressEvent::Head { http_status: 200, after_s: 0.1 });
        record.arrived(chunk("one "));
        record.arrived(chunk(""));
        record.arrived(chunk("two"));
        assert_eq!((record.text.as_str(), record.chunks.len()), ("one two", 2));
        record.cut_off("interrupted", 1.0);
        record.cut_off("again", 2.0);
        record.arrived(chunk("late"));
        assert_eq!(record.text, "one two");
        assert_eq!(record.end.as_ref().unwrap().message, "interrupted");
        assert!(!record.is_success());

        let mut refused = open(2);
        refused.arrived(ProgressEvent::Head { http_status: 403, after_s: 0.1 });
        refused.arrived(chunk("{\"message\":\"no\"}"));
        assert_eq!(refused.text, "");
    }

    #[test]
    fn success_is_status_200_with_a_text() {
        assert!(ended(1, 200, "Success", "words").is_success());
        assert!(!ended(1, 200, "Success", "").is_success());
        assert!(!ended(1, 408, "Request timeout", "part").is_success());
        assert!(!open(1).is_success());
    }
}
