//! Allocates rows of the key-value arena.
//!
//! The greatest length of a sequence is known when its request is accepted, so it gets one
//! contiguous extent, first fit, and keeps it until it ends. There are no pages to gather, and no
//! slots of maximal length to waste.

/// A contiguous range of rows in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Index of the first row.
    pub start: usize,
    /// Number of rows.
    pub len: usize,
}

impl Extent {
    fn end(self) -> usize {
        self.start + self.len
    }
}

/// The allocated rows of an arena.
#[derive(Clone, Debug)]
pub struct Extents {
    n_rows: usize,
    /// Allocated extents in ascending order; they never overlap.
    taken: Vec<Extent>,
}

impl Extents {
    /// An empty arena of `n_rows` rows.
    pub fn new(n_rows: usize) -> Self {
        Self { n_rows, taken: Vec::new() }
    }

    /// Allocates the first free range of `len` rows; `None` if there is none.
    pub fn reserve(&mut self, len: usize) -> Option<Extent> {
        let (idx, start) = self.first_fit(len)?;
        let extent = Extent { start, len };
        self.taken.insert(idx, extent);
        Some(extent)
    }

    /// Frees an extent. One that is not allocated is ignored.
    pub fn release(&mut self, extent: Extent) {
        self.taken.retain(|taken| *taken != extent);
    }

    /// Number of free rows, contiguous or not.
    pub fn n_free(&self) -> usize {
        let n_taken: usize = self.taken.iter().map(|extent| extent.len).sum();
        self.n_rows - n_taken
    }

    fn first_fit(&self, len: usize) -> Option<(usize, usize)> {
        let mut start = 0;
        for (idx, extent) in self.taken.iter().enumerate() {
            if extent.start - start >= len {
                return Some((idx, start));
            }
            start = extent.end();
        }
        (self.n_rows - start >= len).then_some((self.taken.len(), start))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fills_the_first_hole_that_is_large_enough() {
        let mut extents = Extents::new(10);
        let first = extents.reserve(3).unwrap();
        let second = extents.reserve(4).unwrap();
        assert_eq!(extents.reserve(4), None);
        assert_eq!(extents.reserve(3), Some(Extent { start: 7, len: 3 }));
        extents.release(first);
        assert_eq!(extents.reserve(4), None);
        extents.release(second);
        assert_eq!(extents.reserve(7), Some(Extent { start: 0, len: 7 }));
        assert_eq!(extents.n_free(), 0);
    }

    proptest! {
        #[test]
        fn extents_never_overlap_and_come_back_whole(
            steps in prop::collection::vec((1usize..40, any::<bool>(), any::<usize>()), 1..60),
        ) {
            let mut extents = Extents::new(100);
            let mut held: Vec<Extent> = Vec::new();
            for (len, release, pick) in steps {
                if release && !held.is_empty() {
                    extents.release(held.swap_remove(pick % held.len()));
                } else if let Some(extent) = extents.reserve(len) {
                    prop_assert!(extent.end() <= 100);
                    let apart = |other: &Extent| {
                        extent.end() <= other.start || other.end() <= extent.start
                    };
                    prop_assert!(held.iter().all(apart));
                    held.push(extent);
                }
                let n_held: usize = held.iter().map(|extent| extent.len).sum();
                prop_assert_eq!(extents.n_free(), 100 - n_held);
            }
            held.into_iter().for_each(|extent| extents.release(extent));
            prop_assert_eq!(extents.reserve(100), Some(Extent { start: 0, len: 100 }));
        }
    }
}
