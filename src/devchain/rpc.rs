//! JSON-RPC 2.0 as text: parses what a client sent and writes the answers.
//!
//! Any bytes become requests or one of the specification's error objects. [`methods`] lists the
//! methods; the socket and the subscriptions belong to the shell.

pub mod methods;
mod params;
mod payment;
mod served;

use serde_json::{Map, Value, json};

use super::node::NodeError;

pub use params::{hex, number_of};
pub use served::Served;

/// Most requests in one batch.
const MAX_BATCH: usize = 1000;

/// Error code: the bytes are not JSON.
pub const PARSE_ERROR: i64 = -32700;
/// Error code: the JSON is not a request.
pub const INVALID_REQUEST: i64 = -32600;
/// Error code: there is no method with this name.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// Error code: the method does not accept these parameters.
pub const INVALID_PARAMS: i64 = -32602;
/// Error code: the node failed.
pub const INTERNAL_ERROR: i64 = -32603;
/// Error code of substrate's server: the batch has more than [`MAX_BATCH`] requests.
const BATCH_TOO_LARGE: i64 = -32010;

/// The error object of a JSON-RPC answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcError {
    /// Error code of JSON-RPC or of substrate.
    pub code: i64,
    /// One line on what went wrong.
    pub message: String,
    /// Details, if there are any.
    pub data: Option<String>,
}

impl From<NodeError> for RpcError {
    fn from(error: NodeError) -> Self {
        Self { code: error.code, message: error.message, data: error.data }
    }
}

impl RpcError {
    /// An error without `data`.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// An error for parameters that the method does not accept; `message` says why.
    pub fn invalid_params(message: impl Into<String>) -> Self {
        Self { data: Some(message.into()), ..Self::new(INVALID_PARAMS, "Invalid params") }
    }

    /// An error for a method that does not exist.
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

/// A method's answer: the result or an error object.
pub type Answer = Result<Value, RpcError>;

/// The parameters of a request, in one of the two forms of JSON-RPC.
#[derive(Debug, Clone, PartialEq)]
pub enum Params {
    /// A list of values, by position.
    Places(Vec<Value>),
    /// An object of values, by name.
    Names(Map<String, Value>),
}

impl Params {
    /// The parameter at position `place`, or called `name`; `None` if it is absent or null.
    pub fn get(&self, place: usize, name: &str) -> Option<&Value> {
        let value = match self {
            Self::Places(values) => values.get(place),
            Self::Names(values) => values.get(name),
        };
        value.filter(|value| !value.is_null())
    }
}

/// One request. A request without an id is a notification and gets no answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The id that the answer repeats; `None` for a notification.
    pub id: Option<Value>,
    /// Name of the method.
    pub method: String,
    /// Parameters of the method.
    pub params: Params,
}

/// A message that is not a valid request, and the id to answer under.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejected {
    id: Value,
    error: RpcError,
}

impl Rejected {
    /// The JSON-RPC object that reports the error.
    pub fn response(self) -> Value {
        response(&self.id, Err(self.error))
    }
}

/// A request, or the reason why it is invalid.
pub type Parsed = Result<Request, Box<Rejected>>;

/// The content of one message from a client.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// One request, which is answered with one object.
    Single(Parsed),
    /// Several requests, which are answered with an array.
    Batch(Vec<Parsed>),
}

/// Parses a message. Never fails: an invalid request becomes a rejection to send back.
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

/// The object that answers the request with this id.
pub fn response(id: &Value, answer: Answer) -> Value {
    match answer {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(error) => json!({ "jsonrpc": "2.0", "id": id, "error": error.to_json() }),
    }
}

/// The object that sends a new value to a subscription.
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
