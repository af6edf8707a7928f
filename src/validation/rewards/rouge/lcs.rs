//! The union of longest common subsequences that rouge-l counts.
//!
//! If there are several longest subsequences, the choice changes the score, so the walk back
//! follows the rule of docs/spec/mechanism.md#rouge exactly (docs/spec/mechanism.md#quirk-3).

/// Most words of a text in the comparison of sequences; later ones only count as distinct words.
/// Far above an honest answer of 256 tokens.
pub(super) const MAX_WORDS: usize = 4096;
/// Stands for a word of the completion that the reference lacks. It never matches.
pub(super) const FOREIGN: u32 = u32::MAX;

/// Marks the words of the reference that occur in any common subsequence.
#[derive(Debug)]
pub(super) struct Union {
    held: Vec<bool>,
    /// Lengths of longest common subsequences, row by row; the memory is reused between calls.
    lengths: Vec<u16>,
}

impl Union {
    /// An empty union over `words` distinct words.
    pub(super) fn new(words: usize) -> Self {
        Self { held: vec![false; words], lengths: Vec::new() }
    }

    /// Number of distinct words that are marked.
    pub(super) fn len(&self) -> usize {
        self.held.iter().filter(|&&held| held).count()
    }

    /// Marks the words of one longest common subsequence. Both texts have at most [`MAX_WORDS`]
    /// words.
    pub(super) fn add(&mut self, completion: &[u32], reference: &[u32]) {
        self.fill(completion, reference);
        let width = reference.len() + 1;
        let (mut row, mut column) = (completion.len(), reference.len());
        while row > 0 && column > 0 {
            let word = completion[row - 1];
            let here = row * width + column;
            if word != FOREIGN && word == reference[column - 1] {
                self.held[word as usize] = true;
                row -= 1;
                column -= 1;
            } else if self.lengths[here - width] > self.lengths[here - 1] {
                row -= 1;
            } else {
                column -= 1;
            }
        }
    }

    /// Computes the lengths for all pairs of prefixes.
    fn fill(&mut self, completion: &[u32], reference: &[u32]) {
        let width = reference.len() + 1;
        self.lengths.clear();
        self.lengths.resize(width * (completion.len() + 1), 0);
        for (row, &word) in completion.iter().enumerate() {
            let (done, open) = self.lengths.split_at_mut((row + 1) * width);
            let above = &done[row * width..];
            for (column, &other) in reference.iter().enumerate() {
                open[column + 1] = if word != FOREIGN && word == other {
                    above[column] + 1
                } else {
                    above[column + 1].max(open[column])
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(completion: &[u32], reference: &[u32]) -> Vec<bool> {
        let mut union = Union::new(4);
        union.add(completion, reference);
        union.held
    }

    #[test]
    fn ties_step_back_in_the_reference() {
        // Either word alone is a longest subsequence; the rule finds the reference's first.
        assert_eq!(held(&[0, 1], &[1, 0]), [false, true, false, false]);
        assert_eq!(held(&[1, 0], &[0, 1]), [true, false, false, false]);
    }

    #[test]
    fn foreign_words_never_match() {
        let foreign = [FOREIGN, 2, FOREIGN];
        assert_eq!(held(&foreign, &[2, 3]), [false, false, true, false]);
        assert_eq!(held(&[], &[1]), [false; 4]);
    }
}
