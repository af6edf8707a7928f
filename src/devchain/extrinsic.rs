//! What can be asked of the dev chain, and the signature that proves who asks.
//!
//! The signed bytes begin with the genesis hash, so a transaction of one dev chain is worth
//! nothing on another.

use serde::{Deserialize, Serialize};

use crate::chain::{AxonInfo, Hash, Netuid, Refusal, Uid};
use crate::wallet::{AccountId, Keypair, blake2b_256};

/// Keeps the signed bytes apart from anything else these keys sign.
const DOMAIN: &[u8] = b"sn1-devchain-extrinsic-1";

/// A request to the chain. Amounts are in rao.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// Signed by the coldkey: takes a slot for `hotkey` and burns the price.
    BurnedRegister {
        /// The subnet.
        netuid: Netuid,
        /// Who gets the slot.
        hotkey: AccountId,
    },
    /// Signed by the hotkey: publishes where it serves. The record's own block is ignored.
    ServeAxon {
        /// The subnet.
        netuid: Netuid,
        /// The record.
        axon: AxonInfo,
    },
    /// Signed by the hotkey: `values[i]` for `uids[i]`.
    SetWeights {
        /// The subnet.
        netuid: Netuid,
        /// Whom the weights are for.
        uids: Vec<Uid>,
        /// The weights, of any scale.
        values: Vec<u16>,
        /// Version of the scoring.
        version_key: u64,
    },
    /// Signed by a coldkey: moves balance into the hotkey's stake.
    AddStake {
        /// Whose stake grows.
        hotkey: AccountId,
        /// The subnet.
        netuid: Netuid,
        /// How much.
        amount: u64,
    },
    /// Signed by a coldkey: moves balance.
    Transfer {
        /// Who gets it.
        to: AccountId,
        /// How much.
        amount: u64,
    },
}

/// A call with its signer's nonce and signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedExtrinsic {
    /// Who asks.
    pub signer: AccountId,
    /// How many transactions of the signer came before.
    pub nonce: u32,
    /// What is asked.
    pub call: Call,
    /// sr25519 over the genesis hash, the signer, the nonce and the call; `0x` hex in text formats.
    #[serde(with = "signature_text")]
    pub signature: [u8; 64],
}

impl SignedExtrinsic {
    /// Signs `call` for the chain with this genesis.
    pub fn sign(signer: &Keypair, nonce: u32, genesis: Hash, call: Call) -> Self {
        let id = signer.account_id();
        let signature = signer.sign(&signed_bytes(&id, nonce, genesis, &call));
        Self { signer: id, nonce, call, signature }
    }

    /// Checks that the signer signed this for the chain with this genesis.
    ///
    /// # Errors
    /// [`Refusal::BadSignature`].
    pub fn verify(&self, genesis: Hash) -> Result<(), Refusal> {
        let message = signed_bytes(&self.signer, self.nonce, genesis, &self.call);
        self.signer.verify(&message, &self.signature).map_err(|_| Refusal::BadSignature)
    }

    /// Names the transaction: BLAKE2b-256 over everything in it, the signature included.
    pub fn hash(&self) -> Hash {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&self.signer.0);
        bytes.extend_from_slice(&self.nonce.to_le_bytes());
        self.call.encode_to(&mut bytes);
        bytes.extend_from_slice(&self.signature);
        Hash(blake2b_256(&bytes))
    }
}

fn signed_bytes(signer: &AccountId, nonce: u32, genesis: Hash, call: &Call) -> Vec<u8> {
    let mut bytes = DOMAIN.to_vec();
    bytes.extend_from_slice(&genesis.0);
    bytes.extend_from_slice(&signer.0);
    bytes.extend_from_slice(&nonce.to_le_bytes());
    call.encode_to(&mut bytes);
    bytes
}

impl Call {
    /// A tag, then the fields in order, little endian; lists with their length as u32 in front.
    fn encode_to(&self, out: &mut Vec<u8>) {
        match self {
            Self::BurnedRegister { netuid, hotkey } => {
                out.push(0);
                out.extend(netuid.0.to_le_bytes());
                out.extend(hotkey.0);
            }
            Self::ServeAxon { netuid, axon } => {
                out.push(1);
                out.extend(netuid.0.to_le_bytes());
                encode_axon(axon, out);
            }
            Self::SetWeights { netuid, uids, values, version_key } => {
                out.push(2);
                out.extend(netuid.0.to_le_bytes());
                encode_list(uids.iter().map(|uid| uid.0), out);
                encode_list(values.iter().copied(), out);
                out.extend(version_key.to_le_bytes());
            }
            Self::AddStake { hotkey, netuid, amount } => {
                out.push(3);
                out.extend(hotkey.0);
                out.extend(netuid.0.to_le_bytes());
                out.extend(amount.to_le_bytes());
            }
            Self::Transfer { to, amount } => {
                out.push(4);
                out.extend(to.0);
                out.extend(amount.to_le_bytes());
            }
        }
    }
}

fn encode_list(values: impl ExactSizeIterator<Item = u16>, out: &mut Vec<u8>) {
    out.extend((values.len() as u32).to_le_bytes());
    out.extend(values.flat_map(u16::to_le_bytes));
}

fn encode_axon(axon: &AxonInfo, out: &mut Vec<u8>) {
    out.extend(axon.block.to_le_bytes());
    out.extend(axon.version.to_le_bytes());
    out.extend(axon.ip.to_le_bytes());
    out.extend(axon.port.to_le_bytes());
    out.extend([axon.ip_type, axon.protocol, axon.placeholder1, axon.placeholder2]);
}

/// Signatures as `0x` and 128 hex digits.
mod signature_text {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::wallet::parse_signature;

    pub(super) fn serialize<S: Serializer>(
        signature: &[u8; 64],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("0x{}", hex::encode(signature)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<[u8; 64], D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_signature(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GENESIS: Hash = Hash([3; 32]);

    fn calls() -> Vec<Call> {
        let (netuid, hotkey) = (Netuid(1), AccountId([9; 32]));
        let axon = AxonInfo::for_address("203.0.113.9:8091".parse().unwrap(), 1);
        let weights = |uids: &[u16], values: &[u16]| Call::SetWeights {
            netuid,
            uids: uids.iter().copied().map(Uid).collect(),
            values: values.to_vec(),
            version_key: 1,
        };
        vec![
            Call::BurnedRegister { netuid, hotkey },
            Call::ServeAxon { netuid, axon },
            weights(&[1, 2], &[3]),
            weights(&[1], &[2, 3]),
            weights(&[], &[]),
            Call::AddStake { hotkey, netuid, amount: 5 },
            Call::Transfer { to: hotkey, amount: 5 },
        ]
    }

    #[test]
    fn the_signature_covers_every_part() {
        let alice = Keypair::from_seed(&[1; 32]).unwrap();
        let signed = SignedExtrinsic::sign(&alice, 4, GENESIS, calls()[0].clone());
        assert_eq!(signed.verify(GENESIS), Ok(()));
        assert_eq!(signed.verify(Hash([4; 32])), Err(Refusal::BadSignature));
        let mut altered = vec![signed.clone(), signed.clone(), signed.clone()];
        altered[0].nonce = 5;
        altered[1].call = calls()[1].clone();
        altered[2].signer = Keypair::from_seed(&[2; 32]).unwrap().account_id();
        for extrinsic in altered {
            assert_eq!(extrinsic.verify(GENESIS), Err(Refusal::BadSignature));
        }
    }

    #[test]
    fn calls_encode_apart_and_survive_json() {
        let encoded = |call: &Call| {
            let mut bytes = Vec::new();
            call.encode_to(&mut bytes);
            bytes
        };
        let calls = calls();
        for (i, call) in calls.iter().enumerate() {
            let text = serde_json::to_string(call).unwrap();
            assert_eq!(serde_json::from_str::<Call>(&text).unwrap(), *call);
            let twins = calls.iter().filter(|other| encoded(other) == encoded(call));
            assert_eq!(twins.count(), 1, "call {i}");
        }
    }

    #[test]
    fn a_transaction_survives_json_with_its_hash() {
        let alice = Keypair::from_seed(&[1; 32]).unwrap();
        let signed = SignedExtrinsic::sign(&alice, 0, GENESIS, calls()[2].clone());
        let text = serde_json::to_string(&signed).unwrap();
        let read: SignedExtrinsic = serde_json::from_str(&text).unwrap();
        assert_eq!(read, signed);
        assert_eq!(read.hash(), signed.hash());
    }
}
