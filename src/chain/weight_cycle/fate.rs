//! What the chain's own state says of a setting that was signed: whether it landed, whether it
//! still can, and whether a sealed one was opened.

use super::ChainView;
use crate::chain::{
    CommitIntent, CommitOutcome, CommitRecord, Included, RevealOutcome, SealedIntent, WeightVector,
};

/// What became of `intent`, of which `included` was seen if anything; `earlier` are our sealed
/// commits that landed before. `None`: it may still land, or its block may still be taken back.
pub(super) fn fate(
    intent: &CommitIntent,
    included: Option<Included>,
    earlier: &[CommitRecord],
    view: &ChainView,
) -> Option<CommitOutcome> {
    let landed = match &intent.sealed {
        None => plain_block(intent, earlier, view),
        Some(sealed) => sealed_block(intent, sealed, included, view),
    };
    if let Some(block) = landed {
        let transaction = included.map(|included| included.transaction);
        return (block <= view.finalized.number)
            .then_some(CommitOutcome::Landed { block, transaction });
    }
    let last_seen = view.finalized.number.min(view.terms.head.number);
    match included {
        Some(Included { head, .. }) if head.number <= last_seen => {
            Some(CommitOutcome::Replaced { block: head.number })
        }
        None if intent.mortality.last_block <= last_seen => Some(CommitOutcome::Lost),
        _ => None,
    }
}

/// Our last update, if it moved since the plan in the slot that we had then.
fn moved_to(intent: &CommitIntent, view: &ChainView) -> Option<u64> {
    let block = view.terms.last_update;
    (view.terms.uid == Some(intent.uid) && block > intent.last_update).then_some(block)
}

/// The stored weights are the planned ones, or those of an earlier commit that was opened since.
fn plain_block(intent: &CommitIntent, earlier: &[CommitRecord], view: &ChainView) -> Option<u64> {
    let block = moved_to(intent, view)?;
    let could_land = block <= intent.mortality.last_block;
    let was_opened =
        || earlier.iter().any(|sealed| could_land && holds(view, &sealed.intent.weights));
    (holds(view, &intent.weights) || was_opened()).then_some(block)
}

/// A sealed commit is stored under its hash until its reveal epoch. Gone from there, it landed if
/// the chain saw an update of ours while it could land: only we sign for this hotkey. That it is
/// gone, and not yet to come, is certain once its weights are there, its reveal epoch has begun, its
/// last block is final, or its own block was seen.
fn sealed_block(
    intent: &CommitIntent,
    sealed: &SealedIntent,
    included: Option<Included>,
    view: &ChainView,
) -> Option<u64> {
    let stored = view.commits.iter().find(|commit| commit.hash == sealed.hash);
    if let Some(commit) = stored {
        return Some(commit.block);
    }
    let last_block = intent.mortality.last_block;
    let updated = moved_to(intent, view).filter(|block| *block <= last_block)?;
    let head = view.terms.head.number;
    let is_certain = holds(view, &intent.weights)
        || sealed.reveal_block <= head
        || last_block <= view.finalized.number.min(head)
        || included.is_some_and(|included| included.head.number == updated);
    is_certain.then_some(updated)
}

/// Whether the stored weights are these: equal, but for zeros where a slot changed hands.
pub(super) fn holds(view: &ChainView, weights: &WeightVector) -> bool {
    let stored = &view.stored;
    let ours = weights.entries();
    stored.iter().any(|(_, value)| *value > 0)
        && stored.len() == ours.len()
        && stored.iter().zip(ours).all(|((uid, value), (our_uid, our_value))| {
            uid == our_uid && (value == our_value || *value == 0)
        })
}

/// Which of the sealed commits that landed (oldest first) are opened or dropped by now. Those that
/// open together leave the newest one's weights; `last_plain` is the block of our last plain
/// setting, which overwrites what was opened before it.
pub(super) fn reveals(
    landed: &[CommitRecord],
    last_plain: Option<u64>,
    view: &ChainView,
) -> Vec<(usize, RevealOutcome)> {
    let gone: Vec<usize> =
        (0..landed.len()).filter(|position| is_gone(&landed[*position], view)).collect();
    let held =
        gone.iter().copied().rfind(|position| holds(view, &landed[*position].intent.weights));
    gone.into_iter()
        .map(|position| {
            let is_overwritten = last_plain > landed[position].landed();
            let outcome = match held {
                Some(held) if held == position => RevealOutcome::Revealed,
                Some(held) if held > position => RevealOutcome::Superseded,
                _ if is_overwritten => RevealOutcome::Superseded,
                _ => RevealOutcome::NotRevealed,
            };
            (position, outcome)
        })
        .collect()
}

/// Whether the chain holds the commit no more, as of a block that must have known it. A commit that
/// is missing before its reveal epoch counts as gone only once its weights are there.
fn is_gone(record: &CommitRecord, view: &ChainView) -> bool {
    let (Some(sealed), Some(block)) = (&record.intent.sealed, record.landed()) else {
        return false;
    };
    let head = view.terms.head.number;
    let is_stored = view.commits.iter().any(|commit| commit.hash == sealed.hash);
    let is_due = sealed.reveal_block <= head || holds(view, &record.intent.weights);
    block < head && !is_stored && is_due
}
