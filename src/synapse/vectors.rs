//! Replays the captured exchanges of the Python SDKs against this module.

mod http;
mod negative;
mod outcomes;
mod requests;
mod streams;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::headers::{AxonIdentity, Header};
use super::pipeline::{Admitted, Gate, Refusal, RefusalKind, RequestParts, admit, read_prompt};
use super::verify::Verifier;
use super::{Endpoint, pipeline};
use crate::testing::vector_json;
use crate::wallet::Keypair;

/// The two SDKs that the vectors were captured from.
const SDKS: [&str; 2] = ["10.5.0", "7.1.1"];

/// The cases of `<kind>-<sdk>.json`; panics when there are none.
fn cases(kind: &str, sdk: &str) -> Vec<Value> {
    let mut file: Value = vector_json(&format!("protocol/vectors/{kind}-{sdk}.json"));
    let cases = file["vectors"].take();
    let Value::Array(cases) = cases else { panic!("no vectors for {kind} of {sdk}") };
    assert!(!cases.is_empty());
    cases
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no text {key} in {value:.300}"))
}

fn bytes(value: &Value, key: &str) -> Vec<u8> {
    STANDARD.decode(text(value, key)).unwrap()
}

fn nanoseconds(value: &Value) -> u64 {
    value["sent_at_unix_ns"].as_u64().unwrap()
}

/// The axon in all captures.
fn bob() -> AxonIdentity {
    let keypair = Keypair::from_dev_path("//Bob").unwrap();
    AxonIdentity::new(keypair, "aaaaaaaa-0010-41ee-8000-000000000001".into())
}

/// A captured request, in the form in which an HTTP server passes it on.
struct Captured {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Captured {
    fn of(request: &Value) -> Self {
        let headers: Vec<(String, Vec<u8>)> = request["headers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| (pair[0].as_str().unwrap().into(), latin1(pair[1].as_str().unwrap())))
            .collect();
        let chunked = headers.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("transfer-encoding") && value == b"chunked"
        });
        let body = bytes(request, "body_b64");
        Self {
            method: text(request, "method").into(),
            target: text(request, "target").into(),
            body: if chunked { http::unchunk(&body).unwrap() } else { body },
            headers,
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().rfind(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| std::str::from_utf8(value).unwrap())
    }

    fn headers(&self) -> Vec<(&str, &[u8])> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect()
    }

    fn admit(
        &self,
        now_unix_ns: u64,
        gate: &Gate<'_>,
        verifier: &Verifier,
    ) -> Result<Admitted, Refusal> {
        let headers = self.headers();
        let parts = RequestParts {
            method: &self.method,
            target: &self.target,
            headers: &headers,
            peer: "127.0.0.1:36178".parse().unwrap(),
            arrived_unix_ns: now_unix_ns,
        };
        admit(&parts, now_unix_ns, &bob(), gate, verifier)
    }

    /// Reads the body of an admitted request and returns the success headers.
    fn read(&self, admitted: &Admitted, now: u64) -> Result<Vec<Header>, Refusal> {
        let content_type = self.header("content-type");
        let hash = match admitted.endpoint() {
            Endpoint::Prompt => {
                read_prompt(admitted, &self.body, content_type, &bob(), now)?.body_hash
            }
            Endpoint::Ping => {
                pipeline::read_ping(admitted, &self.body, content_type, &bob(), now)?.body_hash
            }
        };
        Ok(admitted.reply_headers(&hash, &bob(), now))
    }
}

fn latin1(value: &str) -> Vec<u8> {
    value.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

fn let_everyone_in(_: &pipeline::Asked) -> Result<(), RefusalKind> {
    Ok(())
}
