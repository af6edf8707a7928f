//! The miner that answers with the language model.

use std::sync::Arc;
use std::time::Duration;

use sn1::llm::request::{ChatMessage, GenerateSettings};
use sn1::synapse::body::Prompt;
use tokio::time::{Instant, timeout_at};

use super::{Build, MinerDefinition};
use crate::axon::{Answering, CallerGone, ChunkSink, Miner, MinerError};
use crate::messages::inference::{Generate, InferenceError, Piece, Retry, TokenStream};
use crate::supervision::Recipient;

pub(super) const DEFINITION: MinerDefinition = MinerDefinition {
    name: "model",
    build: Build::WithModel(|options, pool| {
        Arc::new(ModelMiner {
            pool,
            system_prompt: options.system_prompt,
            settings: options.sampling,
            tokens_per_chunk: options.tokens_per_chunk,
        })
    }),
};

/// Tokens in one chunk, the number that the reference's miners send.
pub const TOKENS_PER_CHUNK: usize = 12;

/// The share of the caller's time after which an answer is ended with what there is, so that its
/// end still arrives in time.
const SHARE_OF_TIME: f64 = 0.9;

/// Answers with text from the language model.
#[derive(Clone)]
pub struct ModelMiner {
    /// The pool that generates the text.
    pub pool: Recipient<Generate>,
    /// The system message before the conversation; empty sends none.
    pub system_prompt: String,
    /// How answers are generated; the seed of each follows from its prompt.
    pub settings: GenerateSettings,
    /// Tokens in one chunk, at least 1.
    pub tokens_per_chunk: usize,
}

impl ModelMiner {
    fn request(&self, prompt: &Prompt) -> Generate {
        let system = (!self.system_prompt.is_empty())
            .then(|| ChatMessage::new("system", self.system_prompt.clone()));
        let said = prompt.roles.iter().zip(&prompt.messages);
        let said = said.map(|(role, content)| ChatMessage::new(role.clone(), content.clone()));
        let seed = prompt
            .messages
            .iter()
            .flat_map(|message| message.bytes())
            .fold(self.settings.seed, |seed, byte| seed.rotate_left(7) ^ u64::from(byte));
        Generate {
            messages: system.into_iter().chain(said).collect(),
            settings: GenerateSettings { seed, ..self.settings.clone() },
        }
    }
}

impl Miner for ModelMiner {
    fn answer(&self, prompt: Prompt, within: Duration, sink: ChunkSink) -> Answering {
        let (pool, request) = (self.pool.clone(), self.request(&prompt));
        let n_tokens = self.tokens_per_chunk;
        Box::pin(async move {
            let until = Instant::now() + within.mul_f64(SHARE_OF_TIME);
            let stream = pool.ask(request, within).await.map_err(InferenceError::from)??;
            tokio::select! {
                // Dropping the stream cancels the request.
                () = sink.gone() => Err(CallerGone.into()),
                outcome = forward(stream, until, n_tokens, &sink) => outcome,
            }
        })
    }
}

impl From<InferenceError> for MinerError {
    fn from(error: InferenceError) -> Self {
        match error.retry() {
            Retry::Later => Self::Overloaded(error.to_string()),
            Retry::AtOnce | Retry::Never => Self::Failed(error.to_string()),
        }
    }
}

/// Forwards the text in chunks of `tokens_per_chunk`, and stops at the deadline with what there is.
async fn forward(
    mut stream: TokenStream,
    until: Instant,
    tokens_per_chunk: usize,
    sink: &ChunkSink,
) -> Result<(), MinerError> {
    let (mut chunk, mut n_sent) = (String::new(), 0);
    loop {
        match timeout_at(until, stream.next()).await {
            Err(_) if chunk.is_empty() && n_sent == 0 => return Err(MinerError::Late),
            Err(_) => break,
            Ok(piece) => match piece? {
                Piece::End { .. } => break,
                Piece::Text(text, n_tokens) => {
                    chunk.push_str(&text);
                    if n_tokens >= n_sent + tokens_per_chunk {
                        n_sent = n_tokens;
                        sink.send(std::mem::take(&mut chunk)).await?;
                    }
                }
            },
        }
    }
    if !chunk.is_empty() {
        sink.send(chunk).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use parking_lot::Mutex;
    use tokio::sync::mpsc;

    use super::*;
    use crate::axon::answer_of;
    use crate::messages::inference::Capability;
    use crate::supervision::{AskError, Deliver, PendingReply};

    type Outcome = Result<TokenStream, InferenceError>;

    /// A pool that answers one request.
    struct Pool(Arc<str>, Mutex<Option<Outcome>>);

    impl Deliver<Generate> for Pool {
        fn name(&self) -> &Arc<str> {
            &self.0
        }

        fn is_up(&self) -> bool {
            true
        }

        fn has_room(&self) -> bool {
            true
        }

        fn ask(&self, _: Generate, _: Duration) -> PendingReply<Outcome> {
            let outcome = self.1.lock().take().unwrap();
            Box::pin(async { Ok(outcome) })
        }

        fn tell(&self, _: Generate) -> Result<(), AskError> {
            Ok(())
        }
    }

    async fn answer(outcome: Outcome) -> Result<Vec<Bytes>, MinerError> {
        let miner = ModelMiner {
            pool: Recipient::new(Pool("Pool".into(), Mutex::new(Some(outcome)))),
            system_prompt: String::new(),
            settings: GenerateSettings::greedy(9),
            tokens_per_chunk: 2,
        };
        let (roles, messages) = (vec!["user".to_owned()], vec!["Hi".to_owned()]);
        let prompt = Prompt { roles, messages, timeout: None, body_hash: String::new() };
        answer_of(&miner, prompt, Duration::from_millis(50)).await
    }

    #[actix::test]
    async fn what_fails_before_the_first_word_is_told_apart() {
        let full = answer(Err(InferenceError::Overloaded(64))).await;
        assert!(matches!(full, Err(MinerError::Overloaded(_))), "{full:?}");
        let missing = answer(Err(InferenceError::Missing(Capability::Generate))).await;
        assert!(matches!(missing, Err(MinerError::Failed(_))), "{missing:?}");
        let (_open, silent) = mpsc::channel(1);
        assert_eq!(answer(Ok(TokenStream::new(silent))).await, Err(MinerError::Late));
    }

    #[actix::test]
    async fn what_there_is_at_the_deadline_is_the_answer() {
        let (pieces, written) = mpsc::channel(4);
        for n_tokens in 1..4 {
            pieces.send(Ok(Piece::Text(n_tokens.to_string(), n_tokens))).await.unwrap();
        }
        assert_eq!(answer(Ok(TokenStream::new(written))).await.unwrap(), ["12", "3"]);
    }
}
