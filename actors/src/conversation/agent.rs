//! One conversation: a persona, a task, a challenge, one or two turns. Then the agent ends, and its
//! supervisor starts the next one.
//!
//! Any failure ends the pass: the same challenge is never sent twice. An agent that could not begin
//! waits before it ends, so that a node without miners does not spin; and conversations have a
//! minimum length, because without a model and with quick miners they would take no time at all.

use std::cell::Cell;
use std::convert::Infallible;
use std::rc::Rc;
use std::time::{Duration, Instant};

use metrics::counter;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sn1::chain::{AxonInfo, Metagraph};
use sn1::llm::request::{ChatMessage, GenerateSettings};
use sn1::telemetry;
use sn1::validation::conversation::{Conversation, Draws, Next};
use sn1::validation::event::{Event, PassFields, StepEvent};
use sn1::validation::persona::Persona;
use sn1::validation::tasks::{Draft, PreparedTask, TaskPlan};
use sn1::wallet::AccountId;
use tracing::warn;

use super::given_up::{Stage, TurnError, at};
use super::logged::{Asked, agent_state, context_fields};
use super::settings::{AgentLinks, AgentSettings};
use super::turn::{ScoredTurn, TurnInputs, candidates};
use crate::away::timeout;
use crate::messages::events::LogEvent;
use crate::messages::inference::{Capability, Generate, InferenceError, generate_text};
use crate::messages::scores::{FinishPass, GetScores};
use crate::messages::tasks::NextTask;
use crate::notice::{Notice, TurnNotice};
use crate::supervision::{Context, Drained, Resident};

/// How often a model may try to write a follow-up question; then the conversation ends.
const FOLLOW_UP_TRIES: usize = 3;
/// The pause of an agent that could not begin or had to give up.
const PAUSE: Duration = Duration::from_secs(1);
/// Time from the start of one conversation to the start of the next: however quick the miners are,
/// our rate of questions stays far below what miners allow a hotkey.
const LEAST_LIFE: Duration = Duration::from_millis(500);
/// The deadline of questions to the scoreboard and the event log, which answer from memory and
/// disk.
const PROMPTLY: Duration = Duration::from_secs(20);

/// The actor that holds one conversation and then ends.
pub struct ConversationAgent {
    links: AgentLinks,
    settings: AgentSettings,
    progress: Rc<PassState>,
}

/// The state that the actor and its conversation share.
#[derive(Default)]
struct PassState {
    /// A question was sent and its answers are not scored yet.
    has_asked: Cell<bool>,
    /// The conversation must end after the current turn.
    is_stopping: Cell<bool>,
}

impl ConversationAgent {
    /// An agent for one conversation.
    pub fn new(links: AgentLinks, settings: AgentSettings) -> Self {
        Self { links, settings, progress: Rc::default() }
    }
}

impl Resident for ConversationAgent {
    type Error = Infallible;

    fn started(&mut self, ctx: &mut Context<'_, Self>) -> Result<(), Self::Error> {
        let (links, settings) = (self.links.clone(), self.settings.clone());
        let progress = Rc::clone(&self.progress);
        let conversation = async move {
            links.age.until_usable().await;
            let rng = StdRng::seed_from_u64(settings.seed);
            let started = Instant::now();
            let pass = Pass { links, rng, settings, progress: Rc::clone(&progress), started };
            pass.hold().await;
            progress.has_asked.set(false);
            if !progress.is_stopping.get() {
                tokio::time::sleep(LEAST_LIFE.saturating_sub(started.elapsed())).await;
            }
        };
        ctx.run(conversation, |_, (), ctx| ctx.finish());
        Ok(())
    }

    /// A turn whose question was sent is still scored and recorded; anything before that is
    /// dropped.
    fn drain(&mut self, _: &mut Context<'_, Self>) -> Drained {
        self.progress.is_stopping.set(true);
        if self.progress.has_asked.get() { Drained::Later } else { Drained::Now }
    }
}

struct Pass {
    links: AgentLinks,
    settings: AgentSettings,
    progress: Rc<PassState>,
    rng: StdRng,
    started: Instant,
}

impl Pass {
    async fn hold(mut self) {
        let outcome = match self.wait_for_miners().await {
            Ok(()) => self.attempt_in_time().await,
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            self.give_up(&error).await;
        }
    }

    async fn attempt_in_time(&mut self) -> Result<(), TurnError> {
        let limit = self.settings.forward_max_time;
        self.started = Instant::now();
        let late = |_| Err(at(Stage::Query)(format!("no end within {limit:?}")));
        timeout(limit, self.attempt()).await.unwrap_or_else(late)
    }

    async fn give_up(&self, error: &TurnError) {
        let stage = error.stage.label();
        counter!(telemetry::CONVERSATION_FAILURES.name, "task" => "any", "stage" => stage)
            .increment(1);
        warn!(stage, reason = %error.reason, "conversation given up");
        if error.stage != Stage::Task {
            self.log(Event::Failed { unexpected_errors: error.to_string() }, "error").await;
        }
        tokio::time::sleep(PAUSE).await;
    }

    async fn attempt(&mut self) -> Result<(), TurnError> {
        let task =
            self.links.task_factory.ask_again(NextTask, self.settings.forward_max_time).await;
        let task = task.map_err(at(Stage::Task))?;
        let mut task = task.ok_or("the task factory restarted").map_err(at(Stage::Task))?;
        let step = self.step().await?;
        let (asked, mut conversation) = self.begin(&task).await?;
        self.progress.has_asked.set(true);
        loop {
            let inputs = TurnInputs {
                links: &self.links,
                settings: &self.settings,
                task: &task,
                conversation: &conversation,
                step,
            };
            let scored = inputs.run(&mut self.rng).await?;
            self.publish(&inputs, &asked, &scored).await;
            let draws = Draws { accept: self.rng.random(), stop: self.rng.random() };
            let next = conversation.answered(draws, scored.best(), &scored.reference);
            let Next::FollowUp(follow_up) = next else { break };
            if !self.may_follow_up() {
                break;
            }
            task = self.follow_up(&task, &follow_up.history()).await?;
            conversation = follow_up.ask(task.query.clone());
        }
        let id = uuid::Uuid::new_v4().to_string().into();
        let finished = self.links.passes.ask_again(FinishPass(id), PROMPTLY).await;
        finished.map_err(at(Stage::Record))?.map_err(at(Stage::Record))?;
        Ok(())
    }

    fn may_follow_up(&self) -> bool {
        self.links.capabilities.has(Capability::Generate) && !self.progress.is_stopping.get()
    }

    /// Does not begin without a metagraph or without miners to ask. Waits for the expected miners
    /// to appear, so that none is asked at the address of an earlier run.
    async fn wait_for_miners(&mut self) -> Result<(), TurnError> {
        let settings = &self.settings;
        let is_there = |known: &Metagraph, (hotkey, axon): &(AccountId, AxonInfo)| {
            known.neuron_of(hotkey).is_some_and(|neuron| neuron.axon.is_same_endpoint(axon))
        };
        let ready = self.links.metagraph.wait_for(|latest| {
            latest.as_ref().is_some_and(|known| {
                candidates(settings, known).is_ok_and(|uids| !uids.is_empty())
                    && settings.expected.iter().all(|miner| is_there(known, miner))
            })
        });
        let ready = async { ready.await.map(drop) };
        let waited = timeout(settings.forward_max_time, ready).await;
        match waited {
            Ok(ready) => ready.map_err(at(Stage::Task)),
            Err(_) => Err(at(Stage::Task)(self.nobody())),
        }
    }

    /// Why there is no miner to ask.
    fn nobody(&self) -> &'static str {
        let latest = self.links.metagraph.borrow();
        match latest.as_ref().map(|known| candidates(&self.settings, known)) {
            None => "no metagraph yet",
            Some(Err(reason)) => reason,
            Some(Ok(uids)) if uids.is_empty() => "no miner serves on the subnet",
            Some(Ok(_)) => "not all of the expected miners serve yet",
        }
    }

    async fn step(&self) -> Result<u64, TurnError> {
        let scores = self.links.scores.ask_again(GetScores, PROMPTLY).await;
        Ok(scores.map_err(at(Stage::Task))?.map_or(0, |scores| scores.steps))
    }

    async fn begin(&mut self, task: &PreparedTask) -> Result<(Asked, Conversation), TurnError> {
        let started = Instant::now();
        let persona = Persona::draw(&mut self.rng);
        let definition = task.definition();
        let (subject, aspect) = (task.subject(), task.aspect());
        let system_prompt =
            persona.system_prompt(definition.desc, definition.goal, &task.query, subject, aspect);
        let challenge = match task.challenge(&system_prompt, &mut self.rng) {
            Draft::Ready(challenge) => challenge,
            Draft::Prompt(messages) => {
                let written = self.write(messages).await.map_err(at(Stage::Challenge))?;
                task.challenge_from(&written)
            }
        };
        let challenge_seconds = started.elapsed().as_secs_f64();
        let conversation = Conversation::new(definition.turns, challenge);
        Ok((Asked { persona, system_prompt, challenge_seconds }, conversation))
    }

    async fn write(&mut self, messages: Vec<ChatMessage>) -> Result<String, InferenceError> {
        let settings =
            GenerateSettings { seed: self.rng.random(), ..self.settings.challenge.clone() };
        generate_text(
            &self.links.pool,
            Generate { messages, settings },
            self.settings.generate_within,
        )
        .await
    }

    /// Has the model write a question that continues the conversation, in a few tries.
    async fn follow_up(
        &mut self,
        task: &PreparedTask,
        history: &str,
    ) -> Result<PreparedTask, TurnError> {
        let started = Instant::now();
        for _ in 0..FOLLOW_UP_TRIES {
            let mut plan = TaskPlan::following(task, history.to_owned());
            let messages = match plan.query(&mut self.rng) {
                Draft::Ready(query) => return Ok(plan.prepare(query, 0.0)),
                Draft::Prompt(messages) => messages,
            };
            let written = self.write(messages).await.map_err(at(Stage::FollowUp))?;
            let seconds = started.elapsed().as_secs_f64();
            if let Some(next) = plan.prepare_from(&written, seconds) {
                return Ok(next);
            }
        }
        Err(at(Stage::FollowUp)("the model wrote no usable question"))
    }

    async fn publish(&self, inputs: &TurnInputs<'_>, asked: &Asked, scored: &ScoredTurn) {
        let event = self.step_event(inputs, asked, scored);
        let TurnInputs { task, conversation, step, .. } = *inputs;
        self.log(Event::Step(Box::new(event)), "step").await;
        // The notice is for the console; nobody need be reading it.
        let _ = self.links.notices.send(Notice::Turn(Box::new(TurnNotice {
            step,
            turn: conversation.turn(),
            task: task.definition().name,
            topic: task.subject().to_owned(),
            persona: format!(
                "{} {}, {} tone",
                asked.persona.mood, asked.persona.profile, asked.persona.tone
            ),
            challenge: conversation.challenge().to_owned(),
            best: scored.best().to_owned(),
            uids: scored.uids.clone(),
            rewards: scored.evaluation.totals.clone(),
            scores: scored.scores.values.clone(),
            seconds: scored.seconds,
        })));
    }

    fn step_event(&self, inputs: &TurnInputs<'_>, asked: &Asked, scored: &ScoredTurn) -> StepEvent {
        StepEvent {
            best: scored.best().to_owned(),
            block: scored.block,
            step: inputs.step,
            step_time: scored.seconds,
            agent: agent_state(inputs, asked, scored),
            context: self.settings.log_full.then(|| context_fields(inputs.task)),
            rewards: scored.evaluation.totals.clone(),
            models: scored.evaluation.models.clone(),
            responses: scored.responses.clone(),
            pass: Some(PassFields {
                forward_time: self.started.elapsed().as_secs_f64(),
                turn: inputs.conversation.turn(),
            }),
        }
    }

    async fn log(&self, event: Event, kind: &'static str) {
        let body = serde_json::to_value(&event).unwrap_or_default();
        let logged = self.links.event_log.ask_again(LogEvent { kind, body }, PROMPTLY).await;
        match logged {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(%error, "event not logged"),
            Err(error) => warn!(%error, "event not logged"),
        }
    }
}
