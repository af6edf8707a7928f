//! Texts and vectors: requests to models, and their answers.

use std::time::Duration;

use actix::Message;
use sn1::llm::request::{ChatMessage, FinishReason, GenerateSettings};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::away::{Moment, timeout};
use crate::supervision::{AskError, Recipient};

/// How long the pool may take to admit a request.
const ADMIT_WITHIN: Duration = Duration::from_secs(5);
/// The pause before an overloaded pool is asked again.
const PAUSE: Duration = Duration::from_millis(50);

/// What a back end can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// Text that continues a conversation.
    Generate,
    /// A vector for each text.
    Embed,
}

/// What the sender of a failed request may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Send it again at once, but only once: the request may be what kills its back end.
    AtOnce,
    /// Send it again when the node is less busy.
    Later,
    /// Nothing: the same request would fail again.
    Never,
}

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InferenceError {
    /// As many requests as are allowed run or wait already.
    #[error("the model is overloaded: {0} requests are running or waiting; ask again later")]
    Overloaded(usize),
    /// This node has no back end for it.
    #[error("this node has no {}", match .0 {
        Capability::Generate => "language model",
        Capability::Embed => "sentence encoder",
    })]
    Missing(Capability),
    /// The back end died with the request, or broke off in the middle of the answer.
    #[error("the model's back end died with the request {n_times} times; ask again")]
    Lost {
        /// How many back ends died with the request.
        n_times: u8,
    },
    /// The request can never be answered, for this reason.
    #[error("the model refused the request: {0}")]
    Refused(String),
    /// The answer did not end within the caller's deadline.
    #[error("the model did not finish within {0:?}")]
    Deadline(Duration),
    /// The pool could not be asked.
    #[error(transparent)]
    Pool(#[from] AskError),
}

impl InferenceError {
    /// Whether, and when, the sender may try again.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Lost { n_times } if *n_times < 2 => Retry::AtOnce,
            Self::Overloaded(_) => Retry::Later,
            Self::Lost { .. }
            | Self::Missing(_)
            | Self::Refused(_)
            | Self::Deadline(_)
            | Self::Pool(_) => Retry::Never,
        }
    }
}

/// The tokens that a request cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the prompt, including those of the chat template.
    pub prompt_tokens: usize,
    /// Tokens of the answer, including the one that ended it.
    pub completion_tokens: usize,
}

/// A part of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// New text, and the number of tokens so far. Never splits a character.
    Text(String, usize),
    /// The end of the answer; nothing follows.
    End {
        /// Why the answer ended.
        finish: FinishReason,
        /// The tokens that the request cost.
        usage: Usage,
    },
}

/// An answer as it is generated. Dropping it cancels the request.
#[derive(Debug)]
pub struct TokenStream {
    pieces: mpsc::Receiver<Result<Piece, InferenceError>>,
}

impl TokenStream {
    /// A stream that yields these pieces.
    pub fn new(pieces: mpsc::Receiver<Result<Piece, InferenceError>>) -> Self {
        Self { pieces }
    }

    /// The next piece; a stream that breaks off without an end counts as a lost back end.
    ///
    /// # Errors
    /// When no further piece will come.
    pub async fn next(&mut self) -> Result<Piece, InferenceError> {
        self.pieces.recv().await.unwrap_or(Err(InferenceError::Lost { n_times: 1 }))
    }

    /// Reads the whole text to its end.
    ///
    /// # Errors
    /// When the answer did not end regularly.
    pub async fn collect(mut self) -> Result<String, InferenceError> {
        let mut whole = String::new();
        loop {
            match self.next().await? {
                Piece::Text(text, _) => whole.push_str(&text),
                Piece::End { .. } => return Ok(whole),
            }
        }
    }
}

/// Starts an answer. The reply comes as soon as the request is admitted, long before its text.
#[derive(Message, Debug, Clone)]
#[rtype(result = "Result<TokenStream, InferenceError>")]
pub struct Generate {
    /// The conversation to answer.
    pub messages: Vec<ChatMessage>,
    /// How the answer is sampled, and how long it may be.
    pub settings: GenerateSettings,
}

/// Turns each text into a vector of unit length, in the order given. The reply comes when all are
/// ready; an asker that goes away cancels it.
#[derive(Message, Debug, Clone)]
#[rtype(result = "Result<Vec<Vec<f32>>, InferenceError>")]
pub struct Embed(pub Vec<String>);

/// Generates a whole text within `deadline`; tries once more where [`Retry::AtOnce`] allows it.
///
/// # Errors
/// See [`InferenceError`].
pub async fn generate_text(
    pool: &Recipient<Generate>,
    request: Generate,
    deadline: Duration,
) -> Result<String, InferenceError> {
    let attempt = || async {
        let stream = pool.ask_again(request.clone(), ADMIT_WITHIN).await??;
        stream.collect().await
    };
    let attempts = async {
        match attempt().await {
            Err(error) if error.retry() == Retry::AtOnce => attempt().await,
            settled => settled,
        }
    };
    let late = Err(InferenceError::Deadline(deadline));
    timeout(deadline, attempts).await.unwrap_or(late)
}

/// Embeds `texts` within `deadline`; waits while the pool is overloaded.
///
/// # Errors
/// See [`InferenceError`].
pub async fn embed_texts(
    encoder: &Recipient<Embed>,
    texts: Vec<String>,
    deadline: Duration,
) -> Result<Vec<Vec<f32>>, InferenceError> {
    let began = Moment::now();
    let mut was_lost = false;
    loop {
        let left = began.left(deadline);
        let error = match encoder.ask_again(Embed(texts.clone()), left).await? {
            Ok(vectors) => return Ok(vectors),
            Err(error) => error,
        };
        match error.retry() {
            Retry::Later if !left.is_zero() => sleep(left.min(PAUSE)).await,
            Retry::AtOnce if !was_lost => was_lost = true,
            _ => return Err(error),
        }
    }
}
