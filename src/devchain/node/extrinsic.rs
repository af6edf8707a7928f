//! Signed transactions as sent over the wire: decoded by the metadata, verified by signature.

use parity_scale_codec::{Compact, Decode, Encode};

use super::history::Hashes;
use super::runtime::{Runtime, TRANSACTION_VERSION};
use super::tree::Tree;
use crate::chain::decode::{Value, decode_next};
use crate::chain::{Hash, Refusal};
use crate::wallet::{AccountId, blake2b_256};

/// First byte of a transaction of version 4 with a signature.
const SIGNED_V4: u8 = 0x84;
/// First byte of a transaction of version 4 without a signature.
const BARE_V4: u8 = 0x04;
/// Longer payloads, in bytes, are hashed before they are signed.
const MAX_PLAIN_PAYLOAD: usize = 256;

/// A signed transaction, decoded but not yet verified.
#[derive(Debug)]
pub(super) struct Signed<'m> {
    pub(super) signer: AccountId,
    signature: [u8; 64],
    pub(super) nonce: u32,
    era: Era,
    /// The bytes of the signed extensions, which the signature covers.
    extra: Vec<u8>,
    call_bytes: Vec<u8>,
    /// The `RuntimeCall`: pallet, call and fields.
    pub(super) call: Value<'m>,
    pub(super) length: u32,
}

/// The blocks that may carry a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Era {
    /// Any block.
    Immortal,
    /// `period` blocks, starting at a block whose number is `phase` modulo `period`.
    Mortal { period: u64, phase: u64 },
}

impl Era {
    /// Decodes an era of one or two bytes from the front of `bytes`.
    fn take(bytes: &mut &[u8]) -> Result<Self, String> {
        let (&first, rest) = bytes.split_first().ok_or("no era")?;
        if first == 0 {
            *bytes = rest;
            return Ok(Self::Immortal);
        }
        let (&second, rest) = rest.split_first().ok_or("half an era")?;
        *bytes = rest;
        let encoded = u64::from(u16::from_le_bytes([first, second]));
        let period = 2_u64 << (encoded % 16);
        let phase = (encoded >> 4) * (period >> 12).max(1);
        if period < 4 || phase >= period {
            return Err("an era that is none".to_owned());
        }
        Ok(Self::Mortal { period, phase })
    }

    /// The first block of the era, as seen from block `current`.
    pub(super) fn birth(self, current: u64) -> u64 {
        match self {
            Self::Immortal => 0,
            Self::Mortal { period, phase } => {
                (current.max(phase) - phase) / period * period + phase
            }
        }
    }

    /// The last block of the era, as seen from block `current`.
    pub(super) fn last_block(self, current: u64) -> u64 {
        match self {
            Self::Immortal => u64::MAX,
            Self::Mortal { period, .. } => self.birth(current) + period - 1,
        }
    }
}

/// Decodes a signed transaction of version 4.
///
/// # Errors
/// A sentence if the bytes are anything else.
pub(super) fn read<'m>(bytes: &[u8], runtime: &'m Runtime) -> Result<Signed<'m>, String> {
    let mut rest = bytes;
    let claimed = Compact::<u32>::decode(&mut rest).map_err(|_| "no length")?.0;
    if usize::try_from(claimed) != Ok(rest.len()) {
        return Err(format!("{claimed} bytes are claimed, {} are there", rest.len()));
    }
    let (&version, body) = rest.split_first().ok_or("no version")?;
    if version != SIGNED_V4 {
        return Err(format!("version byte {version:#04x} is no signed transaction of version 4"));
    }
    read_body(body, bytes.len(), runtime)
}

fn read_body<'m>(
    mut rest: &[u8],
    length: usize,
    runtime: &'m Runtime,
) -> Result<Signed<'m>, String> {
    let extrinsic = runtime.extrinsic();
    let signer = signer(&decode_next(&mut rest, extrinsic.address_ty.id, runtime.types())?)?;
    let signature =
        signature(&decode_next(&mut rest, extrinsic.signature_ty.id, runtime.types())?)?;
    let start = rest;
    let (mut nonce, mut era) = (None, Era::Immortal);
    for extension in &extrinsic.signed_extensions {
        match extension.identifier.as_str() {
            "CheckMortality" => era = Era::take(&mut rest)?,
            "CheckNonce" => {
                let value = decode_next(&mut rest, extension.ty.id, runtime.types())?;
                nonce = Some(value.number("nonce").map_err(|error| error.to_string())?);
            }
            _ => {
                decode_next(&mut rest, extension.ty.id, runtime.types())?;
            }
        }
    }
    let extra = start[..start.len() - rest.len()].to_vec();
    let call_bytes = rest.to_vec();
    let call = decode_next(&mut rest, extrinsic.call_ty.id, runtime.types())?;
    if !rest.is_empty() {
        return Err(format!("{} bytes follow the call", rest.len()));
    }
    let nonce = nonce.ok_or("no nonce")?;
    let length = u32::try_from(length).map_err(|_| "too long")?;
    Ok(Signed { signer, signature, nonce, era, extra, call_bytes, call, length })
}

fn signer(address: &Value<'_>) -> Result<AccountId, String> {
    match address {
        Value::Case("Id", account) => account.account("signer").map_err(|error| error.to_string()),
        _ => Err("the signer is no account id".to_owned()),
    }
}

fn signature(signature: &Value<'_>) -> Result<[u8; 64], String> {
    match signature {
        Value::Case("Sr25519", bytes) => match bytes.as_ref() {
            Value::Bytes(bytes) => {
                bytes.as_slice().try_into().map_err(|_| "no signature".to_owned())
            }
            _ => Err("no signature".to_owned()),
        },
        _ => Err("only sr25519 signatures are read".to_owned()),
    }
}

impl Signed<'_> {
    /// Checks era and signature for block `current`, the next one. Returns the last block that may
    /// carry the transaction.
    ///
    /// # Errors
    /// [`Refusal::AncientBirthBlock`] or [`Refusal::BadSignature`].
    pub(super) fn prove(
        &self,
        runtime: &Runtime,
        hashes: &Hashes,
        current: u64,
    ) -> Result<u64, Refusal> {
        let birth = hashes.get(self.era.birth(current)).ok_or(Refusal::AncientBirthBlock)?;
        let payload = self.payload(runtime, hashes.genesis(), birth);
        let payload = payload.map_err(|_| Refusal::BadSignature)?;
        let proven = if payload.len() > MAX_PLAIN_PAYLOAD {
            self.signer.verify_plain(&blake2b_256(&payload), &self.signature)
        } else {
            self.signer.verify_plain(&payload, &self.signature)
        };
        proven.map_err(|_| Refusal::BadSignature)?;
        Ok(self.era.last_block(current))
    }

    /// The signed payload: call, extensions, and what both sides know without sending it.
    fn payload(&self, runtime: &Runtime, genesis: Hash, birth: Hash) -> Result<Vec<u8>, String> {
        let mut payload = [self.call_bytes.as_slice(), &self.extra].concat();
        for extension in &runtime.extrinsic().signed_extensions {
            match extension.identifier.as_str() {
                "CheckSpecVersion" => runtime.spec_version().encode_to(&mut payload),
                "CheckTxVersion" => TRANSACTION_VERSION.encode_to(&mut payload),
                "CheckGenesis" => payload.extend(genesis.0),
                "CheckMortality" => payload.extend(birth.0),
                _ => {
                    let implicit =
                        runtime.encode(&Tree::Default, extension.additional_signed.id)?;
                    payload.extend(implicit);
                }
            }
        }
        Ok(payload)
    }
}

/// The transaction that sets the block's time, which only the author of a block can make.
///
/// # Errors
/// A sentence if the runtime has no such call.
pub(super) fn set_time(runtime: &Runtime, now_ms: u64) -> Result<Vec<u8>, String> {
    let (pallet, call) = runtime.call_index("Timestamp", "set").ok_or("no call Timestamp.set")?;
    let mut body = vec![BARE_V4, pallet, call];
    Compact(now_ms).encode_to(&mut body);
    Ok(body.encode())
}
