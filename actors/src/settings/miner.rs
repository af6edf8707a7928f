//! What answers a miner's callers; names and meanings are those of the Python miners.

use super::declare::section;

section! {
    /// What answers.
    pub struct MinerSection["neuron"] {
        /// What answers: model, echo (repeats the question) or phrase (always says the same).
        miner: String = "model".to_owned(), flag("miner");
        /// What the model is told before the conversation; empty for nothing.
        system_prompt: String = "You are a friendly assistant. Answer helpfully and in few words, \
                                 and say so when you do not know.".to_owned();
        /// What the phrase miner says.
        phrase: String = "Can you please repeat your question?".to_owned();
        /// Tokens that make a chunk.
        streaming_batch_size: usize = 12, range(1, 4096);
    }
}
