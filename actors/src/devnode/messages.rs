//! The messages of connections to the actor that owns the chain.

use std::sync::Arc;

use actix::Message;
use sn1::chain::Hash;
use sn1::devchain::rpc::{Answer, Params, RpcError};

use super::served::Submitted;

/// Calls a method that is not a subscription.
#[derive(Debug, Message)]
#[rtype(result = "Answer")]
pub(super) struct Ask {
    pub(super) method: String,
    pub(super) params: Params,
}

/// Submits a transaction to be watched. It is in the pool when this is answered.
#[derive(Debug, Message)]
#[rtype(result = "Result<Submitted, RpcError>")]
pub(super) struct Watched {
    pub(super) extrinsic: Vec<u8>,
}

/// The hash of the newest block, and the values of some storage keys at it.
pub(super) type Values = (Hash, Vec<Option<Vec<u8>>>);

/// Reads storage at the newest block.
#[derive(Debug, Message)]
#[rtype(result = "Result<Values, RpcError>")]
pub(super) struct ReadValues {
    pub(super) keys: Arc<Vec<Vec<u8>>>,
}
