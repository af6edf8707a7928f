//! A back end in one file: it repeats the last message in capitals. `docs/add-a-back-end.md` quotes
//! it.

use std::sync::Arc;

use sn1::llm::request::FinishReason;

use super::{BackendKind, BuiltBackends};
use crate::inference::{Backend, Capabilities, Job, TextModel};
use crate::messages::inference::{Capability, Generate, Usage};
use crate::spawn::spawn_named;

pub(super) const KIND: BackendKind = BackendKind {
    name: "toy",
    offers: &[Capability::Generate],
    build: |_| BuiltBackends { backends: vec![Arc::new(Capitals)], children: Vec::new() },
};

struct Capitals;

impl Backend for Capitals {
    fn capabilities(&self) -> Capabilities {
        let name = "capitals".into();
        let model = TextModel { name, context: Some(1024), is_constrainable: false };
        Capabilities { generate: Some(model), embed: None }
    }

    fn slots(&self) -> usize {
        4
    }

    fn generate(&self, job: Job<Generate>) {
        spawn_named("capitals", answer(job));
    }
}

async fn answer(mut job: Job<Generate>) {
    let said = job.request().messages.last().map_or("", |message| &message.content).to_uppercase();
    let mut usage = Usage { prompt_tokens: said.split_whitespace().count(), completion_tokens: 0 };
    for word in said.split_inclusive(' ').take(job.request().settings.max_tokens) {
        usage.completion_tokens += 1;
        if job.text(word, usage.completion_tokens).is_err() {
            return; // The caller has gone.
        }
        tokio::task::yield_now().await;
    }
    job.finish(FinishReason::Stop, usage);
}
