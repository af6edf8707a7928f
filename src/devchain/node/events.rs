//! `System.Events`: the events of a block, with the metadata's names.

use super::runtime::Runtime;
use super::shield;
use super::tree::Tree;
use crate::chain::Refusal;
use crate::devchain::{Applied, Event};
use crate::wallet::AccountId;

/// The part of a block in which an event occurred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Before the transactions.
    Initialization,
    /// In the transaction at this position.
    Extrinsic(u32),
}

/// The events of one block, collected in order.
#[derive(Debug, Default)]
pub(super) struct Events(Vec<Tree>);

impl Events {
    /// Adds an event: its pallet, its name and its content.
    pub(super) fn push(&mut self, phase: Phase, pallet: &'static str, event: Tree) {
        let phase = match phase {
            Phase::Initialization => Tree::case("Initialization"),
            Phase::Extrinsic(i) => Tree::Case("ApplyExtrinsic", Box::new(i.into())),
        };
        self.0.push(Tree::Record(vec![
            ("phase", phase),
            ("event", Tree::Case(pallet, Box::new(event))),
        ]));
    }

    /// Adds the events of the block's transaction at this position.
    pub(super) fn push_applied(
        &mut self,
        runtime: &Runtime,
        i: u32,
        applied: &Applied,
        sudo: bool,
    ) {
        let phase = Phase::Extrinsic(i);
        if applied.fee > 0 {
            self.push(phase, "Balances", amount("Withdraw", applied.signer, applied.fee));
        }
        for event in &applied.events {
            let (pallet, event) = tree_of(event);
            self.push(phase, pallet, event);
        }
        if sudo && applied.outcome.is_ok() {
            let done = Tree::Record(vec![("sudo_result", Tree::case("Ok"))]);
            self.push(phase, "Sudo", Tree::Case("Sudid", Box::new(done)));
        }
        self.push(phase, "TransactionPayment", fee_paid(applied.signer, applied.fee));
        let info = dispatch_info(applied.fee > 0, "Normal");
        self.push(phase, "System", outcome(runtime, &applied.outcome, info));
    }

    /// Adds the events of the transaction that sets the time, which every block has.
    pub(super) fn push_inherent(&mut self, i: u32) {
        let info = dispatch_info(false, "Mandatory");
        let success = Tree::Record(vec![("dispatch_info", info)]);
        let event = Tree::Case("ExtrinsicSuccess", Box::new(success));
        self.push(Phase::Extrinsic(i), "System", event);
    }

    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// The events as one list.
    pub(super) fn into_tree(self) -> Tree {
        Tree::List(self.0)
    }
}

/// An event whose fields have no names.
fn event(name: &'static str, fields: Vec<Tree>) -> Tree {
    Tree::Case(name, Box::new(Tree::List(fields)))
}

/// An event of one account's balance.
fn amount(name: &'static str, who: AccountId, amount: u64) -> Tree {
    let fields = vec![("who", who.into()), ("amount", amount.into())];
    Tree::Case(name, Box::new(Tree::Record(fields)))
}

fn fee_paid(who: AccountId, fee: u64) -> Tree {
    let fields = vec![("who", who.into()), ("actual_fee", fee.into()), ("tip", 0_u64.into())];
    Tree::Case("TransactionFeePaid", Box::new(Tree::Record(fields)))
}

fn dispatch_info(pays: bool, class: &'static str) -> Tree {
    Tree::Record(vec![
        ("class", Tree::case(class)),
        ("pays_fee", Tree::case(if pays { "Yes" } else { "No" })),
    ])
}

fn outcome(runtime: &Runtime, outcome: &Result<(), Refusal>, info: Tree) -> Tree {
    match outcome {
        Ok(()) => {
            let fields = Tree::Record(vec![("dispatch_info", info)]);
            Tree::Case("ExtrinsicSuccess", Box::new(fields))
        }
        Err(refusal) => {
            let error = dispatch_error(runtime, refusal);
            let fields = vec![("dispatch_error", error), ("dispatch_info", info)];
            Tree::Case("ExtrinsicFailed", Box::new(Tree::Record(fields)))
        }
    }
}

/// The refusal under the runtime's current numbers, or an error without a number if it has none.
pub(super) fn dispatch_error(runtime: &Runtime, refusal: &Refusal) -> Tree {
    let label = refusal.label();
    let index = refusal.pallet().and_then(|pallet| runtime.error_index(pallet, label));
    let Some((pallet, error)) = index else {
        let name = if *refusal == Refusal::UnexpectedCall { "BadOrigin" } else { "Other" };
        return Tree::case(name);
    };
    let error = Tree::Bytes(vec![error, 0, 0, 0]);
    let module = Tree::Record(vec![("index", pallet.into()), ("error", error)]);
    Tree::Case("Module", Box::new(module))
}

/// The event that sealed weights came into force.
pub(super) fn revealed(index: u16, hotkey: AccountId) -> Tree {
    event("TimelockedWeightsRevealed", vec![index.into(), hotkey.into()])
}

fn tree_of(happened: &Event) -> (&'static str, Tree) {
    const SUBNETS: &str = "SubtensorModule";
    match happened {
        Event::NeuronRegistered { netuid, uid, hotkey } => {
            let fields = vec![netuid.0.into(), uid.0.into(), (*hotkey).into()];
            (SUBNETS, event("NeuronRegistered", fields))
        }
        Event::AxonServed { netuid, hotkey } => {
            (SUBNETS, event("AxonServed", vec![netuid.0.into(), (*hotkey).into()]))
        }
        Event::PrometheusServed { netuid, hotkey } => {
            (SUBNETS, event("PrometheusServed", vec![netuid.0.into(), (*hotkey).into()]))
        }
        Event::WeightsSet { index, uid } => {
            (SUBNETS, event("WeightsSet", vec![(*index).into(), uid.0.into()]))
        }
        Event::TimelockedWeightsCommitted { hotkey, index, commit, round } => {
            let fields = vec![(*hotkey).into(), (*index).into(), commit.0.into(), (*round).into()];
            (SUBNETS, event("TimelockedWeightsCommitted", fields))
        }
        Event::StakeAdded { coldkey, hotkey, netuid, amount } => {
            (SUBNETS, stake_moved("StakeAdded", *coldkey, *hotkey, netuid.0, *amount))
        }
        Event::StakeRemoved { coldkey, hotkey, netuid, amount } => {
            (SUBNETS, stake_moved("StakeRemoved", *coldkey, *hotkey, netuid.0, *amount))
        }
        Event::Transfer { from, to, amount } => {
            let fields =
                vec![("from", (*from).into()), ("to", (*to).into()), ("amount", (*amount).into())];
            ("Balances", Tree::Case("Transfer", Box::new(Tree::Record(fields))))
        }
        Event::Endowed { account, amount: free } => {
            let fields = vec![("account", (*account).into()), ("free_balance", (*free).into())];
            ("Balances", Tree::Case("Endowed", Box::new(Tree::Record(fields))))
        }
        Event::Withdrawn { account, amount: paid } => {
            ("Balances", amount("Withdraw", *account, *paid))
        }
        Event::Deposited { account, amount: paid } => {
            ("Balances", amount("Deposit", *account, *paid))
        }
        Event::RaoRecycled { netuid, total } => {
            let fields = vec![netuid.0.into(), (*total).into()];
            (SUBNETS, event("RAORecycledForRegistrationSet", fields))
        }
        Event::EncryptedSubmitted { id, account } => {
            let fields = vec![("id", id.0.into()), ("who", (*account).into())];
            (shield::PALLET, Tree::Case("EncryptedSubmitted", Box::new(Tree::Record(fields))))
        }
        Event::WeightsCommitted { hotkey, index, hash } => {
            let fields = vec![(*hotkey).into(), (*index).into(), hash.0.into()];
            (SUBNETS, event("WeightsCommitted", fields))
        }
        Event::WeightsRevealed { hotkey, index, hash } => {
            let fields = vec![(*hotkey).into(), (*index).into(), hash.0.into()];
            (SUBNETS, event("WeightsRevealed", fields))
        }
        Event::NewAccount { account } => {
            let fields = Tree::Record(vec![("account", (*account).into())]);
            ("System", Tree::Case("NewAccount", Box::new(fields)))
        }
    }
}

/// The event of a stake change: TAO, alpha (one for one here), subnet and fee.
fn stake_moved(
    name: &'static str,
    coldkey: AccountId,
    hotkey: AccountId,
    netuid: u16,
    amount: u64,
) -> Tree {
    let (tao, alpha, fee) = (amount, amount, 0_u64);
    event(
        name,
        vec![coldkey.into(), hotkey.into(), tao.into(), alpha.into(), netuid.into(), fee.into()],
    )
}
