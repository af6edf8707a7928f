//! The report on one miner and on all: a line of JSON, a block, a row of the table.

use serde::Serialize;
use sn1::wallet::AccountId;

use super::count::Measure;
use super::layout::{Block, Line, Look, table, wrapped};
use super::record::{Chunk, Record};
use super::safe_text::{escaped_json, shown, shown_on_a_line};

/// Most characters of a status message that are shown.
const MAX_MESSAGE: usize = 160;
/// Bytes of text that are read for each cell of a window on its end.
const BYTES_PER_CELL: usize = 4;

/// A line of JSON about one miner. Times are in seconds since the dendrite accepted the question.
#[derive(Serialize)]
struct JsonLine<'a> {
    uid: Option<u16>,
    hotkey: AccountId,
    axon: std::net::SocketAddr,
    ok: bool,
    status: Option<u16>,
    message: &'a str,
    http_status: Option<u16>,
    completion: &'a str,
    first_chunk_s: Option<f64>,
    total_s: Option<f64>,
    process_time_s: Option<f64>,
    unit: &'static str,
    count: usize,
    per_second: Option<f64>,
    chunks: &'a [Chunk],
}

/// The line without its line break. Times and texts can always be written as JSON.
pub(super) fn json_line(record: &Record, measure: &Measure) -> std::io::Result<String> {
    let end = record.end.as_ref();
    let line = JsonLine {
        uid: record.asked.uid.map(|uid| uid.0),
        hotkey: record.asked.hotkey,
        axon: record.asked.address,
        ok: record.is_success(),
        status: end.and_then(|end| end.status),
        message: end.map_or("", |end| &end.message),
        http_status: record.http_status,
        completion: &record.text,
        first_chunk_s: record.first_chunk_s(),
        total_s: end.map(|end| end.total_s),
        process_time_s: end.and_then(|end| end.process_s),
        unit: measure.unit,
        count: measure.count,
        per_second: measure.per_second,
        chunks: &record.chunks,
    };
    Ok(escaped_json(&serde_json::to_string(&line)?))
}

/// Who the miner is: uid, address and hotkey.
pub(super) fn title(record: &Record) -> String {
    let asked = &record.asked;
    let uid = asked.uid.map(|uid| format!("uid {uid}  ")).unwrap_or_default();
    format!("{uid}{}  {}", asked.address, asked.hotkey)
}

fn status_text(status: Option<u16>) -> String {
    status.map_or_else(|| "-".to_owned(), |code| code.to_string())
}

fn seconds(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.2} s"))
}

fn chunks_text(n_chunks: usize) -> String {
    if n_chunks == 1 { "1 chunk".to_owned() } else { format!("{n_chunks} chunks") }
}

/// How the answer ended, on one line; `None` while it has not. A measure adds the speed.
pub(super) fn ending(record: &Record, measure: Option<&Measure>) -> Option<Line> {
    let end = record.end.as_ref()?;
    let message = shown_on_a_line(&end.message, MAX_MESSAGE);
    let status = end.status.map(|code| format!("{code} ")).unwrap_or_default();
    let mut text = format!("{status}{message}, {}", seconds(Some(end.total_s)));
    if let Some(first) = record.first_chunk_s() {
        if measure.is_some() {
            text.push_str(&format!(", first after {}", seconds(Some(first))));
        }
        text.push_str(&format!(", {}", chunks_text(record.chunks.len())));
    } else if end.status == Some(200) {
        text.push_str(", no text");
    }
    if let Some((measure, rate)) = measure.and_then(|m| Some((m, m.per_second?))) {
        text.push_str(&format!(", {} {}, {rate:.1}/s", measure.count, measure.unit));
    }
    Some(Line { text, look: if record.is_success() { Look::Good } else { Look::Bad } })
}

/// The whole of a settled answer, in lines of at most `width` cells.
pub(super) fn block(record: &Record, measure: &Measure, width: usize) -> Block {
    let plain = |text| Line { text, look: Look::Plain };
    let mut lines = vec![Line { text: title(record), look: Look::Title }];
    if !record.text.is_empty() {
        lines.extend(wrapped(&shown(&record.text), width).into_iter().map(plain));
    }
    if let Some(line) = ending(record, Some(measure)) {
        let broken = wrapped(&line.text, width).into_iter();
        lines.extend(broken.map(|text| Line { text, look: line.look }));
    }
    lines
}

/// The newest lines of an answer that may still grow, at most `height` of them including title and
/// state.
pub(super) fn window(record: &Record, width: usize, height: usize, elapsed_s: f64) -> Block {
    let n_lines = height.saturating_sub(2);
    let tail = tail(&record.text, (n_lines + 1) * width * BYTES_PER_CELL);
    let mut lines = if tail.is_empty() { Vec::new() } else { wrapped(&shown(tail), width) };
    lines.drain(..lines.len().saturating_sub(n_lines));
    let state = ending(record, None).unwrap_or_else(|| {
        let text = match record.chunks.len() {
            0 => format!("waiting, {elapsed_s:.1} s"),
            n_chunks => format!("{}, {elapsed_s:.1} s", chunks_text(n_chunks)),
        };
        Line { text, look: Look::Waiting }
    });
    let text = lines.into_iter().map(|text| Line { text, look: Look::Plain });
    let title = Line { text: title(record), look: Look::Title };
    std::iter::once(title).chain(text).chain([state]).collect()
}

/// The last `most` bytes of `text` at most, from a character boundary.
fn tail(text: &str, most: usize) -> &str {
    let mut start = text.len().saturating_sub(most);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

/// A table with a row for each miner, in the order in which they were named.
pub(super) fn summary(records: &[Record], measures: &[Measure], unit: &str) -> Vec<String> {
    let is_by_uid = records.iter().all(|record| record.asked.uid.is_some());
    let who = if is_by_uid { "uid" } else { "axon" };
    let per_second = format!("{unit}/s");
    let head =
        [who, "status", "first chunk", "chunks", "total", unit, per_second.as_str(), "message"];
    let rows: Vec<_> =
        records.iter().zip(measures).map(|(record, measure)| row(record, measure)).collect();
    table(head, &rows)
}

fn row(record: &Record, measure: &Measure) -> [String; 8] {
    let end = record.end.as_ref();
    let rate = measure.per_second.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}"));
    let message = end.map(|end| shown_on_a_line(&end.message, MAX_MESSAGE)).unwrap_or_default();
    let is_empty = end.is_some_and(|end| end.status == Some(200)) && record.text.is_empty();
    [
        record.asked.label(),
        status_text(end.and_then(|end| end.status)),
        seconds(record.first_chunk_s()),
        record.chunks.len().to_string(),
        seconds(end.map(|end| end.total_s)),
        measure.count.to_string(),
        rate,
        if is_empty { format!("{message}, but no text") } else { message },
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::query::count::Counter;
    use crate::query::record::tests::{ended, open};

    fn texts(block: &Block) -> Vec<&str> {
        block.iter().map(|line| line.text.trim_end()).collect()
    }

    #[test]
    fn a_line_of_json_holds_everything_and_no_control_character() {
        let record = ended(3, 200, "Success", "two \u{9b}31mwords\u{202e}");
        let line = json_line(&record, &Counter::Words.measure(&record)).unwrap();
        assert!(line.chars().all(|letter| !letter.is_control() && letter != '\u{202e}'));
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["uid"], 3);
        assert_eq!(value["ok"], true);
        assert_eq!(value["status"], 200);
        assert_eq!(value["completion"], record.text.as_str());
        assert_eq!(value["chunks"][1]["after_s"], 0.5);
        assert_eq!(value["first_chunk_s"], 0.25);
        assert_eq!((&value["unit"], &value["count"]), (&"words".into(), &2.into()));
        assert_eq!(value["per_second"], 4.0);
        let open = json_line(&open(1), &Counter::Words.measure(&open(1))).unwrap();
        let value: Value = serde_json::from_str(&open).unwrap();
        assert_eq!((&value["ok"], &value["status"]), (&false.into(), &Value::Null));
    }

    #[test]
    fn a_block_has_title_text_and_ending() {
        let record = ended(3, 200, "Success", "one two three");
        let block = block(&record, &Counter::Words.measure(&record), 8);
        let lines = texts(&block);
        assert!(lines[0].starts_with("uid 3  203.0.113.9:8091  5"), "{lines:?}");
        assert_eq!(lines[1..3], ["one two", "three"]);
        let ending = lines[3..].join(" ");
        assert_eq!(ending, "200 Success, 0.75 s, first after 0.25 s, 2 chunks, 3 words, 6.0/s");
        assert_eq!(block[3].look, Look::Good);
    }

    #[test]
    fn a_status_message_cannot_act_on_the_terminal() {
        let record = ended(3, 500, "bad\u{1b}[2J\nnews", "");
        let line = ending(&record, None).unwrap();
        assert_eq!(line.look, Look::Bad);
        assert!(line.text.starts_with("500 bad\\u{1b}[2J news"), "{}", line.text);
        let rows =
            summary(&[record], &[Measure { unit: "words", count: 0, per_second: None }], "words");
        assert!(!rows.concat().contains('\u{1b}'));
    }

    #[test]
    fn a_window_shows_the_newest_lines_only() {
        let mut record = ended(1, 200, "Success", "one two three four five six");
        record.end = None;
        let block = window(&record, 6, 4, 1.25);
        let lines = texts(&block);
        assert_eq!(lines[1..], ["five", "six", "2 chunks, 1.2 s"]);
        let waiting = window(&open(1), 20, 4, 0.5);
        assert_eq!(texts(&waiting)[1..], ["waiting, 0.5 s"]);
    }

    #[test]
    fn the_table_has_a_row_for_each() {
        let records = [ended(3, 200, "Success", "a b"), ended(7, 200, "Success", ""), open(9)];
        let measures: Vec<_> = records.iter().map(|r| Counter::Words.measure(r)).collect();
        let lines = summary(&records, &measures, "words");
        assert_eq!(
            lines,
            [
                "uid  status  first chunk  chunks   total  words  words/s  message",
                "3       200       0.25 s       2  0.75 s      2      4.0  Success",
                "7       200            -       0  0.75 s      0        -  Success, but no text",
                "9         -            -       0       -      0        -",
            ]
        );
    }
}
