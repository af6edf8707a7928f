//! Replies: their heads, the verdict on the exchange, and the text as it arrives in pieces.
//!
//! Input: status line code (two bytes), ending, seed of the cuts, then a head as text, an empty
//! line and the body.

use sn1::synapse::headers::{HeaderError, MAX_VALUE_BYTES, ReplyHead};
use sn1::synapse::outcome::{Ending, Exchange, Outcome};
use sn1::synapse::stream::{SplitCharacters, Utf8Stream, pieces};

use crate::head_text;

/// Panics when the core misreads the reply.
pub fn check(input: &[u8]) {
    let Some((&[high, low, ending, seed], rest)) = input.split_first_chunk() else { return };
    let http_status = Some(u16::from_be_bytes([high, low])).filter(|status| *status != 0);
    let (headers, body) = head_text::split(rest);
    let head = ReplyHead::parse(headers.iter().copied());
    check_head(&headers, &head);
    check_decoding(body, seed);
    let text = String::from_utf8_lossy(body).into_owned();
    check_pieces(&text, usize::from(seed % 16));
    check_outcome(http_status, head, text, ending);
}

fn check_head(headers: &[(&str, &[u8])], head: &Result<ReplyHead, HeaderError>) {
    let too_large =
        128 < headers.len() || headers.iter().any(|(name, value)| 8190 < name.len() + value.len());
    assert_eq!(too_large, *head == Err(HeaderError::TooLarge));
    let Ok(head) = head else { return };
    let value = |name: &str| head_text::value(headers, name);
    let code = value("bt_header_axon_status_code");
    assert_eq!(head.status_code.is_some(), code.is_some());
    if let Some(code) = code.and_then(|code| code.parse::<u16>().ok()) {
        assert_eq!(head.status_code, Some(code));
    }
    let message = value("bt_header_axon_status_message");
    assert_eq!(head.status_message.is_some(), message.is_some());
    if let Some(message) = &head.status_message {
        assert!(message.len() <= MAX_VALUE_BYTES);
        assert!(message.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{message:?}");
    }
    assert_eq!(head.axon.hotkey, value("bt_header_axon_hotkey"));
    let seconds = value("bt_header_axon_process_time").and_then(|text| text.parse::<f64>().ok());
    if let (Some(seconds), Some(read)) = (seconds, head.process_time) {
        assert!(seconds == read || (seconds.is_nan() && read.is_nan()));
    }
}

/// However the bytes are cut, the same characters come out and the same byte is to blame.
fn check_decoding(body: &[u8], seed: u8) {
    let whole = std::str::from_utf8(body);
    let n_valid = whole.as_ref().map_or_else(|error| error.valid_up_to(), |text| text.len());
    let reads = cut(body, seed);
    let (text, blamed) = decode(&reads, SplitCharacters::Join);
    assert_eq!(text.as_bytes(), &body[..n_valid]);
    assert_eq!(blamed, whole.err().map(|_| n_valid as u64));

    let (text, blamed) = decode(&reads, SplitCharacters::Refuse);
    let each_whole = reads.iter().all(|read| std::str::from_utf8(read).is_ok());
    assert_eq!(blamed.is_none(), each_whole);
    assert!(body.starts_with(text.as_bytes()));
    assert!(blamed.is_none_or(|offset| offset == text.len() as u64));
}

/// The text that came out, and the offset in an error if there was one.
fn decode(reads: &[&[u8]], split: SplitCharacters) -> (String, Option<u64>) {
    let mut stream = Utf8Stream::new(split);
    let mut text = String::new();
    for read in reads {
        match stream.push(read) {
            Ok(more) => text.push_str(&more),
            Err(error) => return (text + &error.valid, Some(error.offset)),
        }
    }
    let blamed = stream.finish().err().map(|error| error.offset);
    (text, blamed)
}

/// Cuts into pieces of zero to seven bytes, or leaves whole for seed 0.
fn cut(mut body: &[u8], seed: u8) -> Vec<&[u8]> {
    let mut state = u32::from(seed);
    let mut reads = Vec::new();
    while !body.is_empty() && seed != 0 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (read, rest) = body.split_at(body.len().min((state >> 24) as usize % 8));
        reads.push(read);
        body = rest;
    }
    reads.push(body);
    reads
}

fn check_pieces(text: &str, max_bytes: usize) {
    let all: Vec<&str> = pieces(text, max_bytes).collect();
    assert_eq!(all.concat(), text);
    assert!(all.iter().all(|piece| {
        !piece.is_empty() && (piece.len() <= max_bytes || piece.chars().count() == 1)
    }));
}

fn check_outcome(
    http_status: Option<u16>,
    head: Result<ReplyHead, HeaderError>,
    text: String,
    ending: u8,
) {
    let ending = ending_of(ending);
    let said = head.as_ref().ok().and_then(|head| head.status_code);
    // No status line, no head.
    let head = http_status.map(|_| head);
    let outcome = Outcome::of(Exchange {
        address: "192.0.2.1:8091",
        http_status,
        head: head.clone(),
        text: text.clone(),
        ending: ending.clone(),
        elapsed_s: 0.5,
    });
    let complete = ending == Ending::Complete;
    let both_say_good = http_status == Some(200) && said == Some(200);
    assert_eq!(outcome.is_success(), complete && both_say_good);
    let redirected = http_status.is_some_and(|status| (300..400).contains(&status));
    let readable = !matches!(head, Some(Err(_)));
    assert_eq!(outcome.process_time.is_some(), complete && !redirected && readable);
    if both_say_good {
        assert_eq!(outcome.completion, text, "what came of a good answer is kept");
    }
    if http_status.is_some_and(|status| status != 200)
        || (http_status.is_some() && said.is_some_and(|code| code != 200))
    {
        assert_eq!(outcome.completion, "", "the body of a refusal is no answer");
    }
    if !complete {
        assert!(outcome.status_code.is_some_and(|code| code >= 400));
        assert!(outcome.status_message.is_some_and(|message| !message.is_empty()));
    }
}

fn ending_of(number: u8) -> Ending {
    match number % 10 {
        0 => Ending::Complete,
        1 => Ending::NotConnected,
        2 => Ending::TimedOut { timeout_s: f64::from(number) / 3.0 },
        3 => Ending::Disconnected,
        4 => Ending::Reset,
        5 => Ending::BrokenBody,
        6 => Ending::BadHead("cause".into()),
        7 => Ending::BadUtf8,
        8 => Ending::TooLarge,
        _ => Ending::Failed("cause".into()),
    }
}
