//! The record of one turn that goes into the event log (docs/spec/mechanism.md#turn).
//!
//! Readers of other validators' logs rely on the keys and their order, so both are written by hand
//! and checked against recorded events.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::responses::ResponseEvent;
use super::rewards::ModelScores;

/// The log record of a turn.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Event {
    /// A turn that was scored.
    Step(Box<StepEvent>),
    /// A turn that failed.
    Failed {
        /// The error, in words.
        unexpected_errors: String,
    },
}

/// A scored turn. Times are in seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct StepEvent {
    /// The completion with the highest reward.
    pub best: String,
    /// Number of the newest block.
    pub block: u64,
    /// Passes finished before this one.
    pub step: u64,
    /// Seconds that the turn took.
    pub step_time: f64,
    /// The task of the turn and the persona that asked.
    pub agent: AgentState,
    /// The context's own fields, only in a full log. They replace the agent's topic and subtopic
    /// (docs/spec/mechanism.md#quirk-46).
    pub context: Option<ContextFields>,
    /// The reward of each completion, in 0..1.
    pub rewards: Vec<f32>,
    /// The scores of each reward model, from which the rewards were computed.
    pub models: Vec<ModelScores>,
    /// The miners' answers.
    pub responses: ResponseEvent,
    /// The turn's position in its pass, once it is known.
    pub pass: Option<PassFields>,
}

/// The task and the persona of a turn.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentState {
    /// The question as sent to the miners.
    pub challenge: String,
    /// Seconds that writing the challenge took.
    pub challenge_time: f64,
    /// Name of the task.
    pub task: &'static str,
    /// What the persona asks help for, from the task's definition.
    pub desc: String,
    /// The persona's aim, from the task's definition.
    pub goal: String,
    /// The question before it was worded by the persona.
    pub query: String,
    /// Seconds that writing the query took.
    pub query_time: f64,
    /// The answer that completions are compared with.
    pub reference: String,
    /// Seconds that writing the reference took.
    pub reference_time: f64,
    /// Title of the context.
    pub topic: String,
    /// Topic of the context, or its date.
    pub subtopic: String,
    /// Seconds that fetching the context took.
    pub context_time: f64,
    /// The persona's occupation, see [`super::persona::PROFILES`].
    pub profile: String,
    /// The persona's mood with its article, see [`super::persona::MOODS`].
    pub mood: String,
    /// The persona's tone, see [`super::persona::TONES`].
    pub tone: String,
    /// The system prompt of the model that plays the persona.
    pub system_prompt: String,
}

/// A context as a full log shows it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ContextFields {
    /// What the content is about, within the title.
    pub topic: String,
    /// What the content is about, within the topic.
    pub subtopic: String,
    /// Title of the page.
    pub title: String,
    /// The text that the task was made from.
    pub content: String,
    /// Headings of the page.
    pub internal_links: Vec<String>,
    /// Links of the page.
    pub external_links: Vec<String>,
    /// Name of the dataset's class.
    pub source: String,
    /// Categories of the page.
    pub tags: Vec<String>,
    /// Fields that only this dataset has.
    pub extra: Map<String, Value>,
    /// How the context was fetched.
    pub stats: Map<String, Value>,
}

/// A turn's position in its pass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PassFields {
    /// Seconds since the pass began.
    pub forward_time: f64,
    /// Index of the turn, from 0.
    pub turn: u8,
}

impl Serialize for StepEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("best", &self.best)?;
        map.serialize_entry("block", &self.block)?;
        map.serialize_entry("step", &self.step)?;
        map.serialize_entry("step_time", &self.step_time)?;
        self.write_task(&mut map)?;
        if let Some(context) = &self.context {
            context.write(&mut map)?;
        }
        self.agent.write_persona(&mut map)?;
        map.serialize_entry("rewards", &wide(&self.rewards))?;
        for scores in &self.models {
            write_scores(scores, &mut map)?;
        }
        write_responses(&self.responses, &mut map)?;
        if let Some(pass) = &self.pass {
            map.serialize_entry("forward_time", &pass.forward_time)?;
            map.serialize_entry("turn", &pass.turn)?;
        }
        map.end()
    }
}

impl StepEvent {
    fn write_task<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let agent = &self.agent;
        let (topic, subtopic) = match &self.context {
            Some(context) => (&context.topic, &context.subtopic),
            None => (&agent.topic, &agent.subtopic),
        };
        map.serialize_entry("challenge", &agent.challenge)?;
        map.serialize_entry("challenge_time", &agent.challenge_time)?;
        map.serialize_entry("task", &agent.task)?;
        map.serialize_entry("desc", &agent.desc)?;
        map.serialize_entry("goal", &agent.goal)?;
        map.serialize_entry("query", &agent.query)?;
        map.serialize_entry("query_time", &agent.query_time)?;
        map.serialize_entry("reference", &agent.reference)?;
        map.serialize_entry("reference_time", &agent.reference_time)?;
        map.serialize_entry("topic", topic)?;
        map.serialize_entry("subtopic", subtopic)?;
        map.serialize_entry("context_time", &agent.context_time)
    }
}

impl AgentState {
    fn write_persona<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("profile", &self.profile)?;
        map.serialize_entry("mood", &self.mood)?;
        map.serialize_entry("tone", &self.tone)?;
        map.serialize_entry("system_prompt", &self.system_prompt)
    }
}

impl ContextFields {
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("title", &self.title)?;
        map.serialize_entry("content", &self.content)?;
        map.serialize_entry("internal_links", &self.internal_links)?;
        map.serialize_entry("external_links", &self.external_links)?;
        map.serialize_entry("source", &self.source)?;
        map.serialize_entry("tags", &self.tags)?;
        map.serialize_entry("extra", &self.extra)?;
        map.serialize_entry("stats", &self.stats)
    }
}

fn write_scores<M: SerializeMap>(scores: &ModelScores, map: &mut M) -> Result<(), M::Error> {
    let (name, kind) = (scores.model, scores.kind.as_str());
    map.serialize_entry(&format!("{name}_raw_{kind}"), &rounded_raw(&scores.raw))?;
    map.serialize_entry(&format!("{name}_{kind}"), &rounded_normalized(&scores.normalized))?;
    map.serialize_entry(&format!("{name}_{kind}_timings"), &scores.timings)?;
    map.serialize_entry(&format!("{name}_{kind}_batch_time"), &scores.batch_time)?;
    map.serialize_entry(&format!("{name}_{kind}_extra_info"), &scores.extra_info)
}

fn write_responses<M: SerializeMap>(event: &ResponseEvent, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("uids", &event.uids)?;
    map.serialize_entry("completions", &event.completions)?;
    map.serialize_entry("timings", &event.timings)?;
    map.serialize_entry("status_messages", &event.status_messages)?;
    map.serialize_entry("status_codes", &event.status_codes)?;
    map.serialize_entry("stream_results_uids", &event.uids)?;
    map.serialize_entry("stream_results_exceptions", &event.exceptions)?;
    map.serialize_entry("stream_results_all_chunks", &event.all_chunks)?;
    map.serialize_entry("stream_results_all_chunks_timings", &event.all_chunks_timings)?;
    map.serialize_entry("stream_results_all_tokens_per_chunk", &event.all_tokens_per_chunk)
}

/// Scores as 64-bit numbers, converted exactly, so the log shows every digit of them.
fn wide(scores: &[f32]) -> Vec<f64> {
    scores.iter().map(|&score| f64::from(score)).collect()
}

/// Raw scores rounded for the log, to 6 decimals.
pub(crate) fn rounded_raw(scores: &[f32]) -> Vec<f64> {
    scores.iter().map(|&score| rounded(score, 6)).collect()
}

/// Normalized scores rounded for the log, to 4 decimals.
pub(crate) fn rounded_normalized(scores: &[f32]) -> Vec<f64> {
    scores.iter().map(|&score| rounded(score, 4)).collect()
}

/// Rounds the exact value, ties to even. Formatting rounds once; arithmetic would round twice.
fn rounded(score: f32, decimals: usize) -> f64 {
    let exact = f64::from(score);
    format!("{exact:.decimals$}").parse().unwrap_or(exact)
}

#[cfg(test)]
mod tests;
