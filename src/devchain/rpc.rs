//! JSON-RPC 2.0 as text: what a client sent, taken apart, and answers put together.
//!
//! Whatever the bytes are, they end as requests or as an error object of the specification.
//! [`methods`] holds what can be asked; who serves it over a socket, and what clients subscribe to,
//! is the shell's business.

pub mod methods;
mod params;
mod payment;
mod served;

use serde_json::{Map, Value, json};

use super::node::NodeError;

pub use params::{hex, number_of};
pub use served::Served;

/// Requests that one batch may hold.
const MAX_BATCH: usize = 1000;

/// The bytes are no JSON.
pub const PARSE_ERROR: i64 = -32700;
/// JSON, but no request.
pub const INVALID_REQUEST: i64 = -32600;
/// No such method.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// The method takes other parameters.
pub const INVALID_PARAMS: i64 = -32602;
/// A fault of the node.
pub const INTERNAL_ERROR: i64 = -32603;
/// A batch beyond the limit, by the code that substrate's server uses.
const BATCH_TOO_LARGE: i64 = -32010;

/// An error object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcError {
    /// The error's number.
    pub code: i64,
    /// What happened.
    pub message: String,
    /// More about it.
    pub data: Option<String>,
}

impl From<NodeError> for RpcError {
    fn from(error: NodeError) -> Self {
        Self { code: error.code, message: error.message, data: error.data }
    }
}

impl RpcError {
    /// An error without more about it.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// Parameters that the method does not take, and why.
    pub fn invalid_params(message: impl Into<String>) -> Self {
        Self { data: Some(message.into()), ..Self::new(INVALID_PARAMS, "Invalid params") }
    }

    /// No such method.
    pub fn unknown_method() -> Self {
        Self::new(METHOD_NOT_FOUND, "Method not found")
    }

    fn to_json(&self) -> Value {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let Some(data) = &self.data {
            error["data"] = json!(data);
        }
        error
    }
}

/// A method's answer.
pub type Answer = Result<Value, RpcError>;

/// What a request was given: by place, or by name.
#[derive(Debug, Clone, PartialEq)]
pub enum Params {
    /// By place.
    Places(Vec<Value>),
    /// By name.
    Names(Map<String, Value>),
}

impl Params {
    /// The parameter at `place`, or of that name; `None` where it is absent or null.
    pub fn get(&self, place: usize, name: &str) -> Option<&Value> {
        let value = match self {
            Self::Places(values) => values.get(place),
            Self::Names(values) => values.get(name),
        };
        value.filter(|value| !value.is_null())
    }
}

/// One request. Without an id it is a notification, which is never answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What the answer is to name.
    pub id: Option<Value>,
    /// What is asked.
    pub method: String,
    /// Of what.
    pub params: Params,
}

/// A request that cannot be carried out, and to whom to say so.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejected {
    id: Value,
    error: RpcError,
}

impl Rejected {
    /// The object that says so.
    pub fn response(self) -> Value {
        response(&self.id, Err(self.error))
    }
}

/// A request, or why it is none.
pub type Parsed = Result<Request, Box<Rejected>>;

/// What one message of a client holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// Answered with one object.
    Single(Parsed),
    /// Answered with an array.
    Batch(Vec<Parsed>),
}

/// Takes a message apart. Never fails: what is no request is a rejection to be sent.
pub fn parse(bytes: &[u8]) -> Incoming {
    let rejected = |code, message| {
        let error = RpcError::new(code, message);
        Incoming::Single(Err(Box::new(Rejected { id: Value::Null, error })))
    };
    match serde_json::from_slice(bytes) {
        Err(_) => rejected(PARSE_ERROR, "Parse error"),
        Ok(Value::Array(batch)) if batch.is_empty() => rejected(INVALID_REQUEST, "Invalid request"),
        Ok(Value::Array(batch)) if batch.len() > MAX_BATCH => {
            rejected(BATCH_TOO_LARGE, "The batch request was too large")
        }
        Ok(Value::Array(batch)) => Incoming::Batch(batch.into_iter().map(request).collect()),
        Ok(value) => Incoming::Single(request(value)),
    }
}

fn request(value: Value) -> Parsed {
    let invalid =
        |id| Box::new(Rejected { id, error: RpcError::new(INVALID_REQUEST, "Invalid request") });
    let Value::Object(mut object) = value else { return Err(invalid(Value::Null)) };
    let id = object.remove("id");
    let is_id = |id: &Value| id.is_null() || id.is_string() || id.is_number();
    if !id.as_ref().is_none_or(is_id) {
        return Err(invalid(Value::Null));
    }
    let told = || id.clone().unwrap_or(Value::Null);
    let is_version_2 = object.get("jsonrpc").is_some_and(|version| version == "2.0");
    let Some(Value::String(method)) = object.remove("method").filter(|_| is_version_2) else {
        return Err(invalid(told()));
    };
    let params = match object.remove("params") {
        None | Some(Value::Null) => Params::Places(Vec::new()),
        Some(Value::Array(values)) => Params::Places(values),
        Some(Value::Object(values)) => Params::Names(values),
        Some(_) => return Err(invalid(told())),
    };
    Ok(Request { id, method, params })
}

/// The object that answers the request of that id.
pub fn response(id: &Value, answer: Answer) -> Value {
    match answer {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(error) => json!({ "jsonrpc": "2.0", "id": id, "error": error.to_json() }),
    }
}

/// News for a subscription.
pub fn notification(method: &str, subscription: &str, result: &Value) -> Value {
    let params = json!({ "subscription": subscription, "result": result });
    json!({ "jsonrpc": "2.0", "method": method, "params": params })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(text: &str) -> i64 {
        match parse(text.as_bytes()) {
            Incoming::Single(Err(rejected)) => rejected.error.code,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn what_is_no_request_is_refused_by_the_codes_of_the_specification() {
        let table = [
            ("", PARSE_ERROR),
            ("{\"jsonrpc\": \"2.0\", \"method\"", PARSE_ERROR),
            ("\u{0}\u{1}", PARSE_ERROR),
            ("[]", INVALID_REQUEST),
            ("1", INVALID_REQUEST),
            ("{}", INVALID_REQUEST),
            (r#"{"jsonrpc":"1.0","id":1,"method":"a"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":1}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":[1],"method":"a"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":"a","params":"b"}"#, INVALID_REQUEST),
        ];
        for (text, code) in table {
            assert_eq!(code_of(text), code, "{text}");
        }
        assert_eq!(code_of(&"[".repeat(100_000)), PARSE_ERROR);
        assert_eq!(code_of(&format!("[{}1]", "1,".repeat(MAX_BATCH))), BATCH_TOO_LARGE);
    }

    #[test]
    fn ids_of_any_kind_come_back_as_they_were() {
        for id in ["7", "-1", "1.5", "\"x\"", "null"] {
            let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"a"}}"#);
            let Incoming::Single(Ok(request)) = parse(text.as_bytes()) else { panic!("{text}") };
            let reply = response(&request.id.unwrap(), Ok(json!(true))).to_string();
            assert_eq!(reply, format!(r#"{{"jsonrpc":"2.0","id":{id},"result":true}}"#));
        }
        let Incoming::Single(Ok(note)) = parse(br#"{"jsonrpc":"2.0","method":"a"}"#) else {
            panic!("a notification is a request")
        };
        assert_eq!(note.id, None);
    }

    #[test]
    fn a_batch_keeps_its_good_requests_beside_its_bad_ones() {
        let text = br#"[{"jsonrpc":"2.0","id":1,"method":"a","params":{"b":2}}, 3]"#;
        let Incoming::Batch(batch) = parse(text) else { panic!("a batch") };
        assert_eq!(batch[0].as_ref().unwrap().params.get(9, "b"), Some(&json!(2)));
        assert_eq!(batch[1].as_ref().unwrap_err().error.code, INVALID_REQUEST);
    }
}
