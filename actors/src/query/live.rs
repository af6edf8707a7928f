//! Draws growing answers in place again and again, and clears them for the full output at the end.

use std::io::IsTerminal;

use super::layout::{Grid, Size, side_by_side};
use super::record::Record;
use super::report::window;
use crate::output::print;

/// The least height of a block in lines: its title, one line of text, its state.
const MIN_HEIGHT: usize = 3;
const HIDE_CURSOR: &str = "\u{1b}[?25l";
const SHOW_CURSOR: &str = "\u{1b}[?25h";
const CLEAR_LINE_END: &str = "\u{1b}[K";
const CLEAR_BELOW: &str = "\u{1b}[J";

/// What the terminal is capable of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Terminal {
    is_coloured: bool,
}

impl Terminal {
    /// The terminal behind standard output; `None` if there is none that can move its cursor.
    pub(super) fn of_stdout() -> Option<Self> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let can_move = variable("TERM").is_some_and(|kind| kind != "dumb");
        (std::io::stdout().is_terminal() && can_move)
            .then(|| Self { is_coloured: variable("NO_COLOR").is_none() })
    }

    /// Whether looks are shown as colours.
    pub(super) fn is_coloured(self) -> bool {
        self.is_coloured
    }

    /// Its size now; 80 by 24 cells when it does not report one.
    pub(super) fn size(self) -> Size {
        let known = rustix::termios::tcgetwinsize(std::io::stdout()).ok();
        let known = known.filter(|size| size.ws_col > 0 && size.ws_row > 0);
        known.map_or(Size { columns: 80, rows: 24 }, |size| Size {
            columns: usize::from(size.ws_col),
            rows: usize::from(size.ws_row),
        })
    }
}

/// The picture that is on the screen. Dropping it clears the picture and shows the cursor again.
pub(super) struct Picture {
    terminal: Terminal,
    n_lines: usize,
}

impl Picture {
    pub(super) fn new(terminal: Terminal) -> Self {
        Self { terminal, n_lines: 0 }
    }

    /// Draws over the previous picture.
    pub(super) fn draw(&mut self, records: &[Record], elapsed_s: f64) -> std::io::Result<()> {
        let lines = frame(records, self.terminal.size(), elapsed_s, self.terminal.is_coloured);
        let mut text = self.back_to_start();
        text.push_str(HIDE_CURSOR);
        for line in &lines {
            text.push_str(line);
            text.push_str(CLEAR_LINE_END);
            text.push('\n');
        }
        text.push_str(CLEAR_BELOW);
        self.n_lines = lines.len();
        print(&text)
    }

    fn back_to_start(&self) -> String {
        match self.n_lines {
            0 => String::new(),
            n_lines => format!("\u{1b}[{n_lines}A\r"),
        }
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        let text = format!("{}{CLEAR_BELOW}{SHOW_CURSOR}", self.back_to_start());
        // Fails only when the terminal has gone, which needs no cursor.
        let _ = print(&text);
    }
}

/// A picture that leaves the terminal's last line free. When not all miners fit, it shows the first
/// ones and the number of the others.
fn frame(records: &[Record], size: Size, elapsed_s: f64, is_coloured: bool) -> Vec<String> {
    let grid = Grid::new(records.len(), size.columns);
    let room = size.rows.saturating_sub(2).max(MIN_HEIGHT);
    // A row of blocks takes one line more than its height, for the gap below it.
    let n_rows = records.len().div_ceil(grid.per_row).clamp(1, (room + 1) / (MIN_HEIGHT + 1));
    let height = (room + 1) / n_rows - 1;
    let shown = records.len().min(n_rows * grid.per_row);
    let blocks: Vec<_> = records[..shown]
        .iter()
        .map(|record| window(record, grid.width, height, elapsed_s))
        .collect();
    let mut lines = side_by_side(&blocks, grid, is_coloured);
    if shown < records.len() {
        lines.push(format!("and {} more", records.len() - shown));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::layout::width_of;
    use crate::query::record::tests::{ended, open};

    #[test]
    fn a_picture_fits_the_terminal_whatever_its_size() {
        let long = "many words in a row ".repeat(200);
        let records: Vec<_> = (1..=40)
            .map(|uid| if uid % 2 == 0 { ended(uid, 200, "Success", &long) } else { open(uid) })
            .collect();
        for (columns, rows) in [(80, 24), (200, 60), (20, 5), (1, 1), (300, 10)] {
            for n_records in [1, 2, 3, 40] {
                let lines = frame(&records[..n_records], Size { columns, rows }, 1.0, false);
                let most = rows.max(MIN_HEIGHT + 2);
                assert!(lines.len() < most, "{n_records} in {columns} by {rows}: {}", lines.len());
                let is_narrow = |line: &String| width_of(line) <= columns.max(12);
                assert!(lines.iter().all(is_narrow), "{n_records} in {columns} by {rows}");
            }
        }
    }

    #[test]
    fn those_for_whom_there_is_no_room_are_counted() {
        let records: Vec<_> = (1..=9).map(open).collect();
        let lines = frame(&records, Size { columns: 40, rows: 10 }, 1.0, false);
        assert_eq!(lines.last().unwrap(), "and 7 more");
        assert!(lines[0].starts_with("uid 1 ") && lines[3].starts_with("uid 2 "), "{lines:?}");
    }
}
