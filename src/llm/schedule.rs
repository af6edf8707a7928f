//! Plans the batch of the next forward pass.
//!
//! Every running sequence gets its one new token first, so a long prompt never delays a stream by
//! more than one chunk; the rest of the step goes to prompts, in order of arrival.

use super::extents::Extent;

/// Limits of an engine in requests, tokens and threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineSettings {
    /// Most requests that run at once.
    pub n_slots: usize,
    /// Tokens whose keys and values fit in memory, over all requests.
    pub arena_tokens: usize,
    /// Most prompt tokens computed in one step; running answers wait for at most that many.
    pub prefill_chunk: usize,
    /// Threads that libtorch uses for matrix products.
    pub n_threads: i32,
}

impl Default for EngineSettings {
    /// Values for a small model on two cores: 8 requests, 6144 tokens, chunks of 256, 1 thread.
    fn default() -> Self {
        Self { n_slots: 8, arena_tokens: 6144, prefill_chunk: 256, n_threads: 1 }
    }
}

/// The state of one sequence that waits for tokens to be computed.
#[derive(Clone, Copy, Debug)]
pub struct Pending<'t> {
    /// The extent of the sequence in the arena.
    pub extent: Extent,
    /// Number of tokens whose keys and values are in the arena.
    pub n_cached: usize,
    /// The tokens that follow those; never empty.
    pub tokens: &'t [u32],
}

/// The part of one sequence in a batch: `n_new` neighbouring rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Index of the sequence among those given.
    pub sequence: usize,
    /// Arena row of the sequence's first token.
    pub start: usize,
    /// Number of tokens in the arena before this step.
    pub n_past: usize,
    /// Number of tokens that this step computes.
    pub n_new: usize,
    /// Whether the logits of its last row choose the next token.
    pub is_last: bool,
}

/// The input of one forward pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Token of each row.
    pub tokens: Vec<i64>,
    /// Position of each row within its sequence.
    pub positions: Vec<i64>,
    /// Arena row that takes each row's key and value.
    pub arena_rows: Vec<i64>,
    /// The sequences, in row order: first those with one row, then those with more.
    pub segments: Vec<Segment>,
    /// The rows whose logits are computed, in the order of the segments that have one.
    pub output_rows: Vec<i64>,
}

impl Batch {
    /// The next batch: one row for every sequence that waits for one token, then up to
    /// `prefill_chunk` rows of the others.
    pub fn plan(sequences: &[Pending<'_>], prefill_chunk: usize) -> Self {
        let mut batch = Self::default();
        let mut budget = prefill_chunk;
        let (short, long): (Vec<_>, Vec<_>) =
            sequences.iter().enumerate().partition(|(_, pending)| pending.tokens.len() == 1);
        for (sequence, pending) in short {
            batch.add(sequence, pending, 1);
        }
        for (sequence, pending) in long {
            let n_new = pending.tokens.len().min(budget);
            budget -= n_new;
            batch.add(sequence, pending, n_new);
        }
        batch
    }

    /// Number of rows in the batch.
    pub fn n_rows(&self) -> usize {
        self.tokens.len()
    }

    fn add(&mut self, sequence: usize, pending: &Pending<'_>, n_new: usize) {
        if n_new == 0 {
            return;
        }
        let is_last = n_new == pending.tokens.len();
        for (idx, token) in pending.tokens[..n_new].iter().enumerate() {
            let position = pending.n_cached + idx;
            self.tokens.push(i64::from(*token));
            self.positions.push(position as i64);
            self.arena_rows.push((pending.extent.start + position) as i64);
        }
        if is_last {
            self.output_rows.push(self.n_rows() as i64 - 1);
        }
        self.segments.push(Segment {
            sequence,
            start: pending.extent.start,
            n_past: pending.n_cached,
            n_new,
            is_last,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(start: usize, n_cached: usize, tokens: &[u32]) -> Pending<'_> {
        Pending { extent: Extent { start, len: 100 }, n_cached, tokens }
    }

    #[test]
    fn running_sequences_come_before_prompts() {
        let batch = Batch::plan(&[pending(0, 0, &[5, 6, 7]), pending(100, 9, &[8])], 2);
        assert_eq!(batch.tokens, [8, 5, 6]);
        assert_eq!(batch.positions, [9, 0, 1]);
        assert_eq!(batch.arena_rows, [109, 0, 1]);
        assert_eq!(batch.output_rows, [0]);
        let parts: Vec<_> =
            batch.segments.iter().map(|part| (part.sequence, part.n_new, part.is_last)).collect();
        assert_eq!(parts, [(1, 1, true), (0, 2, false)]);
    }

    #[test]
    fn several_prompts_share_one_chunk() {
        let batch = Batch::plan(&[pending(0, 0, &[1, 2]), pending(100, 4, &[3, 4, 5, 6])], 5);
        assert_eq!(batch.tokens, [1, 2, 3, 4, 5]);
        assert_eq!(batch.output_rows, [1]);
        assert_eq!(batch.segments[1].n_past, 4);
        let full = Batch::plan(&[pending(0, 0, &[1, 2]), pending(100, 0, &[3, 4])], 2);
        assert_eq!(full.segments.len(), 1);
    }
}
