//! Sentence embeddings for the relevance reward.

use actix::Message;

use crate::supervision::{Context, Handles, Reply, Resident};

/// Why there are no embeddings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("could not embed {n_texts} texts: {reason}")]
pub struct EmbedError {
    /// How many were asked for.
    pub n_texts: usize,
    /// The encoder's reason.
    pub reason: String,
}

/// Turns each text into a vector of unit length, in the order given.
#[derive(Message, Debug, Clone)]
#[rtype(result = "Result<Vec<Vec<f32>>, EmbedError>")]
pub struct Embed(pub Vec<String>);

/// Computes embeddings, on its own thread.
pub struct Encoder {
    #[cfg(feature = "libtorch")]
    encoder: sn1::embedding::SentenceEncoder,
}

impl Resident for Encoder {
    const MAILBOX: usize = 256;
}

#[cfg(feature = "libtorch")]
impl Encoder {
    /// Loads the encoder in `folder`.
    ///
    /// # Errors
    /// A folder that holds no encoder, in words.
    pub fn load(folder: &std::path::Path) -> Result<Self, String> {
        let encoder =
            sn1::embedding::SentenceEncoder::load(folder).map_err(|error| error.to_string())?;
        Ok(Self { encoder })
    }

    fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
        metrics::counter!(sn1::telemetry::ENCODER_TEXTS.name).increment(texts.len() as u64);
        self.encoder
            .encode(&borrowed)
            .map_err(|error| EmbedError { n_texts: texts.len(), reason: error.to_string() })
    }
}

#[cfg(not(feature = "libtorch"))]
impl Encoder {
    /// Says that this build has no encoder.
    ///
    /// # Errors
    /// Always.
    pub fn load(_: &std::path::Path) -> Result<Self, String> {
        Err("this build has no libtorch, which the sentence encoder needs".to_owned())
    }

    fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let reason = "this build has no libtorch".to_owned();
        Err(EmbedError { n_texts: texts.len(), reason })
    }
}

impl Handles<Embed> for Encoder {
    fn handle(
        &mut self,
        Embed(texts): Embed,
        _: &mut Context<'_, Self>,
    ) -> Reply<Result<Vec<Vec<f32>>, EmbedError>> {
        Reply::Now(self.embed(&texts))
    }
}
