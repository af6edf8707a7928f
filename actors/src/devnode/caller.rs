//! The chain as a connection sees it: one request at a time, each with a deadline.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sn1::devchain::rpc::{Answer, INTERNAL_ERROR, Params, RpcError, methods};
use tokio::sync::broadcast;

use super::host::control;
use super::messages::{Ask, ReadValues, Values, Watched};
use super::served::{News, Submitted};
use super::subscriptions::KINDS;
use super::switchboard::Switchboard;
use crate::supervision::{AskError, Recipient};

/// The deadline of a request: longer than any answer takes, even the making of many blocks.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// What a connection needs of the rest of the node.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) methods: Recipient<Ask>,
    pub(super) submissions: Recipient<Watched>,
    pub(super) storage: Recipient<ReadValues>,
    pub(super) switchboard: Arc<Switchboard>,
    pub(super) news: broadcast::Sender<Arc<News>>,
    /// Whether clients may order misbehaviour.
    pub(super) allows_control: bool,
}

fn gone(error: AskError) -> RpcError {
    RpcError { data: Some(error.to_string()), ..RpcError::new(INTERNAL_ERROR, "Internal error") }
}

impl Caller {
    /// Calls any method that is not a subscription.
    pub(super) async fn ask(&self, method: String, params: Params) -> Answer {
        if method == "rpc_methods" {
            return Ok(self.method_names());
        }
        self.methods.ask(Ask { method, params }, ANSWER_WITHIN).await.map_err(gone)?
    }

    /// Calls a method with no parameter or with one.
    pub(super) async fn get(&self, method: &str, parameter: Option<Value>) -> Answer {
        let params = Params::Places(parameter.into_iter().collect());
        self.ask(method.to_owned(), params).await
    }

    pub(super) async fn watch(&self, extrinsic: Vec<u8>) -> Result<Submitted, RpcError> {
        self.submissions.ask(Watched { extrinsic }, ANSWER_WITHIN).await.map_err(gone)?
    }

    pub(super) async fn values(&self, keys: Arc<Vec<Vec<u8>>>) -> Result<Values, RpcError> {
        self.storage.ask(ReadValues { keys }, ANSWER_WITHIN).await.map_err(gone)?
    }

    fn method_names(&self) -> Value {
        let plain = methods::METHODS.iter().map(|(name, _)| *name);
        let subscriptions = KINDS.iter().flat_map(|kind| [kind.subscribe, kind.unsubscribe]);
        let controls = control::names().filter(|_| self.allows_control);
        let mut names: Vec<_> =
            plain.chain(subscriptions).chain(controls).chain(["rpc_methods"]).collect();
        names.sort_unstable();
        json!({ "methods": names })
    }
}
