//! Typed access to the parameters of requests. Numbers may be JSON numbers or hex; bytes are hex
//! with or without `0x`, because the official Python client sends both forms.

use super::{Params, RpcError};
use crate::chain::Hash;
use crate::wallet::AccountId;
use serde_json::Value;

/// Bytes in hex with `0x`, as a node writes them.
pub fn hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn wrong(name: &str, wanted: &str) -> RpcError {
    RpcError::invalid_params(format!("`{name}` must be {wanted}"))
}

fn bytes_of(value: &Value, name: &str) -> Result<Vec<u8>, RpcError> {
    let text = value.as_str().ok_or_else(|| wrong(name, "a hex string"))?;
    let digits = text.strip_prefix("0x").unwrap_or(text);
    hex::decode(digits).map_err(|_| wrong(name, "a hex string"))
}

fn hash_of(value: &Value, name: &str) -> Result<Hash, RpcError> {
    let bytes = bytes_of(value, name)?;
    let bytes = bytes.try_into().map_err(|_| wrong(name, "a hash of 32 bytes"))?;
    Ok(Hash(bytes))
}

/// A JSON number or a hex number. `name` is the parameter's name in the error.
///
/// # Errors
/// [`super::INVALID_PARAMS`] if the value is not a number.
pub fn number_of(value: &Value, name: &str) -> Result<u64, RpcError> {
    let from_text = || {
        let text = value.as_str()?;
        match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        }
    };
    value.as_u64().or_else(from_text).ok_or_else(|| wrong(name, "a number"))
}

impl Params {
    fn needed(&self, place: usize, name: &str) -> Result<&Value, RpcError> {
        self.get(place, name)
            .ok_or_else(|| RpcError::invalid_params(format!("`{name}` is missing")))
    }

    /// The bytes that a parameter gives in hex.
    ///
    /// # Errors
    /// [`super::INVALID_PARAMS`] if the parameter is missing or is not hex.
    pub fn bytes(&self, place: usize, name: &str) -> Result<Vec<u8>, RpcError> {
        bytes_of(self.needed(place, name)?, name)
    }

    /// The hash of a block; `None` if it is absent, which means the best block.
    ///
    /// # Errors
    /// [`super::INVALID_PARAMS`] if the value is not 32 bytes in hex.
    pub fn hash(&self, place: usize, name: &str) -> Result<Option<Hash>, RpcError> {
        self.get(place, name).map(|value| hash_of(value, name)).transpose()
    }

    /// The number that a parameter gives, as a JSON number or in hex.
    ///
    /// # Errors
    /// [`super::INVALID_PARAMS`] if the parameter is missing or is not a number.
    pub fn number(&self, place: usize, name: &str) -> Result<u64, RpcError> {
        number_of(self.needed(place, name)?, name)
    }

    /// The text that a parameter gives.
    ///
    /// # Errors
    /// [`super::INVALID_PARAMS`] if the parameter is missing or is not a string.
    pub fn text(&self, place: usize, name: &str) -> Result<&str, RpcError> {
        self.needed(place, name)?.as_str().ok_or_else(|| wrong(name, "a string"))
    }

    /// The account whose ss58 address a parameter gives.
    ///
    /// # Errors
    /// [`super::INVALID_PARAMS`] if the parameter is missing or is not an address.
    pub fn account(&self, place: usize, name: &str) -> Result<AccountId, RpcError> {
        let text = self.text(place, name)?;
        text.parse().map_err(|_| wrong(name, "an ss58 address of format 42"))
    }

    /// A list of at most `most` storage keys.
    ///
    /// # Errors
    /// [`super::INVALID_PARAMS`] if the list is missing, is too long or holds anything but hex.
    pub fn keys(&self, place: usize, name: &str, most: usize) -> Result<Vec<Vec<u8>>, RpcError> {
        let values = self.needed(place, name)?.as_array();
        let values = values.ok_or_else(|| wrong(name, "a list of storage keys"))?;
        if values.len() > most {
            return Err(wrong(name, &format!("a list of at most {most} storage keys")));
        }
        values.iter().map(|value| bytes_of(value, name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bytes_and_numbers_come_in_every_form_that_clients_send() {
        let params = Params::Places(vec![json!("0x01ff"), json!("01ff"), json!("0x10"), json!(16)]);
        assert_eq!(params.bytes(0, "a").unwrap(), params.bytes(1, "b").unwrap());
        assert_eq!(params.number(2, "c").unwrap(), params.number(3, "d").unwrap());
        assert_eq!(params.hash(4, "e"), Ok(None));
    }

    #[test]
    fn a_wrong_parameter_is_named() {
        let params = Params::Places(vec![json!("0xzz"), json!(-1), json!("0x00"), json!("5Bad")]);
        let errors = [
            params.bytes(0, "key").unwrap_err(),
            params.number(1, "count").unwrap_err(),
            params.hash(2, "at").unwrap_err(),
            params.account(3, "account").unwrap_err(),
            params.text(4, "function").unwrap_err(),
        ];
        for (error, name) in errors.iter().zip(["key", "count", "at", "account", "function"]) {
            assert!(error.data.as_ref().unwrap().contains(name), "{error:?}");
        }
    }
}
