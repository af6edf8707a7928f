//! Single records of the chain: the weights of one slot, and where a hotkey's metrics are.

use super::columns::{Fields, column};
use super::value::Value;
use super::{DecodeError, Item, Read, Runtime};
use crate::chain::{Netuid, PrometheusInfo, PrometheusRecord, StoredWeights, Uid};
use crate::wallet::AccountId;

const PALLET: &str = "SubtensorModule";

impl Runtime {
    /// The question for the weights of `uid`, those of the subnet's first mechanism.
    ///
    /// # Errors
    /// [`DecodeError::Missing`], [`DecodeError::Arguments`].
    pub fn weights(&self, netuid: Netuid, uid: Uid) -> Result<Read, DecodeError> {
        self.storage(PALLET, "Weights", (netuid.0, uid.0))
    }

    /// The weights that are stored; none where there are none.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn decode_weights(&self, stored: Option<&[u8]>) -> Result<StoredWeights, DecodeError> {
        let name = "SubtensorModule.Weights";
        let Some(weights) = self.decode_storage(PALLET, "Weights", stored)? else {
            return Ok(StoredWeights::new());
        };
        column(&weights, name, None, |entry, name| match entry.list(name)? {
            [uid, weight] => Ok((Uid(uid.number(name)?), weight.number(name)?)),
            _ => Err(DecodeError::Shape {
                field: name.to_owned(),
                wanted: "a pair of uid and weight",
                found: "another list",
            }),
        })
    }

    /// The question for where the metrics of `hotkey` are.
    ///
    /// # Errors
    /// [`DecodeError::Missing`], [`DecodeError::Arguments`].
    pub fn prometheus(&self, netuid: Netuid, hotkey: &AccountId) -> Result<Read, DecodeError> {
        self.storage(PALLET, "Prometheus", (netuid.0, hotkey.0))
    }

    /// The record that is stored; `None` where it never was.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn decode_prometheus(
        &self,
        stored: Option<&[u8]>,
    ) -> Result<Option<PrometheusRecord>, DecodeError> {
        let record = self.decode_storage(PALLET, "Prometheus", stored)?;
        let Some(value) = record.as_ref().and_then(Value::some) else { return Ok(None) };
        let fields = Fields { runtime: self, answer: "SubtensorModule.Prometheus", value };
        let info = PrometheusInfo {
            version: fields.number("version")?,
            ip: fields.number("ip")?,
            port: fields.number("port")?,
            ip_type: fields.number("ip_type")?,
        };
        Ok(Some(PrometheusRecord { block: fields.number("block")?, info }))
    }

    /// The question for the next nonce of `account` by the state of a block.
    ///
    /// # Errors
    /// [`DecodeError::Missing`], [`DecodeError::Arguments`].
    pub fn account_nonce(&self, account: &AccountId) -> Result<Read, DecodeError> {
        self.storage("System", "Account", (account.0,))
    }

    /// The nonce that is stored; 0 for an account that never was.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn decode_account_nonce(&self, stored: Option<&[u8]>) -> Result<u32, DecodeError> {
        let Some(account) = self.decode_storage("System", "Account", stored)? else { return Ok(0) };
        let missing = || self.missing(Item::Field("System.Account.nonce".to_owned()));
        account.field("nonce").ok_or_else(missing)?.number("System.Account.nonce")
    }
}
