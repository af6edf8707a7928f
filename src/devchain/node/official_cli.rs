//! What the last official CLI (9.23.2) asks for and spec 343 lacks: a limit on the price of a
//! registration, locks of stake, announced swaps of coldkeys, weights committed as a hash,
//! hyperparameters by name, the tempo as an owner's call, and the shield. Every generation has them,
//! so that the CLI works with each. Names, shapes and indexes are the runtime's
//! (docs/spec/chain.md#official-cli).
//!
//! Two entries are no runtime's: the CLI reads them before it commits weights.

use frame_metadata::v14::StorageHasher;
use frame_metadata::v15::RuntimeMetadataV15;
use parity_scale_codec::Encode;
use scale_info::TypeDefPrimitive;

use super::editor::Editor;
use super::shield;

/// Blocks in which a lock loses about two thirds of its mass; conviction matures as slowly.
const LOCK_RATE: u64 = 934_866;
/// The entry under which the CLI reads whether weights are committed.
pub(super) const REVEALS: &str = "get_commit_reveal_weights_enabled";
/// The entry under which the CLI reads the epochs from commit to reveal.
pub(super) const REVEAL_PERIOD: &str = "get_commit_reveal_period";

/// The types that the additions are made of.
#[derive(Clone, Copy)]
struct Types {
    account: u32,
    bool: u32,
    u16: u32,
    u64: u32,
}

/// Adds it all to the metadata.
///
/// # Errors
/// A sentence if the recorded metadata lacks what the additions stand on.
pub(super) fn add(metadata: &mut RuntimeMetadataV15) -> Result<(), String> {
    let mut editor = Editor { metadata };
    let types = Types {
        account: editor.named("AccountId32")?,
        bool: editor.primitive(TypeDefPrimitive::Bool)?,
        u16: editor.primitive(TypeDefPrimitive::U16)?,
        u64: editor.primitive(TypeDefPrimitive::U64)?,
    };
    add_calls(&mut editor, types)?;
    add_locks(&mut editor, types)?;
    add_swaps(&mut editor, types)?;
    add_hyperparameters(&mut editor, types)?;
    shield::add(metadata)
}

fn add_calls(editor: &mut Editor<'_>, types: Types) -> Result<(), String> {
    let Types { account, u16, u64, .. } = types;
    let limited = [("netuid", u16), ("hotkey", account), ("limit_price", u64)];
    editor.call(134, "register_limit", &limited)?;
    editor.call(139, "set_tempo", &[("netuid", u16), ("tempo", u16)])?;
    editor.errors(&["RegistrationPriceLimitExceeded", "TempoOutOfBounds"])
}

/// Nothing is locked on this chain: the entries are empty, and the functions say so.
fn add_locks(editor: &mut Editor<'_>, types: Types) -> Result<(), String> {
    use StorageHasher::{Blake2_128Concat as Hashed, Identity as Plain};
    let Types { account, bool, u16, u64 } = types;
    let conviction = editor.named("FixedU128")?;
    let fields = [("locked_mass", u64), ("conviction", conviction), ("last_update", u64)];
    let lock = editor.record("pallet_subtensor::staking::lock::LockState", &fields);
    editor.store("Lock", &[(Hashed, account), (Plain, u16), (Hashed, account)], lock, None)?;
    for name in ["HotkeyLock", "DecayingHotkeyLock"] {
        editor.store(name, &[(Plain, u16), (Hashed, account)], lock, None)?;
    }
    for name in ["OwnerLock", "DecayingOwnerLock"] {
        editor.store(name, &[(Plain, u16)], lock, None)?;
    }
    editor.store("DecayingLock", &[(Hashed, account), (Plain, u16)], bool, None)?;
    for name in ["MaturityRate", "UnlockRate"] {
        editor.store(name, &[], u64, Some(LOCK_RATE.encode()))?;
    }
    let (some_lock, some_account) = (editor.option(lock), editor.option(account));
    let (coldkey, hotkey, netuid) = (("coldkey", account), ("hotkey", account), ("netuid", u16));
    let api = "StakeInfoRuntimeApi";
    editor.function(api, "get_coldkey_lock", &[coldkey, netuid], some_lock)?;
    editor.function(api, "get_hotkey_conviction", &[hotkey, netuid], conviction)?;
    editor.function(api, "get_most_convicted_hotkey_on_subnet", &[netuid], some_account)
}

/// No coldkey is about to be swapped on this chain.
fn add_swaps(editor: &mut Editor<'_>, types: Types) -> Result<(), String> {
    let (block, hash) = (editor.primitive(TypeDefPrimitive::U32)?, editor.named("H256")?);
    let coldkey = [(StorageHasher::Twox64Concat, types.account)];
    let announced = editor.tuple(&[block, hash]);
    editor.store("ColdkeySwapAnnouncements", &coldkey, announced, None)?;
    editor.store("ColdkeySwapDisputes", &coldkey, block, None)?;
    for (name, blocks) in
        [("ColdkeySwapAnnouncementDelay", 36_000_u32), ("ColdkeySwapReannouncementDelay", 7_200)]
    {
        editor.store(name, &[], block, Some(blocks.encode()))?;
    }
    Ok(())
}

fn add_hyperparameters(editor: &mut Editor<'_>, types: Types) -> Result<(), String> {
    let Types { bool, u16, u64, .. } = types;
    let u32 = editor.primitive(TypeDefPrimitive::U32)?;
    let u128 = editor.primitive(TypeDefPrimitive::U128)?;
    let u8 = editor.primitive(TypeDefPrimitive::U8)?;
    let [short, middle, long, longest] = [u16, u32, u64, u128].map(|inner| editor.compact(inner));
    let (signed, unsigned) = (editor.named("FixedI64")?, editor.named("FixedU128")?);
    let cases = [
        ("Bool", bool),
        ("U16", short),
        ("U32", middle),
        ("U64", long),
        ("U128", longest),
        ("TaoBalance", long),
        ("I32F32", signed),
        ("U64F64", unsigned),
    ];
    let info = "pallet_subtensor::rpc_info::subnet_info";
    let value = editor.cases(&format!("{info}::HyperparamValue"), &cases);
    let name = editor.sequence(u8);
    let entry =
        editor.record(&format!("{info}::HyperparamEntry"), &[("name", name), ("value", value)]);
    let list = editor.sequence(entry);
    let output = editor.option(list);
    let api = "SubnetInfoRuntimeApi";
    editor.function(api, "get_subnet_hyperparams_v3", &[("netuid", u16)], output)?;
    for (name, value, default) in [(REVEALS, bool, vec![0]), (REVEAL_PERIOD, u64, 1_u64.encode())] {
        editor.store(name, &[(StorageHasher::Identity, u16)], value, Some(default))?;
    }
    Ok(())
}
