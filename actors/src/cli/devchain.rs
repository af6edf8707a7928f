//! Flags of `sn1 devchain`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use sn1::chain::Netuid;
use sn1::devchain::node::Generation;
use sn1::devchain::{GenesisConfig, HyperparameterValue};
use sn1::wallet::{AccountId, Keypair};
use sn1_actors::devnode::{
    self, DevNodeError, DevNodeSettings, Planned, PreparedDevNode, hyperparameters,
};
use sn1_actors::output;
use sn1_actors::port::Port;
use sn1_actors::settings::{LoggingSection, Scalar, Share, Tao, parse_duration};

/// The shortest time between two blocks.
const MIN_BLOCK_TIME: Duration = Duration::from_millis(50);

/// A switch on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Switch {
    On,
    Off,
}

/// Flags of `sn1 devchain`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DevchainArguments {
    /// Port on 127.0.0.1; 0 lets the system choose [default: 9944, or the next free one]
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Time between blocks, such as 12s, 250ms or 50ms; 0 makes them only by dev_produce_block
    #[arg(long, value_name = "TIME", default_value = "12s", value_parser = parse_block_time)]
    block_time: Duration,
    /// The subnet's number
    #[arg(long, value_name = "N", default_value_t = 1)]
    netuid: u16,
    /// Keep the chain in this file, and go on from what is there
    #[arg(long, value_name = "FILE")]
    state_file: Option<PathBuf>,
    /// Blocks that finality trails the newest block by
    #[arg(long, value_name = "BLOCKS", default_value_t = 2)]
    finality_lag: u64,
    /// The runtime to start with: modular (spec 343), stateful (425) or collateral (486)
    #[arg(long, value_name = "NAME", default_value = "modular", value_parser = devnode::generation)]
    generation: Generation,
    /// Sets chains apart: other hashes, other chaos
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// What the chain calls itself
    #[arg(long, value_name = "NAME", default_value = "sn1 devchain")]
    name: String,
    /// Give an account this many TAO at the start, beside //Alice and the others (repeatable)
    #[arg(long, value_name = "SS58=TAO", value_parser = parse_fund)]
    fund: Vec<(AccountId, u64)>,
    /// The subnet owner's hotkey: an address, or a development key such as //Owner
    #[arg(long, value_name = "HOTKEY", value_parser = parse_account)]
    owner_hotkey: Option<AccountId>,
    /// TAO that an epoch gives out
    #[arg(long, value_name = "TAO", default_value = "1", value_parser = parse_tao)]
    emission_per_epoch: u64,
    /// Let neurons serve on loopback addresses, which the real runtime refuses
    #[arg(long)]
    allow_loopback_axons: bool,
    /// Blocks between epochs
    #[arg(long, value_name = "BLOCKS")]
    tempo: Option<u16>,
    /// Blocks between two weight settings of a validator
    #[arg(long, value_name = "BLOCKS")]
    weights_rate_limit: Option<u64>,
    /// Let validators commit weights that open later, instead of setting them: on or off
    #[arg(long, value_name = "ON|OFF")]
    commit_reveal: Option<Switch>,
    /// Epochs from commit to reveal
    #[arg(long, value_name = "EPOCHS", value_parser = clap::value_parser!(u64).range(1..=100))]
    reveal_period: Option<u64>,
    /// Blocks during which a new neuron is not pruned
    #[arg(long, value_name = "BLOCKS")]
    immunity_period: Option<u16>,
    /// Neurons on the subnet
    #[arg(long, value_name = "N")]
    max_uids: Option<u16>,
    /// Seats with a validator permit
    #[arg(long, value_name = "N")]
    max_validators: Option<u16>,
    /// Price of a registration, in TAO
    #[arg(long, value_name = "TAO", value_parser = parse_tao)]
    burn: Option<u64>,
    /// Lowest version key of weights
    #[arg(long, value_name = "N")]
    version_key: Option<u64>,
    /// Blocks between two changes of an axon record
    #[arg(long, value_name = "BLOCKS")]
    serving_rate_limit: Option<u64>,
    /// Fewest weights in a vector
    #[arg(long, value_name = "N")]
    min_allowed_weights: Option<u16>,
    /// Stake that setting weights needs, in TAO
    #[arg(long, value_name = "TAO", value_parser = parse_tao)]
    stake_threshold: Option<u64>,
    /// Any hyperparameter by its name (repeatable), such as
    /// adjustment_interval=100
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = hyperparameters::in_words)]
    set: Vec<HyperparameterValue>,
    /// Answer the methods dev_..., by which a test orders misbehaviour
    #[arg(long)]
    faults: bool,
    /// Do this wrong before that block (repeatable): drop, shut=1s, stall=5s, deafen, slow=100ms,
    /// refuse=outdatedx3, hold-finality=5, reverse-finality=5, retract, end-watch=dropped, upgrade
    #[arg(long = "fault", value_name = "WHAT@BLOCK")]
    fault: Vec<Planned>,
    /// Do something wrong, drawn by the seed, with this share of the blocks: 0 to 1
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = Share::parse)]
    chaos: Share,
    /// Log more
    #[arg(long = "logging.debug")]
    debug: bool,
    /// Log everything
    #[arg(long = "logging.trace")]
    trace: bool,
}

fn parse_block_time(text: &str) -> Result<Duration, String> {
    let time = parse_duration(text)?;
    if time.is_zero() || time >= MIN_BLOCK_TIME {
        Ok(time)
    } else {
        Err(format!("`{text}` is too short: blocks take at least {MIN_BLOCK_TIME:?}"))
    }
}

/// TAO with up to nine decimals, as rao.
fn parse_tao(text: &str) -> Result<u64, String> {
    let amount = Tao::exact(text).map(Tao::rao);
    amount.ok_or_else(|| format!("`{text}` is not an amount of TAO: write it like 5 or 0.25"))
}

fn parse_account(text: &str) -> Result<AccountId, String> {
    if text.starts_with("//") {
        return Ok(Keypair::from_dev_path(text).map_err(|error| error.to_string())?.account_id());
    }
    text.parse().map_err(|error| format!("`{text}`: {error}"))
}

fn parse_fund(text: &str) -> Result<(AccountId, u64), String> {
    let (account, tao) = text
        .rsplit_once('=')
        .ok_or_else(|| format!("`{text}` is not of the form SS58=TAO, such as 5F...=100"))?;
    Ok((parse_account(account)?, parse_tao(tao)?))
}

impl DevchainArguments {
    /// How much is logged.
    pub(crate) fn logging(&self) -> LoggingSection {
        LoggingSection { debug: self.debug, trace: self.trace }
    }

    /// Opens the chain and its port.
    ///
    /// # Errors
    /// See [`DevNodeError`].
    pub(crate) fn prepare(&self) -> Result<PreparedDevNode, DevNodeError> {
        let prepared = PreparedDevNode::open(self.settings()?)?;
        if let Some(port) = prepared.moved_from() {
            output::note(format_args!("port {port} is taken: choose one with --port"));
        }
        if let Some(block) = prepared.resumes_at() {
            output::stderr_line(format_args!(
                "going on at block {block}: flags that say how a chain starts have no effect"
            ));
        }
        Ok(prepared)
    }

    fn settings(&self) -> Result<DevNodeSettings, DevNodeError> {
        Ok(DevNodeSettings {
            genesis: self.genesis().map_err(DevNodeError::Usage)?,
            generation: self.generation,
            chain_name: self.name.clone(),
            finality_lag: self.finality_lag,
            block_time: self.block_time,
            state_file: self.state_file.clone(),
            port: self.port.map_or(Port::built_in(9944), Port::asked_for),
            planned: self.fault.clone(),
            chaos: self.chaos.get(),
            allows_control: self.faults,
        })
    }

    fn genesis(&self) -> Result<GenesisConfig, String> {
        let mut balances = devnode::development_balances().map_err(|error| error.to_string())?;
        balances.extend(&self.fund);
        let mut genesis = GenesisConfig {
            netuid: Netuid(self.netuid),
            balances,
            owner_hotkey: self.owner_hotkey,
            sudo: Some(parse_account("//Alice")?),
            seed: self.seed,
            emission_per_epoch: self.emission_per_epoch,
            allow_loopback_axons: self.allow_loopback_axons,
            ..devnode::default_genesis()
        };
        self.hyperparameters()
            .into_iter()
            .chain(self.set.iter().copied())
            .for_each(|setting| hyperparameters::apply(&mut genesis, setting));
        Ok(genesis)
    }

    /// What has a flag of its own.
    fn hyperparameters(&self) -> Vec<HyperparameterValue> {
        use HyperparameterValue as V;
        let flags = [
            self.tempo.map(V::Tempo),
            self.weights_rate_limit.map(V::WeightsSetRateLimit),
            self.commit_reveal.map(|switch| V::CommitRevealWeightsEnabled(switch == Switch::On)),
            self.reveal_period.map(V::RevealPeriodEpochs),
            self.immunity_period.map(V::ImmunityPeriod),
            self.max_uids.map(V::MaxAllowedUids),
            self.max_validators.map(V::MaxAllowedValidators),
            self.burn.map(V::Burn),
            self.version_key.map(V::WeightsVersionKey),
            self.serving_rate_limit.map(V::ServingRateLimit),
            self.min_allowed_weights.map(V::MinAllowedWeights),
            self.stake_threshold.map(V::StakeThreshold),
        ];
        flags.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_addresses_or_development_keys() {
        let alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
        assert_eq!(parse_fund(&format!("{alice}=2")), parse_fund("//Alice=2"));
        for text in ["//Alice", "5Bad=1", "//Alice=x", "//soft/x=1"] {
            assert!(parse_fund(text).is_err(), "{text}");
        }
    }
}
