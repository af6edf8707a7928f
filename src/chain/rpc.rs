//! What a node sends over its websocket, taken apart: answers by the number of the request, and
//! news of a subscription.

use serde::Deserialize;
use serde_json::Value as Json;

/// An error object of the node.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Refused {
    /// The error's number.
    pub code: i64,
    /// What happened.
    pub message: String,
    /// More about it; null for nothing.
    #[serde(default)]
    pub data: Json,
}

/// What nodes and the providers before them answer when they are asked too often: JSON-RPC
/// gateways, Substrate's own limit of calls, a server that is busy, and HTTP's numbers where they
/// are passed on.
const LIMITS: [i64; 6] = [-32029, -32005, -32999, -32009, 429, 503];
/// "Method not found".
const UNKNOWN_METHOD: i64 = -32601;

impl Refused {
    /// Whether the same request is answered later: the node limits how often it is asked.
    pub fn is_limit(code: i64) -> bool {
        LIMITS.contains(&code)
    }

    /// Whether the node does not have the method at all.
    pub fn is_unknown_method(code: i64) -> bool {
        code == UNKNOWN_METHOD
    }
}

/// What one message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeMessage {
    /// The answer to a request.
    Answer {
        /// The request's number.
        id: u64,
        /// Its result, null where it has none.
        outcome: Result<Json, Refused>,
    },
    /// News that nobody asked for just now.
    News {
        /// Of which subscription, as the node writes its id in JSON.
        subscription: String,
        /// What is new.
        result: Json,
    },
}

/// Why a message says nothing.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// No JSON, or members of other types. The reason quotes the message, so it is cut short.
    #[error("the node sent a message that is not JSON-RPC: {0}")]
    Format(String),
    /// Neither an id nor a method: an error that belongs to no request.
    #[error("the node sent an answer that belongs to no request")]
    Nobody,
}

/// Longest reason in characters: what a node sends is not to fill the logs.
const MAX_REASON: usize = 200;

impl From<serde_json::Error> for MessageError {
    fn from(error: serde_json::Error) -> Self {
        Self::Format(error.to_string().chars().take(MAX_REASON).collect())
    }
}

#[derive(Deserialize)]
struct Members {
    id: Option<u64>,
    #[serde(default)]
    result: Json,
    error: Option<Refused>,
    method: Option<String>,
    #[serde(default)]
    params: News,
}

#[derive(Deserialize, Default)]
struct News {
    #[serde(default)]
    subscription: Json,
    #[serde(default)]
    result: Json,
}

impl NodeMessage {
    /// Takes a message apart, text or binary.
    ///
    /// # Errors
    /// [`MessageError`]: a node that sends this is of no use any more.
    pub fn parse(message: &[u8]) -> Result<Self, MessageError> {
        let Members { id, result, error, method, params } = serde_json::from_slice(message)?;
        match id {
            Some(id) => Ok(Self::Answer { id, outcome: error.map_or(Ok(result), Err) }),
            None if method.is_some() => {
                let News { subscription, result } = params;
                Ok(Self::News { subscription: subscription.to_string(), result })
            }
            None => Err(MessageError::Nobody),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_errors_and_news_are_told_apart() {
        let refused = Refused { code: 1010, message: "m".to_owned(), data: Json::Null };
        let table = [
            (r#"{"id":1,"result":7}"#, NodeMessage::Answer { id: 1, outcome: Ok(json!(7)) }),
            (r#"{"id":1,"result":null}"#, NodeMessage::Answer { id: 1, outcome: Ok(Json::Null) }),
            (
                r#"{"id":2,"error":{"code":1010,"message":"m"}}"#,
                NodeMessage::Answer { id: 2, outcome: Err(refused) },
            ),
            (
                r#"{"method":"n","params":{"subscription":"a","result":[]}}"#,
                NodeMessage::News { subscription: "\"a\"".to_owned(), result: json!([]) },
            ),
        ];
        for (text, message) in table {
            assert_eq!(NodeMessage::parse(text.as_bytes()).unwrap(), message, "{text}");
        }
        for text in ["", "[]", "7", "{}", r#"{"id":-1}"#, r#"{"id":null,"result":1}"#, "\u{0}"] {
            NodeMessage::parse(text.as_bytes()).unwrap_err();
        }
        let long = format!("{:?}", "x".repeat(5_000));
        let error = NodeMessage::parse(long.as_bytes()).unwrap_err().to_string();
        assert!(error.len() < 300, "{error}");
    }
}
