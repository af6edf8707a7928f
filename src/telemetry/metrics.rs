//! The declarations of all metrics. A name gives subsystem, quantity and unit. Where the node
//! itself chooses a label's value, the list is closed, and is taken from the core's enum where
//! there is one.

use strum::VariantNames;

use super::Kind::{Counter, Gauge, Histogram};
use super::Unit::{BlockNumber, Count, Flag, Index, Seconds, Share, UnixSeconds};
use super::{Label, Metric};
use crate::chain::weight_cycle::Obstacle;
use crate::chain::{CommitOutcome, RevealOutcome, StopReason};
use crate::synapse::pipeline::RefusalKind;

/// Seconds, from a quick mailbox turn to a handler that blocks its thread.
const HANDLING: &[f64] = &[0.000_1, 0.001, 0.01, 0.1, 1.0, 10.0];
/// Seconds, from one network round trip to the longest deadline in use.
const ANSWERS: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0];
/// Seconds, from a fast local chain to slow finality.
const FINALITY: &[f64] = &[0.25, 1.0, 4.0, 12.0, 24.0, 36.0, 48.0, 96.0, 384.0];
/// Seconds; a turn should add little to its slowest allowed part.
const OVERHEAD: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
/// Tenths of the range of rewards, 0 to 1.
const SHARES: &[f64] = &[0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];

const ACTOR: Label = Label::bounded("actor", "the actors of the tree");
const BACKGROUND_TASK: Label = Label::bounded("task", "the background tasks that the code names");
const HTTP_STATUS: Label = Label::bounded("status", "the HTTP status codes that an axon sends");
const STATUS: Label = Label::bounded("status", "known status codes, `none` and `other`");
const TASK: Label = Label::bounded("task", "the tasks of the registry");
const TASK_OR_ANY: Label = Label::bounded("task", "the tasks of the registry, and `any`");
const UID: Label = Label::bounded("uid", "the uids of the subnet");

/// The name of a label whose values are not declared yet.
struct Name(&'static str);

impl Name {
    const fn of(self, values: &'static [&'static [&'static str]]) -> Label {
        Label::closed(self.0, values)
    }
}

const END: Name = Name("end");
const KIND: Name = Name("kind");
const OUTCOME: Name = Name("outcome");
const REASON: Name = Name("reason");
const RECORD: Name = Name("record");
const STAGE: Name = Name("stage");

macro_rules! metrics {
    ($($constant:ident = $kind:ident($unit:ident $(, $buckets:ident)?), $name:literal,
        [$($label:expr),* $(,)?], $help:literal;)*) => {
        $(
            #[doc = concat!("`", $name, "`: ", $help, ".")]
            pub const $constant: Metric = Metric {
                name: $name,
                kind: $kind,
                unit: $unit,
                labels: &[$($label),*],
                help: $help,
                buckets: metrics!(@buckets $($buckets)?),
            };
        )*
        /// Every metric, in the order of declaration.
        pub const ALL: &[Metric] = &[$($constant),*];
    };
    (@buckets) => { &[] };
    (@buckets $buckets:ident) => { $buckets };
}

metrics! {
    ACTOR_MESSAGES = Counter(Count), "sn1_actor_messages_total", [ACTOR],
        "Messages handled, by actor";
    ACTOR_HANDLING_SECONDS = Histogram(Seconds, HANDLING), "sn1_actor_handling_seconds", [ACTOR],
        "Time a handler held its actor's thread";
    ACTOR_MAILBOX_DEPTH = Gauge(Count), "sn1_actor_mailbox_depth", [ACTOR],
        "Messages waiting in the mailbox";
    ACTOR_RESTARTS = Counter(Count), "sn1_actor_restarts_total", [
        ACTOR,
        KIND.of(&[&["panic", "error", "stall"]]),
    ],
        "Ends by a fault, by actor and kind of fault";
    ACTOR_UP = Gauge(Flag), "sn1_actor_up", [ACTOR],
        "1 while an incarnation of the actor runs";
    TASKS_ENDED = Counter(Count), "sn1_task_ended_total", [
        BACKGROUND_TASK,
        OUTCOME.of(&[&["ok", "cancelled", "panic"]]),
    ],
        "Named background tasks by outcome";
    CHAIN_BLOCK = Gauge(BlockNumber), "sn1_chain_block_number", [],
        "Newest block seen";
    CHAIN_ERRORS = Counter(Count), "sn1_chain_errors_total", [],
        "Calls the chain did not answer";
    CHAIN_FINAL_BLOCK = Gauge(BlockNumber), "sn1_chain_final_block_number", [],
        "Newest final block seen";
    CHAIN_HEAD_AGE_SECONDS = Gauge(Seconds), "sn1_chain_head_age_seconds", [],
        "Time since the newest block was first seen";
    CHAIN_CONNECTED = Gauge(Flag), "sn1_chain_connected", [],
        "1 while a node of the chain is followed";
    CHAIN_ENDPOINT = Gauge(Index), "sn1_chain_endpoint_index", [],
        "Place in the list of nodes, from 0, of the one that is followed";
    CHAIN_CONNECTIONS_LOST = Counter(Count), "sn1_chain_connections_lost_total", [],
        "Nodes that were followed and could not be followed any longer";
    CHAIN_LIMITED = Counter(Count), "sn1_chain_limited_total", [],
        "Requests that a node of the chain put off because there were too many";
    CHAIN_SPEC_VERSION = Gauge(Index), "sn1_chain_spec_version", [],
        "Spec version of the runtime in force";
    METAGRAPH_BLOCK = Gauge(BlockNumber), "sn1_metagraph_block_number", [],
        "Block of the published metagraph";
    METAGRAPH_NEURONS = Gauge(Count), "sn1_metagraph_neurons", [],
        "Neurons in the published metagraph";
    METAGRAPH_AGE_SECONDS = Gauge(Seconds), "sn1_metagraph_age_seconds", [],
        "Time since the published metagraph was read";
    METAGRAPH_STAGE = Gauge(Index), "sn1_metagraph_stage", [],
        "What the metagraph is good for: 0 fresh, 1 stale, 2 too old to begin anything";
    NEURON_REGISTERED = Gauge(Flag), "sn1_neuron_registered", [],
        "1 while our hotkey holds a slot on the subnet";
    NEURON_PERMIT = Gauge(Flag), "sn1_neuron_validator_permit", [],
        "1 while our hotkey holds a validator permit";
    WEIGHT_COMMITS = Counter(Count), "sn1_weights_commits_total", [
        OUTCOME.of(&[CommitOutcome::VARIANTS, &["unresolved"]]),
    ],
        "Weight settings by outcome, recorded after it is known";
    WEIGHT_COMMIT_SECONDS = Histogram(Seconds, FINALITY), "sn1_weights_commit_seconds", [],
        "From signing to finality";
    WEIGHT_REVEALS = Counter(Count), "sn1_weights_reveals_total", [OUTCOME.of(&[RevealOutcome::VARIANTS])],
        "Sealed weights by what the chain made of them in their reveal epoch";
    WEIGHT_WINDOWS_MISSED = Counter(Count), "sn1_weights_windows_missed_total", [
        REASON.of(&[Obstacle::VARIANTS]),
    ],
        "Windows that passed without a weight setting, by what stood in the way last";
    WEIGHTS_STOPPED = Gauge(Flag), "sn1_weights_stopped", [REASON.of(&[StopReason::VARIANTS])],
        "1 while weights are not set for this reason";
    WEIGHTS_BLOCK = Gauge(BlockNumber), "sn1_weights_last_block_number", [],
        "Block in which our weights last landed";
    INFERENCE_REQUESTS = Counter(Count), "sn1_inference_requests_total", [
        OUTCOME.of(&[&["stop", "length", "cancelled", "lost", "refused"]]),
    ],
        "Generation requests by outcome";
    INFERENCE_TOKENS = Counter(Count), "sn1_inference_tokens_total", [],
        "Tokens generated";
    INFERENCE_ACTIVE = Gauge(Count), "sn1_inference_active_sequences", [],
        "Sequences in the worker's batch";
    INFERENCE_QUEUED = Gauge(Count), "sn1_inference_queued_requests", [],
        "Requests waiting for a place in the batch";
    INFERENCE_STEP_SECONDS = Histogram(Seconds, HANDLING), "sn1_inference_step_seconds", [],
        "One forward pass over the batch";
    ENCODER_TEXTS = Counter(Count), "sn1_encoder_texts_total", [],
        "Texts turned into embeddings";
    CONVERSATION_TURNS = Counter(Count), "sn1_conversation_turns_total", [TASK],
        "Turns scored, by task";
    CONVERSATION_FAILURES = Counter(Count), "sn1_conversation_failures_total", [
        TASK_OR_ANY,
        STAGE.of(&[&["task", "challenge", "query", "reward", "record", "follow_up"]]),
    ],
        "Conversations given up, by the stage that failed";
    CONVERSATION_STEPS = Gauge(Count), "sn1_conversation_steps", [],
        "Conversations held since the state was made";
    CONVERSATION_TURN_SECONDS = Histogram(Seconds, ANSWERS), "sn1_conversation_turn_seconds", [],
        "A turn from the first request to the recorded score";
    CONVERSATION_OVERHEAD_SECONDS = Histogram(Seconds, OVERHEAD), "sn1_conversation_overhead_seconds",
        [],
        "A turn's time beyond its slowest allowed part (deadline or model)";
    CONVERSATION_REWARD = Histogram(Share, SHARES), "sn1_conversation_reward", [TASK],
        "Rewards given, 0 to 1";
    DENDRITE_RESPONSES = Counter(Count), "sn1_dendrite_responses_total", [STATUS],
        "Miners' answers by status code; `none` without one, `other` for unusual ones";
    DENDRITE_OPEN_STREAMS = Gauge(Count), "sn1_dendrite_open_streams", [],
        "Streams being read from miners";
    DENDRITE_RESPONSE_SECONDS = Histogram(Seconds, ANSWERS), "sn1_dendrite_response_seconds", [],
        "Time of a complete answer";
    DENDRITE_CONNECTIONS = Counter(Count), "sn1_dendrite_connections_total", [
        KIND.of(&[&["new", "reused"]]),
    ],
        "Connections that a request went over, by whether they had served before";
    DENDRITE_RETRIES = Counter(Count), "sn1_dendrite_retries_total", [],
        "Requests signed and sent anew because a reused connection had been closed before the peer could take them";
    DENDRITE_REFUSED_ADDRESSES = Counter(Count), "sn1_dendrite_refused_addresses_total", [],
        "Miners not asked because their address on the chain is not public";
    DENDRITE_DEADLINES = Counter(Count), "sn1_dendrite_deadlines_total", [
        STAGE.of(&[&["connect", "head", "idle", "total"]]),
    ],
        "Exchanges ended by a deadline, by which one";
    MINER_SCORE = Gauge(Share), "sn1_miner_score", [UID],
        "Moving average of rewards, by uid";
    MINER_INCENTIVE = Gauge(Share), "sn1_miner_incentive_ratio", [UID],
        "Incentive on chain, 0 to 1, by uid";
    AXON_RECORDS = Counter(Count), "sn1_axon_records_total", [
        RECORD.of(&[&["axon", "prometheus"]]),
        OUTCOME.of(&[&["published", "refused", "unanswered"]]),
    ],
        "Records of where we serve that were sent to the chain, by outcome";
    AXON_REQUESTS = Counter(Count), "sn1_axon_requests_total", [ACTOR, HTTP_STATUS],
        "Requests answered by an axon, by status";
    AXON_REFUSALS = Counter(Count), "sn1_axon_refusals_total", [
        ACTOR,
        KIND.of(&[RefusalKind::VARIANTS, &[RefusalKind::HASH_MISMATCH]]),
    ],
        "Requests that an axon refused, by reason";
    AXON_CONNECTIONS = Gauge(Count), "sn1_axon_connections", [ACTOR],
        "Open connections to an axon";
    AXON_CONNECTIONS_OPENED = Counter(Count), "sn1_axon_connections_opened_total", [ACTOR],
        "Connections that came to an axon, whatever became of them";
    AXON_CONNECTIONS_CUT = Counter(Count), "sn1_axon_connections_cut_total", [
        ACTOR,
        REASON.of(&[&[
            "address_limit", "address_rate", "connection_limit", "evicted", "head_too_large",
            "slow_head", "unread_body", "slow_reader", "malformed",
        ]]),
    ],
        "Connections that an axon refused or closed for what they did, by reason";
    AXON_WAITING = Gauge(Count), "sn1_axon_waiting", [ACTOR],
        "Verified callers who wait for a stream";
    AXON_OPEN_STREAMS = Gauge(Count), "sn1_axon_open_streams", [ACTOR],
        "Streams being written to validators";
    AXON_STREAMS = Counter(Count), "sn1_axon_streams_total", [
        ACTOR,
        END.of(&[&["complete", "error", "deadline", "caller_gone", "panic"]]),
    ],
        "Streamed answers by how they ended";
    EVENTS_WRITTEN = Counter(Count), "sn1_events_written_total", [],
        "Step events committed to the event history";
    NODE_READY = Gauge(Flag), "sn1_node_ready", [],
        "1 while the node does its job, as /readyz says";
    NODE_CLOCK_OFFSET = Gauge(Seconds), "sn1_node_clock_offset_seconds", [],
        "By how much this machine's clock is ahead of the chain's and the callers', negative when behind; 0 while nothing says that it is wrong";
    NODE_START_SECONDS = Gauge(UnixSeconds), "sn1_node_start_timestamp_seconds", [],
        "Unix time at which the node started";
}
