//! What a timelocked commit holds once opened, in the two layouts that the chain reads
//! (docs/spec/chain.md#timelock-payload).

use super::scale::{Reader, ScaleError, write_length, write_u16s};
use crate::chain::{Uid, WeightVector};
use crate::wallet::AccountId;

/// Why opened bytes are no weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// Neither layout fits.
    #[error("cannot read weights: {current} (without a hotkey: {legacy})")]
    Unreadable {
        /// What is wrong with the layout that names the hotkey.
        current: ScaleError,
        /// What is wrong with the older layout.
        legacy: ScaleError,
    },
}

/// Weights as they are sealed: exactly the arguments that the chain will set at the reveal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeightsPayload {
    /// Who commits. The chain drops a commit whose hotkey is not its sender without a word. `None`
    /// is the layout of runtimes before spec 301, which has no such field.
    pub hotkey: Option<AccountId>,
    /// The slots that weights go to.
    pub uids: Vec<Uid>,
    /// One weight for each slot. The chain checks the lengths at the reveal, not before.
    pub values: Vec<u16>,
    /// The version key that the reveal is checked with.
    pub version_key: u64,
}

impl WeightsPayload {
    /// The payload of a vector, in the layout that names the hotkey.
    pub fn new(hotkey: AccountId, weights: &WeightVector, version_key: u64) -> Self {
        let (uids, values) = weights.entries().iter().copied().unzip();
        Self { hotkey: Some(hotkey), uids, values, version_key }
    }

    /// The SCALE encoding.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(48 + 4 * self.uids.len());
        if let Some(hotkey) = &self.hotkey {
            write_length(&mut out, hotkey.0.len());
            out.extend_from_slice(&hotkey.0);
        }
        write_u16s(&mut out, self.uids.iter().map(|uid| uid.0));
        write_u16s(&mut out, self.values.iter().copied());
        out.extend_from_slice(&self.version_key.to_le_bytes());
        out
    }

    /// Reads either layout; the one with the hotkey goes first, as on the chain.
    ///
    /// # Errors
    /// [`PayloadError::Unreadable`] when neither layout takes all bytes and no more.
    pub fn decode(bytes: &[u8]) -> Result<Self, PayloadError> {
        Self::decode_current(bytes).or_else(|current| {
            Self::decode_legacy(bytes)
                .map_err(|legacy| PayloadError::Unreadable { current, legacy })
        })
    }

    fn decode_current(bytes: &[u8]) -> Result<Self, ScaleError> {
        let mut reader = Reader(bytes);
        let length = reader.length("the hotkey")?;
        let hotkey = reader.bytes(length, "the hotkey")?;
        let hotkey = hotkey.try_into().map_err(|_| ScaleError::Hotkey(length))?;
        Self::decode_rest(reader, Some(AccountId(hotkey)))
    }

    fn decode_legacy(bytes: &[u8]) -> Result<Self, ScaleError> {
        Self::decode_rest(Reader(bytes), None)
    }

    fn decode_rest(mut reader: Reader<'_>, hotkey: Option<AccountId>) -> Result<Self, ScaleError> {
        let uids = reader.u16s("the uids")?.into_iter().map(Uid).collect();
        let values = reader.u16s("the values")?;
        let version_key = reader.u64("the version key")?;
        reader.end()?;
        Ok(Self { hotkey, uids, values, version_key })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn payload(hotkey: Option<[u8; 32]>) -> impl Strategy<Value = WeightsPayload> {
        let numbers = || proptest::collection::vec(any::<u16>(), 0..300);
        (numbers(), numbers(), any::<u64>()).prop_map(move |(uids, values, version_key)| {
            let uids = uids.into_iter().map(Uid).collect();
            WeightsPayload { hotkey: hotkey.map(AccountId), uids, values, version_key }
        })
    }

    proptest! {
        #[test]
        fn payloads_come_back(payload in payload(Some([7; 32])), cut in 1usize..60) {
            let bytes = payload.encode();
            prop_assert_eq!(WeightsPayload::decode_current(&bytes), Ok(payload));
            let short = &bytes[..bytes.len() - cut.min(bytes.len())];
            prop_assert!(WeightsPayload::decode_current(short).is_err());
            let long = [&bytes[..], &[0]].concat();
            prop_assert_eq!(WeightsPayload::decode_current(&long), Err(ScaleError::Trailing(1)));
        }

        #[test]
        fn older_payloads_come_back(payload in payload(None)) {
            let bytes = payload.encode();
            prop_assert_eq!(WeightsPayload::decode_legacy(&bytes), Ok(payload));
        }

        #[test]
        fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(payload) = WeightsPayload::decode(&bytes) {
                prop_assert_eq!(payload.encode(), bytes);
            }
        }
    }

    #[test]
    fn a_payload_with_a_bad_hotkey_or_a_huge_length_is_refused() {
        let refused = |bytes: &[u8]| WeightsPayload::decode(bytes).unwrap_err();
        let mut short_key = vec![31 << 2];
        short_key.extend_from_slice(&[1; 31]);
        short_key.extend_from_slice(&[0; 10]);
        let PayloadError::Unreadable { current, .. } = refused(&short_key);
        assert_eq!(current, ScaleError::Hotkey(31));
        let PayloadError::Unreadable { current, legacy } = refused(&[3, 255, 255, 255, 255]);
        assert_eq!(current, ScaleError::Truncated("the hotkey"));
        assert_eq!(legacy, ScaleError::Truncated("the uids"));
    }

    #[test]
    fn a_vector_keeps_its_order() {
        let weights = WeightVector::new(vec![(Uid(9), 5), (Uid(2), 7)]).unwrap();
        let payload = WeightsPayload::new(AccountId([1; 32]), &weights, 4);
        assert_eq!((payload.uids, payload.values), (vec![Uid(2), Uid(9)], vec![7, 5]));
    }
}
