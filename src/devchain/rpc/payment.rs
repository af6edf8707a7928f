//! `payment_queryInfo`: the fee of a transaction. The runtime answers in bytes, the method in JSON,
//! so the answer is decoded with the runtime's own metadata.

use serde_json::{Value as Json, json};

use super::served::Served;
use super::{Answer, INTERNAL_ERROR, Params, RpcError};
use crate::chain::decode::{DecodeError, Runtime, Value, metadata_of_answer};

const API: &str = "TransactionPaymentApi";
const METHOD: &str = "query_info";

impl From<DecodeError> for RpcError {
    fn from(error: DecodeError) -> Self {
        Self { data: Some(error.to_string()), ..Self::new(INTERNAL_ERROR, "Internal error") }
    }
}

pub(super) fn query_info(served: &mut dyn Served, params: &Params) -> Answer {
    let mut arguments = params.bytes(0, "extrinsic")?;
    let at = params.hash(1, "at")?;
    let length = u32::try_from(arguments.len()).unwrap_or(u32::MAX);
    arguments.extend(length.to_le_bytes());
    let answer = served.node().call(&format!("{API}_{METHOD}"), &arguments, at)?;
    // Version 14 does not describe runtime APIs.
    let metadata = served.node().call("Metadata_metadata_at_version", &15_u32.to_le_bytes(), at)?;
    let runtime = Runtime::new(0, &metadata_of_answer(&metadata).unwrap_or_default())?;
    in_json(&runtime.decode_call(API, METHOD, &answer, None)?)
}

fn in_json(info: &Value<'_>) -> Answer {
    let part = |name: &str| info.field("weight").and_then(|weight| weight.field(name));
    let number = |value: Option<&Value<'_>>| match value {
        Some(Value::Uint(number)) => json!(u64::try_from(*number).unwrap_or(u64::MAX)),
        _ => Json::Null,
    };
    let class = match info.field("class") {
        Some(Value::Case(name, _)) => name.to_lowercase(),
        _ => "normal".to_owned(),
    };
    let fee = info.field("partial_fee").map(|fee| fee.number::<u128>("partial_fee"));
    Ok(json!({
        "weight": { "ref_time": number(part("ref_time")), "proof_size": number(part("proof_size")) },
        "class": class,
        "partialFee": fee.transpose()?.unwrap_or_default().to_string(),
    }))
}
