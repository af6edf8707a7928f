//! Messages of JSON-RPC, as a websocket hands them on: a node's to the client, and a client's to the
//! dev chain.
//!
//! Input: one byte for the side and the chain's generation, then the message.

use serde_json::{Value, json};
use sn1::chain::rpc::NodeMessage;
use sn1::devchain::node::DevNode;
use sn1::devchain::rpc::{
    INTERNAL_ERROR, Incoming, METHOD_NOT_FOUND, Parsed, Request, RpcError, methods, parse, response,
};

use crate::dev_node::NODES;

const TO_DEV_CHAIN: u8 = 1;
const STATEFUL: u8 = 2;

/// Requests of a batch that are carried out: one costs up to some milliseconds.
const N_CARRIED_OUT: usize = 4;
/// The longest batch that is taken apart.
const MAX_BATCH: usize = 1000;

/// Panics when a message is misread, or an answer is none.
pub fn check(input: &[u8]) {
    let Some((&side, message)) = input.split_first() else { return };
    if side & TO_DEV_CHAIN == 0 {
        check_node_message(message);
    } else {
        let mut node = NODES[usize::from(side & STATEFUL != 0)].node.clone();
        check_requests(&mut node, message);
    }
}

/// What was read says the same when it is written again.
fn check_node_message(bytes: &[u8]) {
    let message = match NodeMessage::parse(bytes) {
        Ok(message) => message,
        Err(error) => {
            let text = error.to_string();
            assert!(text.starts_with("the node ") && text.len() < 1_000, "{text}");
            return;
        }
    };
    let written = match &message {
        NodeMessage::Answer { id, outcome: Ok(result) } => json!({ "id": id, "result": result }),
        NodeMessage::Answer { id, outcome: Err(refused) } => json!({
            "id": id,
            "error": { "code": refused.code, "message": refused.message, "data": refused.data },
        }),
        NodeMessage::News { subscription, result } => {
            let id: Value = serde_json::from_str(subscription).expect("an id is JSON");
            json!({ "method": "x", "params": { "subscription": id, "result": result } })
        }
    };
    let again = NodeMessage::parse(written.to_string().as_bytes());
    assert_eq!(again.expect("it was one"), message);
}

fn check_requests(node: &mut DevNode, message: &[u8]) {
    match parse(message) {
        Incoming::Single(request) => check_request(node, request),
        Incoming::Batch(batch) => {
            assert!((1..=MAX_BATCH).contains(&batch.len()));
            batch.into_iter().take(N_CARRIED_OUT).for_each(|request| check_request(node, request));
        }
    }
}

fn check_request(node: &mut DevNode, request: Parsed) {
    let Request { id, method, params } = match request {
        Ok(request) => request,
        Err(rejected) => return check_response(&rejected.response(), None),
    };
    let answer = match methods::find(&method) {
        Some(method) => method(node, &params),
        None => Err(RpcError::unknown_method()),
    };
    if let Err(error) = &answer {
        assert_ne!(error.code, INTERNAL_ERROR, "a fault of the node: {error:?}");
        assert_eq!(error.code == METHOD_NOT_FOUND, methods::find(&method).is_none());
    }
    if let Some(id) = id {
        check_response(&response(&id, answer), Some(&id));
    }
}

/// One object with the id, and either a result or an error.
fn check_response(response: &Value, id: Option<&Value>) {
    let text = response.to_string();
    assert_eq!(serde_json::from_str::<Value>(&text).ok().as_ref(), Some(response));
    assert_eq!(response["jsonrpc"], "2.0");
    assert!(id.is_none_or(|id| response["id"] == *id));
    let error = response.get("error");
    assert_ne!(response.get("result").is_some(), error.is_some());
    let is_whole = |error: &Value| error["code"].is_i64() && error["message"].is_string();
    assert!(error.is_none_or(is_whole), "{text}");
}
