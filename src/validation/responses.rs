//! Turns the miners' streams into the lists that rewards and the event log use
//! (docs/spec/mechanism.md#response-event).
//!
//! Uses no sockets, tokenizers or clocks: a stream arrives as its chunks, with times and token
//! counts, and the way it ended.

const OK: u16 = 200;
const NO_CONTENT: u16 = 204;
const TIMED_OUT: u16 = 408;

/// The result of one read of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    /// The text of the read.
    pub text: String,
    /// Seconds since the start of the stream.
    pub seconds: f64,
    /// Number of tokens in the text.
    pub tokens: u32,
}

/// How a stream ended.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamEnd {
    /// The stream ended with a finished synapse.
    Finished(Finished),
    /// The stream ended with an error, in words. The completion counts as empty.
    Failed(String),
    /// The stream ended with neither. The completion counts as empty.
    Silent,
}

/// The synapse at the end of a stream.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Finished {
    /// The whole text; after a timeout the part that arrived in time
    /// (docs/spec/mechanism.md#quirk-41).
    pub completion: String,
    /// Status code that the miner's software reported, if it reported one.
    pub status_code: Option<u16>,
    /// Status message that the miner's software reported.
    pub status_message: Option<String>,
    /// Seconds that the exchange took, if known.
    pub process_time: Option<f64>,
    /// Status code of the HTTP reply, if there was one. Unless it is 200, the body is an error page
    /// and the completion counts as empty (docs/spec/mechanism.md#quirk-39).
    pub http_status: Option<u16>,
}

/// The stream of one miner.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamResult {
    /// Slot of the miner.
    pub uid: u16,
    /// The chunks in order of arrival.
    pub chunks: Vec<Chunk>,
    /// How the stream ended.
    pub end: StreamEnd,
}

/// The answers of a step as parallel lists, in the order in which the miners were asked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ResponseEvent {
    /// Slots of the miners.
    pub uids: Vec<u16>,
    /// The answers; empty for a miner without one.
    pub completions: Vec<String>,
    /// Seconds that each answer took; 0 for a miner without one.
    pub timings: Vec<f64>,
    /// Status message of each answer.
    pub status_messages: Vec<Option<String>>,
    /// Status code of each answer: 204 for a success without text, `None` for a failed stream.
    pub status_codes: Vec<Option<u16>>,
    /// Error of each failed stream.
    pub exceptions: Vec<Option<String>>,
    /// The text of each chunk.
    pub all_chunks: Vec<Vec<String>>,
    /// Seconds until each chunk.
    pub all_chunks_timings: Vec<Vec<f64>>,
    /// The tokens in each chunk.
    pub all_tokens_per_chunk: Vec<Vec<u32>>,
}

impl ResponseEvent {
    /// Builds the lists from the results of all streams. `timeout` is in seconds and is the time of
    /// a miner that reached it.
    pub fn new(results: Vec<StreamResult>, timeout: f64) -> Self {
        let mut event = Self::default();
        for result in results {
            event.push(result, timeout);
        }
        event
    }

    /// Number of miners that were asked.
    pub fn len(&self) -> usize {
        self.uids.len()
    }

    /// Whether no miner was asked.
    pub fn is_empty(&self) -> bool {
        self.uids.is_empty()
    }

    fn push(&mut self, result: StreamResult, timeout: f64) {
        let StreamResult { uid, chunks, end } = result;
        self.uids.push(uid);
        self.push_chunks(chunks);
        let (finished, exception) = match end {
            StreamEnd::Finished(finished) => (finished, None),
            StreamEnd::Failed(exception) => (Finished::default(), Some(exception)),
            StreamEnd::Silent => (Finished::default(), None),
        };
        self.exceptions.push(exception);
        self.push_finished(finished, timeout);
    }

    fn push_chunks(&mut self, chunks: Vec<Chunk>) {
        let timings = chunks.iter().map(|chunk| chunk.seconds).collect();
        let tokens = chunks.iter().map(|chunk| chunk.tokens).collect();
        let texts = chunks.into_iter().map(|chunk| chunk.text).collect();
        self.all_chunks_timings.push(timings);
        self.all_tokens_per_chunk.push(tokens);
        self.all_chunks.push(texts);
    }

    fn push_finished(&mut self, finished: Finished, timeout: f64) {
        let is_page = finished.http_status.is_some_and(|status| status != OK);
        let completion = if is_page { String::new() } else { finished.completion };
        let status = match finished.status_code {
            Some(OK) if completion.is_empty() => Some(NO_CONTENT),
            status => status,
        };
        self.timings.push(match status {
            Some(OK | NO_CONTENT) => finished.process_time.unwrap_or(0.0),
            Some(TIMED_OUT) => timeout,
            _ => 0.0,
        });
        self.status_codes.push(status);
        self.status_messages.push(finished.status_message);
        self.completions.push(completion);
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::testing::cases;
    use crate::validation::cleaners::unicode::words;

    #[derive(Deserialize)]
    struct Input {
        timeout: f64,
        streams: Vec<Stream>,
    }

    #[derive(Deserialize)]
    struct Stream {
        uid: u16,
        chunks: Vec<String>,
        end: String,
        completion: Option<String>,
        status_code: Option<u16>,
        status_message: Option<String>,
        process_time: Option<f64>,
    }

    #[derive(Deserialize)]
    struct Output {
        uids: Vec<u16>,
        completions: Vec<String>,
        status_codes: Vec<Option<u16>>,
        status_messages: Vec<Option<String>>,
        timings: Vec<f64>,
        stream_results_uids: Vec<u16>,
        stream_results_all_chunks: Vec<Vec<String>>,
        stream_results_all_tokens_per_chunk: Vec<Vec<u32>>,
        failed: Vec<bool>,
    }

    fn result(stream: Stream) -> StreamResult {
        let chunk = |text: String| Chunk {
            tokens: u32::try_from(words(&text).count()).unwrap(),
            seconds: 0.5,
            text,
        };
        let end = match stream.end.as_str() {
            "synapse" => StreamEnd::Finished(Finished {
                completion: stream.completion.unwrap(),
                status_code: stream.status_code,
                status_message: stream.status_message,
                process_time: stream.process_time,
                http_status: Some(OK),
            }),
            "error" => StreamEnd::Failed("connection reset".to_owned()),
            "nothing" => StreamEnd::Silent,
            other => panic!("unknown end {other}"),
        };
        StreamResult {
            uid: stream.uid,
            chunks: stream.chunks.into_iter().map(chunk).collect(),
            end,
        }
    }

    #[test]
    fn vectors_agree() {
        for case in cases::<Input, Output>("responses") {
            let (id, input, output) = case.into_parts();
            let results: Vec<StreamResult> = input.streams.into_iter().map(result).collect();
            let failed = |one: &StreamResult| !matches!(one.end, StreamEnd::Finished(_));
            let failed: Vec<bool> = results.iter().map(failed).collect();
            assert_eq!(failed, output.failed, "{id}");
            let event = ResponseEvent::new(results, input.timeout);
            assert_eq!(event.uids, output.uids, "{id}");
            assert_eq!(event.uids, output.stream_results_uids, "{id}");
            assert_eq!(event.completions, output.completions, "{id}");
            assert_eq!(event.status_codes, output.status_codes, "{id}");
            assert_eq!(event.status_messages, output.status_messages, "{id}");
            assert_eq!(event.timings, output.timings, "{id}");
            assert_eq!(event.all_chunks, output.stream_results_all_chunks, "{id}");
            let tokens = &output.stream_results_all_tokens_per_chunk;
            assert_eq!(&event.all_tokens_per_chunk, tokens, "{id}");
        }
    }

    #[test]
    fn an_error_page_is_no_completion() {
        let page = StreamResult {
            uid: 7,
            chunks: Vec::new(),
            end: StreamEnd::Finished(Finished {
                completion: "<h1>Forbidden</h1>".to_owned(),
                http_status: Some(403),
                ..Finished::default()
            }),
        };
        let event = ResponseEvent::new(vec![page], 15.0);
        assert_eq!(event.completions, [""]);
        assert_eq!(event.status_codes, [None]);
    }

    #[test]
    fn a_failure_is_told_apart_from_silence() {
        let ended = |end| StreamResult { uid: 1, chunks: Vec::new(), end };
        let failed = StreamEnd::Failed("refused".to_owned());
        let event = ResponseEvent::new(vec![ended(failed), ended(StreamEnd::Silent)], 15.0);
        assert_eq!(event.exceptions, [Some("refused".to_owned()), None]);
        assert_eq!(event.timings, [0.0, 0.0]);
        assert_eq!(event.len(), 2);
    }
}
