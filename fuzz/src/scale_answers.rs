//! What a node of the chain answers: runtime APIs, storage, events, and the metadata itself.
//!
//! Input: one byte for the reader ([`Reader`]), one for the runtime, and the answer. Readers that
//! take several answers find each behind its length in two bytes, [`ABSENT`] for none; the last one
//! is what is left.

use std::sync::LazyLock;

use sn1::chain::commit_reveal::{SealedMessage, WeightsPayload, plan_reveal};
use sn1::chain::decode::{
    DecodeError, Runtime, Snapshot, SnapshotPlan, Value, WeightCommits, WeightTermsPlan,
    commits_of_next_epoch, metadata_of_answer,
};
use sn1::chain::{Hash, Head, Netuid};
use sn1::wallet::AccountId;

use crate::dev_node::{NETUID, NODES, keypair};
use crate::memory::within;
use crate::re_encode::Described;

/// No answer, in place of its length.
const ABSENT: u16 = u16::MAX;
/// A block whose number leaves room on either side.
const HEAD: Head = Head { number: 6_852_690, hash: Hash([0xdb; 32]) };
/// Bytes that decoding may hold: a value takes 48, a list grows by doubling, and boxes have heads.
const PLAIN: usize = 1 << 20;
const A_BYTE: usize = 256;
/// Metadata is read into tables of names and types, and what it says decides how much a byte of an
/// answer may hold: up to the bound on values.
const OF_METADATA: usize = 1 << 29;

/// The readers, by the first byte of an input.
#[derive(Debug, Clone, Copy)]
enum Reader {
    Snapshot,
    WeightTerms,
    Storage,
    Api,
    Events,
    Commits,
    Metadata,
    EditedMetadata,
    Sealed,
}

impl Reader {
    const ALL: [Self; 9] = [
        Self::Snapshot,
        Self::WeightTerms,
        Self::Storage,
        Self::Api,
        Self::Events,
        Self::Commits,
        Self::Metadata,
        Self::EditedMetadata,
        Self::Sealed,
    ];
}

struct Known {
    runtime: Runtime,
    described: Described,
}

/// The recorded runtimes, which differ in what they have.
static RUNTIMES: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let recorded: [(u32, &[u8]); 3] = [
        (343, include_bytes!("../../tests/data/chain/recorded/metadata/finney_343_v15.scale")),
        (293, include_bytes!("../../tests/data/chain/recorded/metadata/local_293_v15.scale")),
        (343, include_bytes!("../../tests/data/chain/recorded/metadata/finney_343_v14.scale")),
    ];
    let known = |(spec_version, metadata): (u32, &[u8])| Known {
        runtime: Runtime::new(spec_version, metadata).expect("recorded metadata"),
        described: Described::new(metadata),
    };
    recorded.into_iter().map(known).collect()
});

/// The metadata of the dev chain, which is edited: the shortest that is whole.
static EDITED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let answer = NODES[1].node.call("Metadata_metadata_at_version", &15_u32.to_le_bytes(), None);
    metadata_of_answer(&answer.expect("a node tells its metadata")).expect("of version 15")
});

/// Panics when an answer is taken for more than it says, or costs more than it may.
pub fn check(input: &[u8]) {
    let [reader, runtime, answer @ ..] = input else { return };
    let reader = Reader::ALL[usize::from(*reader) % Reader::ALL.len()];
    let known = &RUNTIMES[usize::from(*runtime) % RUNTIMES.len()];
    let most = PLAIN + A_BYTE * answer.len();
    match reader {
        Reader::Snapshot => within(most, || check_snapshot(&known.runtime, answer)),
        Reader::WeightTerms => within(most, || check_terms(&known.runtime, answer)),
        Reader::Storage => within(most, || check_storage(known, answer)),
        Reader::Api => within(most, || check_api(known, answer)),
        Reader::Events => within(most, || check_events(&known.runtime, answer)),
        Reader::Commits => within(most, || check_commits(&known.runtime, answer)),
        Reader::Metadata => within(OF_METADATA, || check_metadata(answer)),
        Reader::EditedMetadata => within(OF_METADATA, || check_edited(answer)),
        Reader::Sealed => within(most, || check_sealed(answer)),
    }
}

/// Answers behind their lengths.
fn answers(mut input: &[u8]) -> Vec<Option<Vec<u8>>> {
    let mut answers = Vec::new();
    while let Some((len, rest)) = input.split_first_chunk() {
        let len = u16::from_le_bytes(*len);
        let (answer, rest) = match len {
            ABSENT => (None, rest),
            len => {
                let (answer, rest) = rest.split_at(rest.len().min(len.into()));
                (Some(answer.to_vec()), rest)
            }
        };
        answers.push(answer);
        input = rest;
    }
    answers
}

/// A snapshot has the neurons that the answer has bytes for, each in its place.
fn check_snapshot(runtime: &Runtime, input: &[u8]) {
    let Ok(plan) = SnapshotPlan::choose(runtime) else { return };
    match plan.decode(runtime, NETUID, HEAD, &answers(input)) {
        Ok(Snapshot { metagraph, .. }) => {
            assert_eq!((metagraph.netuid, metagraph.head), (NETUID, HEAD));
            assert!(metagraph.neurons.len() * 64 <= input.len());
            for (place, neuron) in metagraph.neurons.iter().enumerate() {
                assert_eq!(usize::from(neuron.uid.0), place);
            }
        }
        Err(error) => check_error(&error),
    }
}

fn check_error(error: &DecodeError) {
    let text = error.to_string();
    assert!(!text.is_empty() && text.len() < 10_000, "{text}");
}

/// Terms of which a reveal can be planned, or not, but never in the past.
fn check_terms(runtime: &Runtime, input: &[u8]) {
    let Ok(plan) = WeightTermsPlan::choose(runtime) else { return };
    let hotkey = keypair(11).account_id();
    let terms = match plan.decode(runtime, NETUID, &hotkey, HEAD, &answers(input)) {
        Ok(terms) => terms,
        Err(error) => return check_error(&error),
    };
    let Some(reveal) = terms.reveal else { return };
    let period = reveal.period_epochs;
    if let Ok(first) = reveal.schedule.first_reveal_block(period) {
        assert!(first > reveal.schedule.head(), "{first}");
    }
    plan_reveal(&reveal.schedule, period, &reveal.beacon, 1.8e9, reveal.block_time).ok();
    if let Err(error) = commits_of_next_epoch(runtime, NETUID, &reveal.schedule) {
        check_error(&error);
    }
}

/// Any storage entry; what is read writes the same bytes.
fn check_storage(known: &Known, input: &[u8]) {
    let Some((place, answer)) = input.split_first_chunk() else { return };
    let entries = &known.described.storage;
    let (pallet, entry, ty) = &entries[usize::from(u16::from_le_bytes(*place)) % entries.len()];
    let read = known.runtime.decode_storage(pallet, entry, Some(answer));
    check_value(known, read.map(|value| value.expect("something is stored")), *ty, answer);
}

/// Any runtime API, with all of its fields.
fn check_api(known: &Known, input: &[u8]) {
    let Some((place, answer)) = input.split_first_chunk() else { return };
    let apis = &known.described.apis;
    let place = usize::from(u16::from_le_bytes(*place));
    let Some((api, method, ty)) = apis.get(place % apis.len().max(1)) else { return };
    let whole = known.runtime.decode_call(api, method, answer, None);
    let empty = known.runtime.decode_call(api, method, answer, Some(&[]));
    assert!(empty.is_ok() || whole.is_err(), "what is skipped is still bytes of its type");
    check_value(known, whole, *ty, answer);
}

fn check_value(known: &Known, read: Result<Value<'_>, DecodeError>, ty: u32, answer: &[u8]) {
    match read {
        Ok(value) => assert_eq!(known.described.encode(&value, ty), answer, "{value:?}"),
        Err(error) => check_error(&error),
    }
}

fn check_events(runtime: &Runtime, input: &[u8]) {
    let Some((&index, events)) = input.split_first() else { return };
    match runtime.outcome(Some(events), index.into()) {
        Ok(Ok(())) => {}
        Ok(Err(refusal)) => assert!(!refusal.to_string().is_empty()),
        Err(error) => check_error(&error),
    }
}

fn check_commits(runtime: &Runtime, input: &[u8]) {
    let Some((who, stored)) = input.split_first_chunk() else { return };
    let Ok(commits) = WeightCommits::choose(runtime) else { return };
    match commits.decode(runtime, &AccountId(*who), Some(stored)) {
        Ok(found) => assert!(found.len() * 40 <= stored.len()),
        Err(error) => check_error(&error),
    }
}

/// The answer with metadata in it, and metadata alone.
fn check_metadata(input: &[u8]) {
    let inner = metadata_of_answer(input);
    let inner = inner.as_deref();
    assert!(inner.is_none_or(|inner| inner.len() < input.len() && input.ends_with(inner)));
    for bytes in [Some(input), inner].into_iter().flatten() {
        match Runtime::new(7, bytes) {
            Ok(runtime) => use_runtime(&runtime),
            Err(error) => check_error(&error),
        }
    }
}

/// Metadata with some bytes changed: three for the place, one for the byte.
fn check_edited(edits: &[u8]) {
    let mut metadata = EDITED.clone();
    for edit in edits.chunks_exact(4).take(64) {
        let place = u32::from_le_bytes([edit[0], edit[1], edit[2], 0]) as usize % metadata.len();
        metadata[place] = edit[3];
    }
    match Runtime::new(7, &metadata) {
        Ok(runtime) => use_runtime(&runtime),
        Err(error) => check_error(&error),
    }
}

/// All that a client reads by a runtime, from answers of a runtime that is whole.
fn use_runtime(runtime: &Runtime) {
    let told = [&[1_u8, 4][..], &[0; 700]].concat();
    let answers = vec![Some(told.clone()); 40];
    let hotkey = keypair(11).account_id();
    if let Ok(plan) = SnapshotPlan::choose(runtime) {
        plan.reads(runtime, NETUID).err().iter().for_each(check_error);
        plan.decode(runtime, NETUID, HEAD, &answers).err().iter().for_each(check_error);
    }
    if let Ok(plan) = WeightTermsPlan::choose(runtime) {
        plan.reads(runtime, NETUID, &hotkey).err().iter().for_each(check_error);
        let terms = plan.decode(runtime, NETUID, &hotkey, HEAD, &vec![None; 40]);
        terms.err().iter().for_each(check_error);
    }
    runtime.outcome(Some(&told), 0).err().iter().for_each(check_error);
    runtime.events().err().iter().for_each(check_error);
    runtime.storage_prefix("System", "Account", Vec::new()).err().iter().for_each(check_error);
    if let Ok(commits) = WeightCommits::choose(runtime) {
        commits.decode(runtime, &hotkey, Some(&told)).err().iter().for_each(check_error);
        commits.prefix(runtime, Netuid(1)).err().iter().for_each(check_error);
    }
}

/// Sealed weights and what is in them write what they were read from.
fn check_sealed(bytes: &[u8]) {
    if let Ok(message) = SealedMessage::from_bytes(bytes) {
        assert_eq!(message.to_bytes(), bytes);
    }
    if let Ok(payload) = WeightsPayload::decode(bytes) {
        assert_eq!(payload.encode(), bytes);
    }
}
