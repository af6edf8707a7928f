//! The local net: how many miners, and how fast its chain is.

use std::time::Duration;

use super::declare::section;

section! {
    /// The local net.
    pub struct LocalnetSection["localnet"] {
        /// Miners: two with the model, echo, phrase, slow, failing, garbage; further ones repeat
        /// the list.
        miners: u16 = 7, flag("miners"), range(1, 64);
        /// Time between two blocks.
        block_time: Duration = Duration::from_secs(1), flag("block-time"),
            range(Duration::from_millis(50), Duration::from_secs(60));
        /// Blocks between two epochs.
        tempo: u16 = 20, range(2, 10_000);
        /// Stop by itself after this time; 0 runs until it is told to stop.
        duration: Duration = Duration::ZERO, flag("duration"),
            range(Duration::ZERO, Duration::from_secs(10 * 365 * 86_400));
        /// Seeds every draw. Runs of equal seed draw equal tasks and personas; timing still differs.
        seed: u64 = 1, flag("seed");
    }
}
