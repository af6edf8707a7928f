//! The miners of a local net: one that answers with the language model, simple ones that a good
//! mechanism must score below it, and broken ones that must harm nobody.

use std::time::Duration;

use bytes::Bytes;
use sn1::llm::request::{ChatMessage, GenerateSettings};
use sn1::synapse::body::Prompt;
use tokio::time::{Instant, sleep, timeout_at};

use super::miner::{Answering, ChunkSink, Miner, MinerError};
use crate::inference::{Generate, InferencePool, Piece, TokenStream};
use crate::supervision::Link;

/// What a miner of a local net does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// Answers with the language model, at a low temperature.
    ModelCalm,
    /// Answers with the language model, at a higher temperature.
    ModelLively,
    /// Repeats the question.
    Echo,
    /// Always says the same.
    Phrase,
    /// Answers after the deadline.
    Slow,
    /// Breaks off in the middle.
    Failing,
    /// Streams bytes that are no text.
    Garbage,
}

impl Behaviour {
    /// All of them, in the order in which a local net fills its slots.
    pub const ALL: [Self; 7] = [
        Self::ModelCalm,
        Self::ModelLively,
        Self::Echo,
        Self::Phrase,
        Self::Slow,
        Self::Failing,
        Self::Garbage,
    ];

    /// Its name in reports.
    pub fn label(self) -> &'static str {
        match self {
            Self::ModelCalm => "model_calm",
            Self::ModelLively => "model_lively",
            Self::Echo => "echo",
            Self::Phrase => "phrase",
            Self::Slow => "slow",
            Self::Failing => "failing",
            Self::Garbage => "garbage",
        }
    }
}

/// Tokens that make a chunk, as the reference's miners send them.
pub const TOKENS_PER_CHUNK: usize = 12;

/// The share of the caller's time after which an answer is ended with what there is, so that its end
/// still arrives in time.
const SHARE_OF_TIME: f64 = 0.9;

/// Answers with the language model.
#[derive(Clone)]
pub struct ModelMiner {
    /// Where texts come from.
    pub pool: Link<InferencePool>,
    /// Said before the conversation; empty for nothing.
    pub system_prompt: String,
    /// How answers are generated; each prompt gets a seed from its own text.
    pub settings: GenerateSettings,
    /// Tokens that make a chunk, at least 1.
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
            let stream = pool.ask(request, within).await;
            let stream = stream.map_err(failed)?.map_err(failed)?;
            tokio::select! {
                // Dropping the stream cancels the request.
                () = sink.gone() => Err(super::CallerGone.into()),
                outcome = forward(stream, until, n_tokens, &sink) => outcome,
            }
        })
    }
}

fn failed(error: impl std::fmt::Display) -> MinerError {
    MinerError::Failed(error.to_string())
}

/// Sends the text on in chunks of some tokens, and stops at the deadline with what there is.
async fn forward(
    mut stream: TokenStream,
    until: Instant,
    tokens_per_chunk: usize,
    sink: &ChunkSink,
) -> Result<(), MinerError> {
    let (mut chunk, mut n_sent) = (String::new(), 0);
    loop {
        match timeout_at(until, stream.next()).await {
            Err(_) => break,
            Ok(piece) => match piece.map_err(failed)? {
                Piece::End(_) => break,
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

/// Repeats the last message.
#[derive(Debug, Clone, Copy)]
pub struct EchoMiner;

impl Miner for EchoMiner {
    fn answer(&self, prompt: Prompt, _: Duration, sink: ChunkSink) -> Answering {
        Box::pin(async move {
            if let Some(last) = prompt.messages.last().filter(|last| !last.is_empty()) {
                sink.send(last.clone()).await?;
            }
            Ok(())
        })
    }
}

/// Always says the same.
#[derive(Debug, Clone)]
pub struct PhraseMiner {
    /// What it says.
    pub phrase: String,
}

impl Miner for PhraseMiner {
    fn answer(&self, _: Prompt, _: Duration, sink: ChunkSink) -> Answering {
        let phrase = self.phrase.clone();
        Box::pin(async move { Ok(sink.send(phrase).await?) })
    }
}

/// Begins to answer when the caller's time is over.
#[derive(Debug, Clone, Copy)]
pub struct SlowMiner;

impl Miner for SlowMiner {
    fn answer(&self, _: Prompt, within: Duration, sink: ChunkSink) -> Answering {
        Box::pin(async move {
            sleep(within + Duration::from_secs(1)).await;
            Ok(sink.send("here I am").await?)
        })
    }
}

/// Breaks off in the middle of its answer.
#[derive(Debug, Clone, Copy)]
pub struct FailingMiner;

impl Miner for FailingMiner {
    fn answer(&self, prompt: Prompt, _: Duration, sink: ChunkSink) -> Answering {
        Box::pin(async move {
            let question = prompt.messages.last().cloned().unwrap_or_default();
            sink.send(format!("The answer to \"{question}\" is")).await?;
            sleep(Duration::from_millis(50)).await;
            Err(MinerError::Failed("this miner fails on purpose".to_owned()))
        })
    }
}

/// Streams bytes that are no UTF-8.
#[derive(Debug, Clone, Copy)]
pub struct GarbageMiner;

impl Miner for GarbageMiner {
    fn answer(&self, _: Prompt, _: Duration, sink: ChunkSink) -> Answering {
        const NOT_TEXT: &[u8] = &[0xff, 0xfe, 0x00, 0xc3, 0x28, 0x80, 0xf5];
        Box::pin(async move {
            for _ in 0..4 {
                sink.send_bytes(Bytes::from_static(NOT_TEXT)).await?;
            }
            Ok(())
        })
    }
}
