//! Runtime APIs: the answer of each at a block, as a tree. Arguments and answers have the types of
//! the block's own runtime.

use frame_metadata::v15::RuntimeApiMethodMetadata;
use scale_info::form::PortableForm;

use super::calls;
use super::error::NodeError;
use super::extrinsic;
use super::runtime::Runtime;
use super::storage;
use super::subnet;
use super::tree::Tree;
use super::view::View;
use crate::chain::decode::{Value, decode_next};
use crate::devchain::fee;
use crate::wallet::AccountId;

/// Price of one alpha in rao: alpha and TAO are exchanged one for one here.
const ALPHA_PRICE: u64 = 1_000_000_000;

/// The answer of `function`, such as `NeuronInfoRuntimeApi_get_neurons_lite`.
///
/// # Errors
/// The runtime lacks the function, the arguments do not fit it, or this chain does not implement
/// it.
pub(super) fn call(view: View<'_>, function: &str, arguments: &[u8]) -> Result<Vec<u8>, NodeError> {
    let runtime = &view.block.runtime;
    if let Some(answer) = call_runtime(runtime, function, arguments) {
        return answer;
    }
    Function::find(runtime, function)?
        .answer(arguments, |api, method, values| answer(view, api, method, values, arguments))
}

/// The answer of a function that needs the runtime alone and no block's state; `None` for the other
/// functions.
pub(super) fn call_runtime(
    runtime: &Runtime,
    function: &str,
    arguments: &[u8],
) -> Option<Result<Vec<u8>, NodeError>> {
    if function == "Core_version" {
        return Some(Ok(runtime.version_bytes().unwrap_or_default().to_vec()));
    }
    let is_metadata = function.starts_with("Metadata_");
    is_metadata.then(|| {
        let answer = |_: &str, method: &str, values: &[Value<'_>]| {
            metadata(runtime, method, Arguments(values))
        };
        Function::find(runtime, function)?.answer(arguments, answer)
    })
}

/// A function of a runtime API, with its types.
struct Function<'a> {
    runtime: &'a Runtime,
    name: &'a str,
    api: &'a str,
    method: &'a RuntimeApiMethodMetadata<PortableForm>,
}

impl<'a> Function<'a> {
    fn find(runtime: &'a Runtime, name: &'a str) -> Result<Self, NodeError> {
        let (api, method) = runtime.function(name).ok_or_else(|| NodeError::no_function(name))?;
        Ok(Self { runtime, name, api, method })
    }

    /// Decodes the arguments, computes the answer and encodes it.
    fn answer(
        &self,
        arguments: &[u8],
        answer: impl Fn(&str, &str, &[Value<'_>]) -> Option<Tree>,
    ) -> Result<Vec<u8>, NodeError> {
        let values = self.read(arguments).map_err(|reason| NodeError::trap(self.name, &reason))?;
        let answer = answer(self.api, &self.method.name, &values);
        let unknown = || NodeError::trap(self.name, "the dev chain has no such thing");
        let encoded = self.runtime.encode(&answer.ok_or_else(unknown)?, self.method.output.id);
        encoded.map_err(|reason| NodeError::internal(format!("{}: {reason}", self.name)))
    }

    fn read(&self, mut arguments: &[u8]) -> Result<Vec<Value<'a>>, String> {
        let types = self.runtime.types();
        let inputs = self.method.inputs.iter();
        let values = inputs.map(|input| decode_next(&mut arguments, input.ty.id, types)).collect();
        if arguments.is_empty() { values } else { Err("bytes follow the arguments".to_owned()) }
    }
}

/// The arguments of a function, by position.
#[derive(Clone, Copy)]
struct Arguments<'a>(&'a [Value<'a>]);

impl Arguments<'_> {
    fn number<T: TryFrom<u128>>(self, i: usize) -> Option<T> {
        self.0.get(i)?.number("argument").ok()
    }

    fn account(self, i: usize) -> Option<AccountId> {
        self.0.get(i)?.account("argument").ok()
    }

    fn numbers(self, i: usize) -> Option<Vec<u16>> {
        let list = self.0.get(i)?.list("argument").ok()?;
        list.iter().map(|value| value.number("argument").ok()).collect()
    }
}

fn answer(
    view: View<'_>,
    api: &str,
    method: &str,
    values: &[Value<'_>],
    bytes: &[u8],
) -> Option<Tree> {
    let arguments = Arguments(values);
    match api {
        "AccountNonceApi" => Some(view.state().nonce(&arguments.account(0)?).into()),
        "AuraApi" => match method {
            "slot_duration" => Some(view.block.runtime.spec().block_time_ms.into()),
            _ => Some(Tree::list([storage::author()])),
        },
        "TransactionPaymentApi" => payment(view, method, values, bytes),
        "NeuronInfoRuntimeApi" => neurons(view, method, arguments),
        "SubnetInfoRuntimeApi" => subnets(view, method, arguments),
        "StakeInfoRuntimeApi" => stakes(view, method, arguments),
        "DelegateInfoRuntimeApi" => delegates(view, method, arguments),
        "SubnetRegistrationRuntimeApi" => Some(1_000_000_000_000_u64.into()),
        "SwapRuntimeApi" => swap(method, arguments),
        _ => None,
    }
}

fn metadata(runtime: &Runtime, method: &str, arguments: Arguments<'_>) -> Option<Tree> {
    match method {
        "metadata" => runtime.metadata(14).map(Tree::from),
        "metadata_at_version" => {
            let found = runtime.metadata(arguments.number(0)?);
            Some(found.map_or(Tree::Default, Tree::some))
        }
        "metadata_versions" => Some(Tree::list([14_u32, 15])),
        _ => None,
    }
}

/// The fee of a transaction. Its signature is not checked.
fn payment(view: View<'_>, method: &str, values: &[Value<'_>], bytes: &[u8]) -> Option<Tree> {
    if matches!(method, "query_weight_to_fee" | "query_length_to_fee") {
        return Some(0_u64.into());
    }
    let length: u32 = values.get(1)?.number("length").ok()?;
    let runtime = &view.block.runtime;
    let transaction = &bytes[..bytes.len().saturating_sub(4)];
    let signed = extrinsic::read(transaction, runtime).ok()?;
    let request = calls::request(&signed.call, view.state().balance(&signed.signer)).ok()?;
    let cost = fee(&request.call, length);
    match method {
        "query_info" => Some(Tree::Record(vec![("partial_fee", cost.into())])),
        "query_fee_details" => {
            let inclusion = Tree::Record(vec![("base_fee", cost.into())]);
            let inclusion = if cost > 0 { Tree::some(inclusion) } else { Tree::Default };
            Some(Tree::Record(vec![("inclusion_fee", inclusion)]))
        }
        _ => None,
    }
}

fn neurons(view: View<'_>, method: &str, arguments: Arguments<'_>) -> Option<Tree> {
    let netuid = arguments.number(0)?;
    match method {
        "get_neurons" | "get_neurons_lite" => {
            let uids = 0..view.slots(netuid).len() as u16;
            let neurons = uids.filter_map(|uid| subnet::neuron(view, netuid, uid));
            Some(Tree::List(neurons.collect()))
        }
        "get_neuron" | "get_neuron_lite" => {
            Some(subnet::neuron(view, netuid, arguments.number(1)?).into())
        }
        _ => None,
    }
}

fn subnets(view: View<'_>, method: &str, arguments: Arguments<'_>) -> Option<Tree> {
    let each = |of: &dyn Fn(u16) -> Option<Tree>| Tree::list(view.netuids().into_iter().map(of));
    let facts = |netuid| subnet::facts(view, netuid).map(Tree::Record);
    let metagraph = |netuid| subnet::metagraph(view, netuid);
    match method {
        "get_subnets_info" | "get_subnets_info_v2" | "get_all_dynamic_info" => {
            return Some(each(&facts));
        }
        "get_all_metagraphs" | "get_all_mechagraphs" => return Some(each(&metagraph)),
        "get_subnet_to_prune" | "get_coldkey_auto_stake_hotkey" => return Some(Tree::Default),
        _ => {}
    }
    let netuid = arguments.number(0)?;
    match method {
        "get_subnet_info" | "get_subnet_info_v2" | "get_dynamic_info" => Some(facts(netuid).into()),
        "get_subnet_hyperparams" | "get_subnet_hyperparams_v2" => {
            let settings = (netuid == view.netuid()).then(|| Tree::Record(subnet::settings(view)));
            Some(settings.into())
        }
        "get_subnet_hyperparams_v3" => {
            Some((netuid == view.netuid()).then(|| subnet::hyperparameters(view)).into())
        }
        "get_metagraph" | "get_subnet_state" => Some(metagraph(netuid).into()),
        "get_mechagraph" => Some(metagraph(netuid).filter(|_| is_first(arguments)).into()),
        "get_selective_metagraph" => {
            Some(subnet::selective(view, netuid, &arguments.numbers(1)?).into())
        }
        "get_selective_mechagraph" => {
            let chosen = subnet::selective(view, netuid, &arguments.numbers(2)?);
            Some(chosen.filter(|_| is_first(arguments)).into())
        }
        "get_next_epoch_start_block" => {
            let wait = view.state().blocks_until_epoch(view.number());
            let wait = wait.filter(|_| netuid == view.netuid());
            Some(wait.map(|wait| view.number().saturating_add(wait)).into())
        }
        _ => None,
    }
}

/// Whether the arguments ask for mechanism 0, the only one.
fn is_first(arguments: Arguments<'_>) -> bool {
    arguments.number(1) == Some(0_u8)
}

/// The stakes of a coldkey: all stake of a hotkey belongs to the coldkey that owns it.
fn stakes(view: View<'_>, method: &str, arguments: Arguments<'_>) -> Option<Tree> {
    match method {
        "get_stake_info_for_coldkey" => Some(stakes_of(view, arguments.account(0)?)),
        "get_stake_info_for_coldkeys" => {
            let asked = arguments.0.first()?.list("argument").ok()?.iter();
            let each = asked.map(|coldkey| {
                let coldkey = coldkey.account("argument").ok()?;
                Some(Tree::List(vec![coldkey.into(), stakes_of(view, coldkey)]))
            });
            each.collect::<Option<Vec<_>>>().map(Tree::List)
        }
        "get_stake_info_for_hotkey_coldkey_netuid" => {
            let (hotkey, coldkey) = (arguments.account(0)?, arguments.account(1)?);
            let is_owner = view.coldkey(&hotkey) == coldkey;
            let has_stake = is_owner && arguments.number(2) == Some(view.netuid());
            let amount = if has_stake { view.stake(&hotkey) } else { 0 };
            let netuid: u16 = arguments.number(2)?;
            let known = view.has_subnet(netuid);
            Some(known.then(|| stake_info(view, hotkey, coldkey, netuid, amount)).into())
        }
        "get_stake_fee" => Some(0_u64.into()),
        // Nothing is locked here.
        "get_coldkey_lock" | "get_hotkey_conviction" | "get_most_convicted_hotkey_on_subnet" => {
            Some(Tree::Default)
        }
        _ => None,
    }
}

fn stakes_of(view: View<'_>, coldkey: AccountId) -> Tree {
    let staked = view.hotkeys_of(&coldkey).into_iter().filter(|hotkey| view.stake(hotkey) > 0);
    Tree::list(
        staked.map(|hotkey| stake_info(view, hotkey, coldkey, view.netuid(), view.stake(&hotkey))),
    )
}

fn stake_info(
    view: View<'_>,
    hotkey: AccountId,
    coldkey: AccountId,
    netuid: u16,
    amount: u64,
) -> Tree {
    let slot = view.slot_of(netuid, &hotkey);
    Tree::Record(vec![
        ("hotkey", hotkey.into()),
        ("coldkey", coldkey.into()),
        ("netuid", netuid.into()),
        ("stake", amount.into()),
        ("emission", slot.map_or(0, |(_, slot)| slot.emission).into()),
        ("is_registered", slot.is_some().into()),
    ])
}

/// Every hotkey with a slot, as a delegate whose only nominator is its owner.
fn delegates(view: View<'_>, method: &str, arguments: Arguments<'_>) -> Option<Tree> {
    let slots = view.slots(view.netuid());
    match method {
        "get_delegates" => Some(Tree::list(slots.iter().map(|slot| delegate(view, slot.hotkey)))),
        "get_delegate" => {
            let hotkey = arguments.account(0)?;
            Some(view.slot_of(view.netuid(), &hotkey).map(|_| delegate(view, hotkey)).into())
        }
        "get_delegated" => {
            let coldkey = arguments.account(0)?;
            let own = slots.iter().filter(|slot| view.coldkey(&slot.hotkey) == coldkey);
            Some(Tree::list(own.map(|slot| {
                let stake = view.stake(&slot.hotkey);
                let held = Tree::List(vec![view.netuid().into(), stake.into()]);
                Tree::List(vec![delegate(view, slot.hotkey), held])
            })))
        }
        _ => None,
    }
}

fn delegate(view: View<'_>, hotkey: AccountId) -> Tree {
    let (netuid, owner) = (view.netuid(), view.coldkey(&hotkey));
    let permitted = view.slot_of(netuid, &hotkey).filter(|(_, slot)| slot.validator_permit);
    let nominator = Tree::List(vec![owner.into(), Tree::list([(netuid, view.stake(&hotkey))])]);
    Tree::Record(vec![
        ("delegate_ss58", hotkey.into()),
        ("nominators", Tree::List(vec![nominator])),
        ("owner_ss58", owner.into()),
        ("registrations", Tree::list([netuid])),
        ("validator_permits", Tree::list(permitted.map(|_| netuid))),
    ])
}

fn swap(method: &str, arguments: Arguments<'_>) -> Option<Tree> {
    match method {
        "current_alpha_price" => Some(ALPHA_PRICE.into()),
        "sim_swap_tao_for_alpha" | "sim_swap_alpha_for_tao" => {
            let amount: u64 = arguments.number(1)?;
            let fields = vec![("tao_amount", amount.into()), ("alpha_amount", amount.into())];
            Some(Tree::Record(fields))
        }
        _ => None,
    }
}
