//! What the event log records about a turn's task and persona.

use sn1::validation::event::{AgentState, ContextFields};
use sn1::validation::persona::Persona;
use sn1::validation::tasks::PreparedTask;

use super::turn::{ScoredTurn, TurnInputs};

/// A persona's challenge, and how its wording was made.
pub(super) struct Asked {
    pub(super) persona: Persona,
    pub(super) system_prompt: String,
    pub(super) challenge_seconds: f64,
}

pub(super) fn agent_state(
    TurnInputs { task, conversation, .. }: &TurnInputs<'_>,
    asked: &Asked,
    scored: &ScoredTurn,
) -> AgentState {
    AgentState {
        challenge: conversation.challenge().to_owned(),
        challenge_time: asked.challenge_seconds,
        task: task.definition().name,
        desc: task.definition().desc.to_owned(),
        goal: task.definition().goal.to_owned(),
        query: task.query.clone(),
        query_time: task.query_time,
        reference: scored.reference.clone(),
        reference_time: scored.reference_seconds,
        topic: task.subject().to_owned(),
        subtopic: task.aspect().to_owned(),
        context_time: task.context.stats.fetch_time,
        profile: asked.persona.profile.to_string(),
        mood: asked.persona.mood.to_string(),
        tone: asked.persona.tone.to_string(),
        system_prompt: asked.system_prompt.clone(),
    }
}

pub(super) fn context_fields(task: &PreparedTask) -> ContextFields {
    let context = task.context.clone();
    let stats = serde_json::to_value(&context.stats).unwrap_or_default();
    ContextFields {
        topic: context.topic,
        subtopic: context.subtopic,
        title: context.title,
        content: context.content,
        internal_links: context.internal_links,
        external_links: context.external_links,
        source: context.source,
        tags: context.tags,
        extra: context.extra,
        stats: stats.as_object().cloned().unwrap_or_default(),
    }
}
