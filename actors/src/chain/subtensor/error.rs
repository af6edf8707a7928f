//! Why a node, or all of them, gave no usable answer.

use std::fmt;
use std::time::Duration;

use serde_json::Value as Json;
use sn1::chain::decode::DecodeError;
use sn1::chain::transaction::TransactionError;
use sn1::chain::{ChainError, Hash, Refusal};
use subxt::rpcs::Error as RpcError;

use super::Endpoint;

/// Longest reason in characters: what a node sends is not to fill the logs.
const MAX_REASON: usize = 200;

/// Why one node gave no usable answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// No connection.
    #[error("no connection: {reason}")]
    Connect {
        /// Why.
        reason: String,
    },
    /// No answer in time.
    #[error("no answer to {attempted} within {seconds} s")]
    Late {
        /// What was attempted.
        attempted: String,
        /// The deadline.
        seconds: f64,
    },
    /// The connection ended first.
    #[error("the connection ended during {method}: {reason}")]
    Closed {
        /// What was asked.
        method: Box<str>,
        /// Why.
        reason: String,
    },
    /// The node answered with an error.
    #[error("{method} was refused with code {code}: {message}{}", in_brackets(data))]
    Refused {
        /// What was asked.
        method: Box<str>,
        /// The node's code.
        code: i64,
        /// The node's words.
        message: String,
        /// What comes with them; null for nothing.
        data: Json,
    },
    /// The answer is of another form.
    #[error("the answer to {method} makes no sense: {shown}")]
    Garbled {
        /// What was asked.
        method: Box<str>,
        /// What is wrong with it.
        shown: String,
    },
    /// A node of another chain than the first one that answered.
    #[error("it serves another chain: its genesis is {found}, not {wanted}")]
    OtherChain {
        /// The first node's genesis.
        wanted: Hash,
        /// This one's.
        found: Hash,
    },
    /// It lacks a block that the chain has had for a while: it is not in step.
    #[error("it has no block {0}: it is behind")]
    Behind(u64),
    /// The answer cannot be used.
    #[error(transparent)]
    Unusable(#[from] DecodeError),
    /// No transaction can be made for the chain's runtime.
    #[error(transparent)]
    Unsignable(#[from] TransactionError),
}

fn in_brackets(data: &Json) -> String {
    if data.is_null() { String::new() } else { format!(" ({data})") }
}

impl CallError {
    /// What went wrong below subxt's method of that name, or in what it made of the answer.
    pub(super) fn of(method: &str, error: RpcError) -> Self {
        match error {
            RpcError::Client(error) => match error.downcast::<Self>() {
                Ok(error) => *error,
                Err(error) => Self::garbled(method, &*error),
            },
            error => Self::garbled(method, &error),
        }
    }

    /// An answer of another form. The reason quotes it, so it is cut short.
    pub(super) fn garbled(method: &str, reason: &(impl fmt::Display + ?Sized)) -> Self {
        let shown = reason.to_string().chars().take(MAX_REASON).collect();
        Self::Garbled { method: method.into(), shown }
    }

    pub(super) fn late(attempted: String, within: Duration) -> Self {
        Self::Late { attempted, seconds: within.as_secs_f64() }
    }
}

/// A node that failed, and how.
#[derive(Debug, Clone)]
pub struct NodeFailure {
    /// Which node.
    pub endpoint: Endpoint,
    /// How.
    pub error: CallError,
}

/// Why the chain could not be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SubtensorError {
    /// Every node failed.
    #[error(
        "no subtensor node answered while {attempted}: {}. Check this machine's network, or name \
         another node with --subtensor.chain_endpoint",
        listed(failures)
    )]
    Unreachable {
        /// What was attempted.
        attempted: &'static str,
        /// Each attempt, in order.
        failures: Vec<NodeFailure>,
    },
    /// The chain's runtime lacks something, or the subnet is not there: no node can help.
    #[error(transparent)]
    Chain(DecodeError),
    /// The chain's runtime wants something of transactions that is not known.
    #[error(
        "the chain's runtime wants the transaction extension {0}, which this node does not know"
    )]
    Extension(String),
    /// The pool or the runtime said no, or the transaction can land no more. Nothing changed.
    #[error("the chain refused {attempted}: {refusal}")]
    Refused {
        /// What was attempted.
        attempted: &'static str,
        /// The reason.
        #[source]
        refusal: Refusal,
    },
}

impl From<TransactionError> for SubtensorError {
    fn from(error: TransactionError) -> Self {
        match error {
            TransactionError::Runtime(error) => Self::Chain(error),
            TransactionError::UnknownExtension { name, .. } => Self::Extension(name),
            TransactionError::Era(_) => {
                Self::Refused { attempted: "a transaction", refusal: Refusal::Outdated }
            }
        }
    }
}

impl SubtensorError {
    /// As an error of the [`Chain`](sn1::chain::Chain) trait.
    pub(super) fn into_chain_error(self, attempted: &'static str) -> ChainError {
        match self {
            Self::Unreachable { attempted, failures } => {
                ChainError::Unreachable { attempted, reason: listed(&failures) }
            }
            Self::Chain(DecodeError::NoSubnet(netuid)) => ChainError::NoSubnet(netuid),
            Self::Chain(DecodeError::Missing { item, .. }) => ChainError::Missing(item.to_string()),
            Self::Chain(DecodeError::Arguments { item, reason, .. }) => {
                ChainError::Missing(format!("{item} in a form that is known ({reason})"))
            }
            Self::Chain(error) => ChainError::Unreachable { attempted, reason: error.to_string() },
            Self::Extension(name) => {
                ChainError::Missing(format!("transactions without the extension {name}"))
            }
            Self::Refused { attempted, refusal } => ChainError::Refused { attempted, refusal },
        }
    }
}

fn listed(failures: &[NodeFailure]) -> String {
    let each =
        failures.iter().map(|NodeFailure { endpoint, error }| format!("{endpoint}: {error}"));
    each.collect::<Vec<_>>().join("; ")
}
