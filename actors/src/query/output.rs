//! What is printed, and when: lines of JSON, blocks as they end, or a live picture on a terminal.

use super::count::Measure;
use super::layout::{Block, Grid, side_by_side};
use super::live::{Picture, Terminal};
use super::record::Record;
use super::report::{block, json_line, summary};
use crate::output;

/// What is printed on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people: live and side by side on a terminal, otherwise each answer once it has ended;
    /// then a table.
    Text,
    /// For scripts: a line with a JSON object for each miner, once its answer has ended.
    JsonLines,
}

/// Prints the answers to one query.
pub(super) enum Output {
    JsonLines,
    Plain,
    Live { terminal: Terminal, picture: Picture },
}

impl Output {
    pub(super) fn new(format: Format) -> Self {
        match (format, Terminal::of_stdout()) {
            (Format::JsonLines, _) => Self::JsonLines,
            (Format::Text, None) => Self::Plain,
            (Format::Text, Some(terminal)) => {
                Self::Live { terminal, picture: Picture::new(terminal) }
            }
        }
    }

    /// Shows the current state of all answers.
    pub(super) fn progress(&mut self, records: &[Record], elapsed_s: f64) -> std::io::Result<()> {
        match self {
            Self::JsonLines | Self::Plain => Ok(()),
            Self::Live { picture, .. } => picture.draw(records, elapsed_s),
        }
    }

    /// Prints an answer that has ended.
    pub(super) fn one_ended(&mut self, record: &Record, measure: &Measure) -> std::io::Result<()> {
        match self {
            Self::Live { .. } => Ok(()),
            Self::JsonLines => print(&[json_line(record, measure)?]),
            Self::Plain => {
                let mut lines = texts(block(record, measure, usize::MAX));
                lines.push(String::new());
                print(&lines)
            }
        }
    }

    /// Prints the rest once all answers have ended.
    pub(super) fn all_ended(
        self,
        records: &[Record],
        measures: &[Measure],
        unit: &str,
    ) -> std::io::Result<()> {
        let table = summary(records, measures, unit);
        match self {
            Self::JsonLines => Ok(()),
            Self::Plain => print(&table),
            Self::Live { terminal, picture } => {
                drop(picture);
                let grid = Grid::new(records.len(), terminal.size().columns);
                let whole = |(record, measure)| block(record, measure, grid.width);
                let blocks: Vec<_> = records.iter().zip(measures).map(whole).collect();
                let mut lines = side_by_side(&blocks, grid, terminal.is_coloured());
                lines.push(String::new());
                lines.extend(table);
                print(&lines)
            }
        }
    }
}

fn texts(block: Block) -> Vec<String> {
    block.into_iter().map(|line| line.text).collect()
}

fn print(lines: &[String]) -> std::io::Result<()> {
    output::print(&format!("{}\n", lines.join("\n")))
}
