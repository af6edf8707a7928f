//! The actor that computes sentence embeddings, which the relevance reward compares.

use std::path::Path;

use actix::Message;
use metrics::counter;
use sn1::embedding::{EmbeddingError, SentenceEncoder};
use sn1::telemetry::ENCODER_TEXTS;

use crate::inference::{BackendError, Job};
use crate::messages::inference::Embed;
use crate::recording::prime;
use crate::supervision::{Context, Handles, Reply, Resident};

/// Asks the encoder to answer a job.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct EmbedTexts(pub(super) Job<Embed>);

/// Computes embeddings on its own thread.
pub(super) struct Encoder {
    encoder: SentenceEncoder,
}

impl Encoder {
    /// Loads the encoder in `folder`.
    ///
    /// # Errors
    /// When the folder holds no usable encoder.
    pub(super) fn load(folder: &Path) -> Result<Self, EmbeddingError> {
        Ok(Self { encoder: SentenceEncoder::load(folder)? })
    }

    fn embed(&self, job: Job<Embed>) {
        if job.is_abandoned() {
            return;
        }
        let Embed(texts) = job.request();
        let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
        counter!(ENCODER_TEXTS.name).increment(texts.len() as u64);
        match self.encoder.encode(&borrowed) {
            Ok(vectors) => job.finish(vectors),
            Err(error) => {
                let reason = format!("could not embed {} texts: {error}", texts.len());
                job.fail(BackendError::Refused(reason));
            }
        }
    }
}

impl Resident for Encoder {
    type Error = EmbeddingError;

    const MAILBOX: usize = 256;

    fn started(&mut self, _: &mut Context<'_, Self>) -> Result<(), Self::Error> {
        prime(&[ENCODER_TEXTS], &[]);
        Ok(())
    }
}

impl Handles<EmbedTexts> for Encoder {
    fn handle(&mut self, EmbedTexts(job): EmbedTexts, _: &mut Context<'_, Self>) -> Reply<()> {
        self.embed(job);
        Reply::Now(())
    }
}
