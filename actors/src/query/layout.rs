//! Text in columns of a terminal: widths in cells, wrapping, and blocks side by side. The texts
//! contain no control characters except line breaks.

use unicode_width::UnicodeWidthChar;

/// Least width of a column in cells; a narrower one would be hard to read.
const MIN_COLUMN: usize = 30;
const BETWEEN: &str = " │ ";
const BETWEEN_WIDTH: usize = 3;

/// A terminal's size in cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Plain,
    Title,
    Good,
    Bad,
    Waiting,
}

/// One line of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) look: Look,
}

/// The lines about one miner.
pub(super) type Block = Vec<Line>;

/// How many blocks stand side by side, and the width of each in cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grid {
    pub(super) per_row: usize,
    pub(super) width: usize,
}

impl Grid {
    /// As many columns as fit, at most one for each block, and at least one.
    pub(super) fn new(n_blocks: usize, columns: usize) -> Self {
        let fitting = (columns + BETWEEN_WIDTH) / (MIN_COLUMN + BETWEEN_WIDTH);
        let per_row = fitting.clamp(1, n_blocks.max(1));
        let width = ((columns + BETWEEN_WIDTH) / per_row).saturating_sub(BETWEEN_WIDTH);
        Self { per_row, width: width.max(1) }
    }
}

fn letter_width(letter: char) -> usize {
    letter.width().unwrap_or(0)
}

/// The width of `text` in cells.
pub(super) fn width_of(text: &str) -> usize {
    text.chars().map(letter_width).sum()
}

/// `text` in exactly `width` cells: padded, or cut with an ellipsis.
pub(super) fn fitted(text: &str, width: usize) -> String {
    let needed = width_of(text);
    if needed <= width {
        return format!("{text}{}", " ".repeat(width - needed));
    }
    let (mut cut, mut used) = (String::new(), 0);
    for letter in text.chars() {
        let next = used + letter_width(letter);
        if next + 1 > width {
            break;
        }
        cut.push(letter);
        used = next;
    }
    format!("{cut}…{}", " ".repeat(width.saturating_sub(used + 1)))
}

/// The lines of `text`, broken between words where possible, each at most `width` cells wide.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    text.split('\n').flat_map(|line| wrapped_line(line, width)).collect()
}

fn wrapped_line(line: &str, width: usize) -> Vec<String> {
    let (mut lines, mut current, mut used) = (Vec::new(), String::new(), 0);
    for word in line.split_inclusive(' ') {
        if used > 0 && used + width_of(word.trim_end()) > width {
            lines.push(std::mem::take(&mut current));
            used = 0;
        }
        for letter in word.chars() {
            let cells = letter_width(letter);
            if used > 0 && used + cells > width {
                if letter == ' ' {
                    continue;
                }
                lines.push(std::mem::take(&mut current));
                used = 0;
            }
            current.push(letter);
            used += cells;
        }
    }
    lines.push(current);
    lines
}

/// The blocks in the rows of a grid, with an empty line between rows. `is_coloured` turns looks
/// into colours.
pub(super) fn side_by_side(blocks: &[Block], grid: Grid, is_coloured: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for (i, row) in blocks.chunks(grid.per_row).enumerate() {
        if i > 0 {
            lines.push(String::new());
        }
        let height = row.iter().map(Vec::len).max().unwrap_or(0);
        for y in 0..height {
            let cells = row.iter().map(|block| cell(block.get(y), grid.width, is_coloured));
            lines.push(cells.collect::<Vec<_>>().join(BETWEEN).trim_end().to_owned());
        }
    }
    lines
}

fn cell(line: Option<&Line>, width: usize, is_coloured: bool) -> String {
    let Some(line) = line else { return " ".repeat(width) };
    let text = fitted(&line.text, width);
    let code = match line.look {
        Look::Plain => return text,
        _ if !is_coloured => return text,
        Look::Title => 1,
        Look::Good => 32,
        Look::Bad => 31,
        Look::Waiting => 2,
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

/// Rows of cells under a head, each column as wide as its widest cell. The first and the last
/// column are aligned to the left, the others to the right.
pub(super) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> Vec<String> {
    let widths: Vec<usize> = (0..N)
        .map(|x| rows.iter().map(|row| width_of(&row[x])).chain([width_of(head[x])]).max())
        .map(Option::unwrap_or_default)
        .collect();
    let line = |cells: Vec<&str>| {
        let aligned = cells.iter().zip(&widths).enumerate().map(|(x, (cell, width))| {
            let gap = " ".repeat(width - width_of(cell));
            if x == 0 || x == N - 1 { format!("{cell}{gap}") } else { format!("{gap}{cell}") }
        });
        aligned.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let rows = rows.iter().map(|row| line(row.iter().map(String::as_str).collect()));
    std::iter::once(line(head.to_vec())).chain(rows).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn block(title: &str, lines: &[&str]) -> Block {
        let line = |text: &&str| Line { text: (*text).to_owned(), look: Look::Plain };
        let title = Line { text: title.to_owned(), look: Look::Title };
        std::iter::once(title).chain(lines.iter().map(line)).collect()
    }

    #[test]
    fn columns_are_as_many_as_fit() {
        let table = [
            (1, 80, 1, 80),
            (2, 80, 2, 38),
            (5, 80, 2, 38),
            (2, 62, 1, 62),
            (2, 63, 2, 30),
            (9, 200, 6, 30),
            (2, 200, 2, 98),
            (3, 10, 1, 10),
            (3, 0, 1, 1),
        ];
        for (n_blocks, columns, per_row, width) in table {
            let grid = Grid::new(n_blocks, columns);
            assert_eq!(grid, Grid { per_row, width }, "{n_blocks} in {columns}");
        }
    }

    #[test]
    fn text_breaks_between_words_and_long_words_break_anywhere() {
        let table = [
            ("one two three", 7, vec!["one two", "three"]),
            ("one two  three", 8, vec!["one two ", "three"]),
            ("a\n\nb", 5, vec!["a", "", "b"]),
            ("abcdefgh ij", 3, vec!["abc", "def", "gh ", "ij"]),
            ("日本語です", 4, vec!["日本", "語で", "す"]),
            ("", 5, vec![""]),
        ];
        for (text, width, lines) in table {
            let found: Vec<_> =
                wrapped(text, width).iter().map(|line| line.trim_end().to_owned()).collect();
            let wanted: Vec<_> = lines.iter().map(|line| line.trim_end().to_owned()).collect();
            assert_eq!(found, wanted, "{text} in {width}");
        }
    }

    #[test]
    fn text_is_fitted_to_its_cells() {
        let table =
            [("abc", 5, "abc  "), ("abcdef", 4, "abc…"), ("日本語", 4, "日… "), ("a", 0, "…")];
        for (text, width, fit) in table {
            assert_eq!(fitted(text, width), fit, "{text} in {width}");
        }
    }

    #[test]
    fn blocks_stand_side_by_side_and_the_rest_below() {
        let blocks = [block("A", &["one", "two"]), block("B", &["x"]), block("C", &["y"])];
        let lines = side_by_side(&blocks, Grid { per_row: 2, width: 5 }, false);
        assert_eq!(lines, ["A     │ B", "one   │ x", "two   │", "", "C", "y"]);
        let coloured = side_by_side(&blocks[1..2], Grid { per_row: 1, width: 3 }, true);
        assert_eq!(coloured, ["\u{1b}[1mB  \u{1b}[0m", "x"]);
    }

    #[test]
    fn tables_align_numbers_to_the_right() {
        let rows = [
            ["3".to_owned(), "200".to_owned(), "Success".to_owned()],
            ["12".to_owned(), "-".to_owned(), "none".to_owned()],
        ];
        let lines = table(["uid", "status", "message"], &rows);
        assert_eq!(lines, ["uid  status  message", "3       200  Success", "12        -  none"]);
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_it_may_be_and_no_word_is_lost(
            text in "[a-z日 \n]{0,120}",
            width in 2usize..20,
        ) {
            let lines = wrapped(&text, width);
            prop_assert!(lines.iter().all(|line| width_of(line.trim_end()) <= width));
            let letters = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(letters(&lines.join("\n")), letters(&text));
            prop_assert_eq!(width_of(&fitted(&text.replace('\n', " "), width)), width);
        }
    }
}
