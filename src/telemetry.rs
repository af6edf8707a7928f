//! Every metric the node records: its name, unit and meaning, in one place.
//!
//! Names are `sn1_<subsystem>_<what>_<unit>` in base units; counters end in `_total`. Labels are
//! closed sets (actor names of the tree, tasks, rewards, statuses, outcomes), never a hotkey or an
//! address; `uid` is a label only for the subnet's own uids. Call sites use these constants, so a
//! dashboard can be checked against [`ALL`].

/// How a metric is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only rises.
    Counter,
    /// A level.
    Gauge,
    /// A distribution over fixed buckets.
    Histogram,
}

/// One metric's declaration.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// The series' name.
    pub name: &'static str,
    /// How it is recorded.
    pub kind: Kind,
    /// What it means.
    pub help: &'static str,
    /// Upper bounds of a histogram's buckets, in its unit; empty otherwise.
    pub buckets: &'static [f64],
}

impl Metric {
    const fn counter(name: &'static str, help: &'static str) -> Self {
        Self { name, kind: Kind::Counter, help, buckets: &[] }
    }

    const fn gauge(name: &'static str, help: &'static str) -> Self {
        Self { name, kind: Kind::Gauge, help, buckets: &[] }
    }

    const fn histogram(name: &'static str, help: &'static str, buckets: &'static [f64]) -> Self {
        Self { name, kind: Kind::Histogram, help, buckets }
    }
}

/// From a quick mailbox turn to a handler that blocks its thread.
const HANDLING: &[f64] = &[0.000_1, 0.001, 0.01, 0.1, 1.0, 10.0];
/// From one network round trip to the longest deadline in use.
const ANSWERS: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0];
/// From a fast local chain to a slow finality.
const FINALITY: &[f64] = &[0.25, 1.0, 4.0, 12.0, 24.0, 36.0, 48.0, 96.0, 384.0];
/// A turn must add little to its slowest allowed part.
const OVERHEAD: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
/// Rewards lie in 0..1.
const SHARES: &[f64] = &[0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];

macro_rules! metrics {
    ($($(#[$doc:meta])* $constant:ident = $metric:expr;)*) => {
        $($(#[$doc])* pub const $constant: Metric = $metric;)*
        /// All of them.
        pub const ALL: &[Metric] = &[$($constant),*];
    };
}

metrics! {
    /// Labels: `actor`.
    ACTOR_MESSAGES = Metric::counter("sn1_actor_messages_total", "Messages handled, by actor");
    /// Labels: `actor`.
    ACTOR_HANDLING_SECONDS = Metric::histogram("sn1_actor_handling_seconds", "Time a handler held its actor's thread", HANDLING);
    /// Labels: `actor`.
    ACTOR_MAILBOX_DEPTH = Metric::gauge("sn1_actor_mailbox_depth", "Messages waiting in the mailbox");
    /// Labels: `actor`, `kind` (`panic`, `error`, `stall`).
    ACTOR_RESTARTS = Metric::counter("sn1_actor_restarts_total", "Ends by a fault, by actor and kind of fault");
    /// Labels: `actor`.
    ACTOR_UP = Metric::gauge("sn1_actor_up", "1 while an incarnation of the actor runs");
    /// Labels: `task`, `outcome` (`ok`, `cancelled`, `panic`).
    TASKS_ENDED = Metric::counter("sn1_task_ended_total", "Named background tasks by outcome");
    /// No labels.
    CHAIN_BLOCK = Metric::gauge("sn1_chain_block_number", "Newest block seen");
    /// No labels.
    CHAIN_ERRORS = Metric::counter("sn1_chain_errors_total", "Calls the chain did not answer");
    /// No labels.
    CHAIN_FINAL_BLOCK = Metric::gauge("sn1_chain_final_block_number", "Newest final block seen");
    /// No labels.
    CHAIN_HEAD_AGE_SECONDS = Metric::gauge("sn1_chain_head_age_seconds", "Time since the newest block was first seen");
    /// No labels.
    CHAIN_CONNECTED = Metric::gauge("sn1_chain_connected", "1 while a node of the chain is followed");
    /// No labels.
    CHAIN_ENDPOINT = Metric::gauge("sn1_chain_endpoint_index", "Place in the list of nodes, from 0, of the one that is followed");
    /// No labels.
    CHAIN_CONNECTIONS_LOST = Metric::counter("sn1_chain_connections_lost_total", "Nodes that could not be followed any longer, or not at all");
    /// No labels.
    CHAIN_SPEC_VERSION = Metric::gauge("sn1_chain_spec_version", "Spec version of the runtime in force");
    /// No labels.
    METAGRAPH_BLOCK = Metric::gauge("sn1_metagraph_block_number", "Block of the published metagraph");
    /// No labels.
    METAGRAPH_NEURONS = Metric::gauge("sn1_metagraph_neurons", "Neurons in the published metagraph");
    /// No labels.
    METAGRAPH_AGE_SECONDS = Metric::gauge("sn1_metagraph_age_seconds", "Time since the published metagraph was read");
    /// No labels.
    METAGRAPH_STAGE = Metric::gauge("sn1_metagraph_stage", "What the metagraph is good for: 0 fresh, 1 stale, 2 too old to begin anything");
    /// No labels.
    NEURON_REGISTERED = Metric::gauge("sn1_neuron_registered", "1 while our hotkey holds a slot on the subnet");
    /// No labels.
    NEURON_PERMIT = Metric::gauge("sn1_neuron_validator_permit", "1 while our hotkey holds a validator permit");
    /// Labels: `outcome` (`landed`, `replaced`, `refused`, `unresolved`, `lost`).
    WEIGHT_COMMITS = Metric::counter("sn1_weights_commits_total", "Weight settings by outcome, recorded after it is known");
    /// No labels.
    WEIGHT_COMMIT_SECONDS = Metric::histogram("sn1_weights_commit_seconds", "From signing to finality", FINALITY);
    /// Labels: `outcome` (`revealed`, `superseded`, `not_revealed`).
    WEIGHT_REVEALS = Metric::counter("sn1_weights_reveals_total", "Sealed weights by what the chain made of them in their reveal epoch");
    /// Labels: `reason` (`unreachable`, `stopped`, `no_scores`, `refused`, `unsettled`).
    WEIGHT_WINDOWS_MISSED = Metric::counter("sn1_weights_windows_missed_total", "Windows that passed without a weight setting, by what stood in the way last");
    /// Labels: `reason` (`disabled`, `not_registered`, `stake_too_low`, `version_key_stale`,
    /// `no_permit`, `too_few_weights`, `scores_unusable`, `no_reveal_round`, `clock_behind`,
    /// `unsealable`, `refused`, `unsupported`).
    WEIGHTS_STOPPED = Metric::gauge("sn1_weights_stopped", "1 while weights are not set for this reason");
    /// No labels.
    WEIGHTS_BLOCK = Metric::gauge("sn1_weights_last_block_number", "Block in which our weights last landed");
    /// Labels: `outcome` (`stop`, `length`, `cancelled`, `lost`, `refused`).
    INFERENCE_REQUESTS = Metric::counter("sn1_inference_requests_total", "Generation requests by outcome");
    /// No labels.
    INFERENCE_TOKENS = Metric::counter("sn1_inference_tokens_total", "Tokens generated");
    /// No labels.
    INFERENCE_ACTIVE = Metric::gauge("sn1_inference_active_sequences", "Sequences in the worker's batch");
    /// No labels.
    INFERENCE_QUEUED = Metric::gauge("sn1_inference_queued_requests", "Requests waiting for a place in the batch");
    /// No labels.
    INFERENCE_STEP_SECONDS = Metric::histogram("sn1_inference_step_seconds", "One forward pass over the batch", HANDLING);
    /// No labels.
    ENCODER_TEXTS = Metric::counter("sn1_encoder_texts_total", "Texts turned into embeddings");
    /// Labels: `task`.
    CONVERSATION_TURNS = Metric::counter("sn1_conversation_turns_total", "Turns scored, by task");
    /// Labels: `task`, `stage` (`task`, `challenge`, `query`, `reward`, `record`, `follow_up`).
    CONVERSATION_FAILURES = Metric::counter("sn1_conversation_failures_total", "Conversations given up, by the stage that failed");
    /// No labels.
    CONVERSATION_STEPS = Metric::gauge("sn1_conversation_steps", "Conversations held since the state was made");
    /// No labels.
    CONVERSATION_TURN_SECONDS = Metric::histogram("sn1_conversation_turn_seconds", "A turn from the first request to the recorded score", ANSWERS);
    /// No labels.
    CONVERSATION_OVERHEAD_SECONDS = Metric::histogram("sn1_conversation_overhead_seconds", "A turn's time beyond its slowest allowed part (deadline or model)", OVERHEAD);
    /// Labels: `task`.
    CONVERSATION_REWARD = Metric::histogram("sn1_conversation_reward", "Rewards given, 0 to 1", SHARES);
    /// Labels: `status`.
    DENDRITE_RESPONSES = Metric::counter("sn1_dendrite_responses_total", "Miners' answers by status code; `none` without one, `other` for unusual ones");
    /// No labels.
    DENDRITE_OPEN_STREAMS = Metric::gauge("sn1_dendrite_open_streams", "Streams being read from miners");
    /// No labels.
    DENDRITE_RESPONSE_SECONDS = Metric::histogram("sn1_dendrite_response_seconds", "Time of a complete answer", ANSWERS);
    /// Labels: `kind` (`new`, `reused`).
    DENDRITE_CONNECTIONS = Metric::counter("sn1_dendrite_connections_total", "Connections that a request went over, by whether they had served before");
    /// No labels.
    DENDRITE_RETRIES = Metric::counter("sn1_dendrite_retries_total", "Requests signed and sent anew because a reused connection had been closed before the peer could take them");
    /// No labels.
    DENDRITE_REFUSED_ADDRESSES = Metric::counter("sn1_dendrite_refused_addresses_total", "Miners not asked because their address on the chain is no public one");
    /// Labels: `stage` (`connect`, `head`, `idle`, `total`).
    DENDRITE_DEADLINES = Metric::counter("sn1_dendrite_deadlines_total", "Exchanges ended by a deadline, by which one");
    /// Labels: `uid`.
    MINER_SCORE = Metric::gauge("sn1_miner_score", "Moving average of rewards, by uid");
    /// Labels: `uid`.
    MINER_INCENTIVE = Metric::gauge("sn1_miner_incentive_ratio", "Incentive on chain, 0 to 1, by uid");
    /// Labels: `record` (`axon`, `prometheus`), `outcome` (`published`, `refused`, `unanswered`).
    AXON_RECORDS = Metric::counter("sn1_axon_records_total", "Records of where we serve that were sent to the chain, by outcome");
    /// Labels: `actor`, `status`.
    AXON_REQUESTS = Metric::counter("sn1_axon_requests_total", "Requests answered by an axon, by status");
    /// Labels: `actor`, `kind` (of [`crate::synapse::pipeline::RefusalKind::label`]).
    AXON_REFUSALS = Metric::counter("sn1_axon_refusals_total", "Requests that an axon refused, by reason");
    /// Labels: `actor`.
    AXON_CONNECTIONS = Metric::gauge("sn1_axon_connections", "Open connections to an axon");
    /// Labels: `actor`, `reason` (`address_limit`, `address_rate`, `connection_limit`, `evicted`, `head_too_large`,
    /// `slow_head`, `unread_body`, `slow_reader`, `malformed`).
    AXON_CONNECTIONS_CUT = Metric::counter("sn1_axon_connections_cut_total", "Connections that an axon refused or closed for what they did, by reason");
    /// Labels: `actor`.
    AXON_WAITING = Metric::gauge("sn1_axon_waiting", "Verified callers who wait for a stream");
    /// Labels: `actor`.
    AXON_OPEN_STREAMS = Metric::gauge("sn1_axon_open_streams", "Streams being written to validators");
    /// Labels: `actor`, `end` (`complete`, `error`, `deadline`, `caller_gone`, `panic`).
    AXON_STREAMS = Metric::counter("sn1_axon_streams_total", "Streamed answers by how they ended");
    /// No labels.
    EVENTS_WRITTEN = Metric::counter("sn1_events_written_total", "Step events committed to the event history");
    /// No labels.
    NODE_READY = Metric::gauge("sn1_node_ready", "1 while the node does its job, as /readyz says");
    /// No labels.
    NODE_START_SECONDS = Metric::gauge("sn1_node_start_timestamp_seconds", "Unix time at which the node started");
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_prefixed_and_say_their_kind() {
        let mut seen = HashSet::new();
        for metric in ALL {
            assert!(seen.insert(metric.name), "{} is declared twice", metric.name);
            assert!(metric.name.starts_with("sn1_"), "{}", metric.name);
            assert_eq!(
                metric.name.ends_with("_total"),
                metric.kind == Kind::Counter,
                "{}",
                metric.name
            );
            assert_eq!(
                metric.buckets.is_empty(),
                metric.kind != Kind::Histogram,
                "{}",
                metric.name
            );
            assert!(metric.buckets.is_sorted(), "{}", metric.name);
            assert!(!metric.help.is_empty());
        }
    }
}
