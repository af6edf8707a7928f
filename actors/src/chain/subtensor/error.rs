//! Why a node, or all of them, gave no usable answer.

use std::fmt;
use std::time::Duration;

use serde_json::Value as Json;
use sn1::chain::decode::DecodeError;
use sn1::chain::rpc::Refused;
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
    /// It is no websocket of a node that is trusted, and will be none however long one waits.
    #[error("no connection: {reason}")]
    Mismatch {
        /// What is there instead, and what to try.
        reason: String,
    },
    /// It answers, and takes no connection now.
    #[error("it takes no new connections for now (HTTP {status})")]
    Busy {
        /// 429 or 503.
        status: u16,
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
    #[error("{}", refused(method, *code, message, data))]
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

fn refused(method: &str, code: i64, message: &str, data: &Json) -> String {
    let data = if data.is_null() { String::new() } else { format!(" ({data})") };
    match Refused::is_unknown_method(code) {
        true => format!("the node has no method {method} (code {code})"),
        false => format!("{method} was refused with code {code}: {message}{data}"),
    }
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

    /// Whether the node limits how often it is asked: it is neither lost nor broken.
    pub fn is_limit(&self) -> bool {
        match self {
            Self::Refused { code, .. } => Refused::is_limit(*code),
            Self::Busy { .. } => true,
            _ => false,
        }
    }

    /// Whether nobody is there, or not yet: the same may work a moment later.
    pub fn is_absence(&self) -> bool {
        self.is_limit() || matches!(self, Self::Connect { .. } | Self::Closed { .. })
    }

    /// Whether time may help; else somebody must change something first.
    pub fn may_pass(&self) -> bool {
        let is_lasting = matches!(self, Self::Mismatch { .. } | Self::OtherChain { .. });
        !is_lasting && !self.is_unknown_method()
    }

    /// Whether the node lacks the method: nothing came of the request, and nothing ever will.
    pub fn is_unknown_method(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if Refused::is_unknown_method(*code))
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
#[derive(Debug, Clone, thiserror::Error)]
#[error("{endpoint}: {error}")]
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
    /// No node has a method that takes transactions. Nothing was sent.
    #[error("{attempted} could not be sent: {}", listed(failures))]
    Unsent {
        /// What was attempted.
        attempted: &'static str,
        /// Each node's answer.
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
    /// Whether some node fails in a way that is worth another attempt.
    pub(super) fn is_worth(&self, is_worth: fn(&CallError) -> bool) -> bool {
        match self {
            Self::Unreachable { failures, .. } => {
                failures.iter().any(|failure| is_worth(&failure.error))
            }
            _ => false,
        }
    }

    /// As an error of the [`Chain`](sn1::chain::Chain) trait.
    pub(crate) fn into_chain_error(self, attempted: &'static str) -> ChainError {
        match self {
            Self::Unreachable { attempted, failures } => {
                ChainError::Unreachable { attempted, reason: listed(&failures) }
            }
            Self::Unsent { attempted, failures } => {
                ChainError::Unsent { attempted, reason: listed(&failures) }
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
    failures.iter().map(NodeFailure::to_string).collect::<Vec<_>>().join("; ")
}
