//! What one miner may take of a validator that asks it, however it behaves.

use super::Share;
use super::declare::section;

section! {
    /// Bounds for the answers of miners, and how soon a silent miner is given up.
    pub struct DendriteSection["dendrite"] {
        /// Longest answer in bytes, many times the longest honest one; a longer one is an error.
        max_answer_bytes: usize = 256 * 1024, range(1024, 1 << 30);
        /// Most chunks of an answer; one with more is an error.
        max_chunks: usize = 8192, range(1, 1 << 20);
        /// Longest head of a reply in bytes; also the most that is buffered of a stream.
        max_head_bytes: usize = 64 * 1024, range(8192, 1 << 20);
        /// Connections kept for the next round, all miners together.
        max_idle_connections: usize = 1024, range(0, 65_536);
        /// The share of neuron.timeout after which a miner that has not taken the connection is
        /// given up. Other validators know the whole time alone: less than 1 for the two below
        /// cuts off answers that they score.
        connect_share: Share = Share::nearest(0.5);
        /// The same for a miner that has not begun its reply.
        head_share: Share = Share::ALL;
        /// The same for a pause within the text.
        idle_share: Share = Share::ALL;
    }
}
