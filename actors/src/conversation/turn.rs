//! One turn: asks the miners, generates the reference meanwhile, scores, records.
//!
//! A turn waits only for the miners' deadline and for the model; all other work overlaps with them.
//! Answers are embedded as they arrive, so that little is left to do when the slowest miner's time
//! is up.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use metrics::{counter, histogram};
use rand::rngs::StdRng;
use sn1::chain::{Metagraph, Uid};
use sn1::llm::request::ChatMessage;
use sn1::llm::tokenizer::Tokenizer;
use sn1::store::{ResponseRecord, TurnRecord};
use sn1::telemetry;
use sn1::validation::conversation::Conversation;
use sn1::validation::responses::{Chunk, Finished, ResponseEvent, StreamEnd, StreamResult};
use sn1::validation::rewards::{Batch, Embeddings, Evaluation, TaskRewards};
use sn1::validation::tasks::{Draft, PreparedTask};
use sn1::validation::uids::{Eligibility, Neuron, sample};
use sn1::wallet::AccountId;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::given_up::{Stage, TurnError, at};
use super::settings::{AgentLinks, AgentSettings};
use crate::away::Moment;
use crate::clock::{today, unix_seconds};
use crate::feeds::ScoresSnapshot;
use crate::messages::inference::{Generate, embed_texts, generate_text};
use crate::messages::miners::{Answer, AskMiners, Target};
use crate::messages::scores::RecordTurn;

/// The deadline of messages that are answered from memory.
const PROMPTLY: Duration = Duration::from_secs(5);
/// The deadline of an embedding: longer than any batch takes.
const EMBED_WITHIN: Duration = Duration::from_secs(30);
/// The deadline of recording: long enough for the scoreboard to restart and be asked again.
const RECORD_WITHIN: Duration = Duration::from_secs(20);

/// A turn after it was scored and recorded.
pub(super) struct ScoredTurn {
    pub(super) uids: Vec<u16>,
    pub(super) responses: ResponseEvent,
    pub(super) evaluation: Evaluation,
    pub(super) reference: String,
    pub(super) reference_seconds: f64,
    pub(super) seconds: f64,
    pub(super) block: u64,
    pub(super) scores: Arc<ScoresSnapshot>,
}

impl ScoredTurn {
    pub(super) fn best(&self) -> &str {
        self.responses.completions.get(self.evaluation.best).map_or("", String::as_str)
    }
}

/// What a turn works with.
pub(super) struct TurnInputs<'a> {
    pub(super) links: &'a AgentLinks,
    pub(super) settings: &'a AgentSettings,
    pub(super) task: &'a PreparedTask,
    pub(super) conversation: &'a Conversation,
    pub(super) step: u64,
}

/// The reference answer, how many seconds it took, and when it was ready.
struct Referenced {
    text: String,
    seconds: f64,
    ready: Instant,
    embedding: Option<Vec<f32>>,
}

/// The miners' answers with their embeddings, in the order in which they were asked.
struct Answered {
    answers: Vec<Answer>,
    embeddings: Vec<Option<Vec<f32>>>,
}

impl TurnInputs<'_> {
    /// Runs the turn to its end.
    pub(super) async fn run(&self, rng: &mut StdRng) -> Result<ScoredTurn, TurnError> {
        let started = Instant::now();
        let definition = self.task.definition();
        let rewards = definition.task_rewards(&self.settings.rewards).map_err(at(Stage::Reward))?;
        let metagraph = self.links.metagraph.borrow().clone();
        let metagraph = metagraph.ok_or("no metagraph yet").map_err(at(Stage::Query))?;
        let targets = self.targets(&metagraph, rng)?;
        let n_targets = targets.len();
        let receiver = self.ask(targets).await?;
        let needs_embeddings = rewards.needs_embeddings();
        let (answered, referenced) = tokio::join!(
            self.collect(receiver, n_targets, needs_embeddings),
            self.reference(needs_embeddings)
        );
        let (answered, referenced) = (answered?, referenced?);
        let allowed = allowed_until(&answered, &referenced, started + self.settings.timeout);
        let scored = self.score(rewards, answered, referenced, &metagraph).await?;
        let overhead = allowed.elapsed();
        self.record(scored, &metagraph, started.elapsed(), overhead).await
    }

    fn targets(&self, metagraph: &Metagraph, rng: &mut StdRng) -> Result<Vec<Target>, TurnError> {
        let candidates = candidates(self.settings, metagraph).map_err(at(Stage::Query))?;
        let uids = sample(&candidates, self.settings.sample_size, rng).map_err(at(Stage::Query))?;
        let neurons = uids.into_iter().filter_map(|uid| metagraph.neuron(Uid(uid)));
        Ok(neurons
            .map(|neuron| Target { uid: neuron.uid, hotkey: neuron.hotkey, axon: neuron.axon })
            .collect())
    }

    async fn ask(&self, targets: Vec<Target>) -> Result<mpsc::Receiver<Answer>, TurnError> {
        let roles = self.conversation.roles().iter();
        let ask = AskMiners {
            targets,
            roles: roles.map(|role| role.as_str().to_owned()).collect(),
            messages: self.conversation.messages().to_vec(),
            timeout: self.settings.timeout,
            progress: None,
        };
        self.links.dendrite.ask(ask, PROMPTLY).await.map_err(at(Stage::Query))
    }

    /// Collects the answers as they arrive, and has each one embedded at once. Nobody is judged by a
    /// turn during which this process was away.
    async fn collect(
        &self,
        mut receiver: mpsc::Receiver<Answer>,
        n_targets: usize,
        needs_embeddings: bool,
    ) -> Result<Answered, TurnError> {
        let asked = Moment::now();
        let mut answers: Vec<Answer> = Vec::with_capacity(n_targets);
        let mut embedded: Vec<(Uid, Vec<f32>)> = Vec::with_capacity(n_targets);
        let mut embedding = FuturesUnordered::new();
        let away = loop {
            tokio::select! {
                answer = receiver.recv() => {
                    let Some(answer) = answer else { break asked.absence() };
                    let text = answer.outcome.completion.clone();
                    if needs_embeddings && !text.is_empty() {
                        let uid = answer.target.uid;
                        embedding.push(async move { (uid, self.embed(text).await) });
                    }
                    answers.push(answer);
                }
                Some((uid, outcome)) = embedding.next() => embedded.push((uid, outcome?)),
            }
        };
        if !away.is_zero() {
            // What came in pieces was then read as one, and whoever was cut off is not known.
            let reason = format!("this process was away for {away:.1?} while miners answered");
            return Err(TurnError { stage: Stage::Query, reason: reason.into() });
        }
        while let Some((uid, outcome)) = embedding.next().await {
            embedded.push((uid, outcome?));
        }
        if answers.len() != n_targets {
            return Err(at(Stage::Query)("the dendrite died before all miners had answered"));
        }
        answers.sort_unstable_by_key(|answer| answer.target.uid);
        let embedding_of =
            |uid| embedded.iter().find(|(of, _)| *of == uid).map(|(_, vector)| vector.clone());
        let embeddings = answers.iter().map(|answer| embedding_of(answer.target.uid)).collect();
        Ok(Answered { answers, embeddings })
    }

    async fn embed(&self, text: String) -> Result<Vec<f32>, TurnError> {
        let vectors = embed_texts(&self.links.encoder, vec![text], EMBED_WITHIN)
            .await
            .map_err(at(Stage::Reward))?;
        vectors.into_iter().next().ok_or("the encoder gave no vector").map_err(at(Stage::Reward))
    }

    async fn reference(&self, needs_embedding: bool) -> Result<Referenced, TurnError> {
        let started = Instant::now();
        let text = match self.task.reference(&today()) {
            Draft::Ready(text) => text,
            Draft::Prompt(messages) => self.generate(messages).await?,
        };
        let embedding = match needs_embedding {
            true => Some(self.embed(text.clone()).await?),
            false => None,
        };
        let ready = Instant::now();
        Ok(Referenced { text, seconds: (ready - started).as_secs_f64(), ready, embedding })
    }

    async fn generate(&self, messages: Vec<ChatMessage>) -> Result<String, TurnError> {
        let request = Generate { messages, settings: self.settings.reference.clone() };
        let written = generate_text(&self.links.pool, request, self.settings.generate_within).await;
        Ok(self.task.reference_from(&written.map_err(at(Stage::Reward))?))
    }

    async fn score(
        &self,
        rewards: TaskRewards,
        answered: Answered,
        referenced: Referenced,
        metagraph: &Metagraph,
    ) -> Result<ScoredTurn, TurnError> {
        let Answered { answers, embeddings } = answered;
        let uids: Vec<u16> = answers.iter().map(|answer| answer.target.uid.0).collect();
        let results =
            answers.into_iter().map(|answer| stream_result(answer, &self.links.tokenizer));
        let responses = ResponseEvent::new(results.collect(), self.settings.timeout.as_secs_f64());
        let embeddings = match referenced.embedding {
            Some(reference) => Some(self.embeddings(reference, &responses, embeddings).await?),
            None => None,
        };
        let clock = Instant::now();
        let batch = Batch {
            reference: &referenced.text,
            challenge: self.conversation.challenge(),
            completions: &responses.completions,
            tokens_per_chunk: &responses.all_tokens_per_chunk,
            embeddings: embeddings.as_ref(),
        };
        let evaluation = rewards
            .evaluate(&batch, &mut || clock.elapsed().as_secs_f64())
            .map_err(at(Stage::Reward))?;
        Ok(ScoredTurn {
            uids,
            responses,
            evaluation,
            reference: referenced.text,
            reference_seconds: referenced.seconds,
            seconds: 0.0,
            block: metagraph.head.number,
            scores: Arc::default(),
        })
    }

    /// The embeddings that rewards compare. A completion that counts as empty gets the empty
    /// text's.
    async fn embeddings(
        &self,
        reference: Vec<f32>,
        responses: &ResponseEvent,
        embeddings: Vec<Option<Vec<f32>>>,
    ) -> Result<Embeddings, TurnError> {
        let empty =
            self.links.empty_embedding.get_or_try_init(|| self.embed(String::new())).await?;
        let texts = responses.completions.iter().zip(embeddings);
        let completions = texts.map(|(text, vector)| {
            vector.filter(|_| !text.is_empty()).unwrap_or_else(|| empty.clone())
        });
        Ok(Embeddings { reference, empty: empty.clone(), completions: completions.collect() })
    }

    async fn record(
        &self,
        mut scored: ScoredTurn,
        metagraph: &Metagraph,
        seconds: Duration,
        overhead: Duration,
    ) -> Result<ScoredTurn, TurnError> {
        scored.seconds = seconds.as_secs_f64();
        let turn = Arc::new(self.turn_record(&scored, metagraph, overhead));
        let recorded = self.links.turns.ask_again(RecordTurn(turn), RECORD_WITHIN).await;
        scored.scores = recorded.map_err(at(Stage::Record))?.map_err(at(Stage::Record))?;
        let task = self.task.definition().name;
        counter!(telemetry::CONVERSATION_TURNS.name, "task" => task).increment(1);
        histogram!(telemetry::CONVERSATION_TURN_SECONDS.name).record(scored.seconds);
        histogram!(telemetry::CONVERSATION_OVERHEAD_SECONDS.name).record(overhead.as_secs_f64());
        for reward in &scored.evaluation.totals {
            histogram!(telemetry::CONVERSATION_REWARD.name, "task" => task)
                .record(f64::from(*reward));
        }
        Ok(scored)
    }

    fn turn_record(
        &self,
        scored: &ScoredTurn,
        metagraph: &Metagraph,
        overhead: Duration,
    ) -> TurnRecord {
        let answers = scored.uids.iter().zip(&scored.evaluation.totals);
        let facts = scored.responses.status_codes.iter().zip(&scored.responses.timings);
        let responses = answers.zip(facts).filter_map(|((uid, reward), (status, seconds))| {
            let hotkey = metagraph.neuron(Uid(*uid))?.hotkey;
            Some(ResponseRecord {
                uid: Uid(*uid),
                hotkey,
                status: *status,
                reward: *reward,
                seconds: *seconds,
            })
        });
        TurnRecord {
            id: uuid::Uuid::new_v4().to_string(),
            step: self.step,
            turn: u32::from(self.conversation.turn()),
            task: self.task.definition().name.to_owned(),
            block: metagraph.head.number,
            seconds: scored.seconds,
            overhead_seconds: overhead.as_secs_f64(),
            recorded_unix: unix_seconds(),
            responses: responses.collect(),
        }
    }
}

/// The uids that may be asked, in ascending order.
///
/// # Errors
/// When our own hotkey is not registered.
pub(super) fn candidates(
    settings: &AgentSettings,
    metagraph: &Metagraph,
) -> Result<Vec<u16>, &'static str> {
    let own = metagraph.neuron_of(&settings.hotkey).ok_or("our hotkey is not registered")?;
    let eligibility = Eligibility {
        own_uid: own.uid.0,
        vpermit_tao_limit: settings.vpermit_tao_limit,
        unique_coldkeys: settings.query_unique_coldkeys,
        unique_ips: settings.query_unique_ips,
        exclude: &[],
    };
    let neurons: Vec<Neuron<AccountId, Option<IpAddr>>> =
        metagraph.neurons.iter().map(eligible_form).collect();
    Ok(eligibility.candidates(&neurons))
}

/// When the slowest part that a turn may wait for was over: the model, or the last answer, which
/// counts until the miners' deadline at most.
fn allowed_until(answered: &Answered, referenced: &Referenced, deadline: Instant) -> Instant {
    let last_answer = answered.answers.iter().map(|answer| answer.ended).max();
    let last_answer = last_answer.map_or(referenced.ready, |ended| ended.min(deadline));
    last_answer.max(referenced.ready)
}

fn eligible_form(neuron: &sn1::chain::Neuron) -> Neuron<AccountId, Option<IpAddr>> {
    Neuron {
        is_serving: neuron.axon.is_serving(),
        validator_permit: neuron.validator_permit,
        stake: neuron.stake as f64 / 1e9,
        coldkey: neuron.coldkey,
        ip: neuron.axon.address(),
    }
}

fn stream_result(answer: Answer, tokenizer: &Tokenizer) -> StreamResult {
    let count = |text: &str| u32::try_from(tokenizer.count_tokens(text)).unwrap_or(u32::MAX);
    let chunks = answer.chunks.into_iter().map(|(text, seconds)| {
        let tokens = count(&text);
        Chunk { text, seconds, tokens }
    });
    let outcome = answer.outcome;
    // A stream that broke off or was not UTF-8 counts as failed; a timeout keeps what came in time.
    let is_kept = matches!(outcome.status_code, Some(200 | 408));
    let completion = if is_kept { outcome.completion } else { String::new() };
    StreamResult {
        uid: answer.target.uid.0,
        chunks: chunks.collect(),
        end: StreamEnd::Finished(Finished {
            completion,
            status_code: outcome.status_code,
            status_message: outcome.status_message,
            process_time: outcome.process_time,
            http_status: answer.http_status,
        }),
    }
}
