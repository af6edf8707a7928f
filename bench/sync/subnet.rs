//! The answers of this bench's nodes; both have the main network's runtime of spec 343.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use sn1::chain::decode::{Read, Runtime, metadata_of_answer};
use sn1::chain::transaction::{Call, SigningTerms, birth_block, last_block, sign};
use sn1::chain::{AxonInfo, Mortality, Netuid, RAO_PER_TAO, Uid, WeightSetting, WeightVector};
use sn1::devchain::GenesisConfig;
use sn1::devchain::node::{DevNode, Generation, NodeConfig};
use sn1::wallet::Keypair;
use sn1_actors::devnode::default_genesis;

use crate::Fallible;

/// The subnet that is read.
pub(crate) const NETUID: Netuid = Netuid(1);
const N_NEURONS: u16 = 256;
const N_VALIDATORS: u16 = 16;
/// Miners to which a validator gives weights.
const WEIGHED: u16 = 200;
const TEMPO: u16 = 10;
const STARTED_MS: u64 = 1_800_000_000_000;
const BLOCK_MS: u64 = 12_000;
const SDK_VERSION: u32 = 10_005_000;
/// How many fields of a metagraph the SDK asks for: all that it knows.
const N_FIELDS: u16 = 74;
const METAGRAPH: &str = "SubnetInfoRuntimeApi_get_selective_mechagraph";

/// Which subnet a node serves.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Kind {
    /// 256 neurons of a dev chain.
    Devchain,
    /// 1,024 neurons, recorded on the main network.
    Mainnet,
}

/// A node, and runtime calls with fixed answers, so that both sides read the same bytes.
pub(crate) struct Subnet {
    pub(crate) node: DevNode,
    pub(crate) fixed: BTreeMap<String, Vec<u8>>,
}

impl Subnet {
    pub(crate) fn of(kind: Kind) -> Fallible<Self> {
        match kind {
            Kind::Devchain => Self::devchain(),
            Kind::Mainnet => Self::mainnet(),
        }
    }

    fn devchain() -> Fallible<Self> {
        let mut chain = Chain::new()?;
        chain.populate()?;
        let Chain { node, runtime } = chain;
        let fields: Vec<u16> = (0..N_FIELDS).collect();
        let (api, method) = METAGRAPH.split_once('_').ok_or("no API's name")?;
        let Read::Call { function, arguments } =
            runtime.call(api, method, (NETUID.0, 0_u8, fields))?
        else {
            return Err("the metagraph is not a runtime call".into());
        };
        let answer = node.call(&function, &arguments, None)?;
        Ok(Self { node, fixed: [(function, answer)].into() })
    }

    fn mainnet() -> Fallible<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../tests/data/chain/recorded/metagraph_sn1_block_6852690");
        let recorded = |function: &str, file: &str| {
            let bytes = std::fs::read(folder.join(file).with_extension("scale"))?;
            Ok::<_, std::io::Error>((function.to_owned(), bytes))
        };
        let fixed = [
            recorded(METAGRAPH, "get_selective_mechagraph")?,
            recorded("NeuronInfoRuntimeApi_get_neurons_lite", "get_neurons_lite")?,
            recorded("SubnetInfoRuntimeApi_get_subnet_state", "get_subnet_state")?,
        ];
        Ok(Self { node: Chain::new()?.node, fixed: fixed.into() })
    }
}

/// A dev chain, and its runtime as a client reads it.
struct Chain {
    node: DevNode,
    runtime: Runtime,
}

fn coldkey(number: u16) -> Fallible<Keypair> {
    keypair(b'c', number)
}

fn hotkey(number: u16) -> Fallible<Keypair> {
    keypair(b'h', number)
}

fn keypair(kind: u8, number: u16) -> Fallible<Keypair> {
    let mut seed = [kind; 32];
    seed[..2].copy_from_slice(&number.to_le_bytes());
    Ok(Keypair::from_seed(&seed)?)
}

fn config() -> Fallible<NodeConfig> {
    let mut genesis: GenesisConfig = default_genesis();
    let settings = &mut genesis.hyperparameters;
    (settings.tempo, settings.max_uids) = (TEMPO, N_NEURONS);
    (settings.max_validators, settings.weights_rate_limit) = (N_VALIDATORS, 0);
    let funded = |number| Ok((coldkey(number)?.account_id(), 1_000 * RAO_PER_TAO));
    genesis.balances = (0..N_NEURONS).map(funded).collect::<Fallible<_>>()?;
    Ok(NodeConfig {
        genesis,
        generation: Generation::Modular,
        chain_name: "sync".to_owned(),
        finality_lag: 2,
        block_time_ms: BLOCK_MS,
        started_ms: STARTED_MS,
    })
}

impl Chain {
    fn new() -> Fallible<Self> {
        let node = DevNode::new(config()?);
        let answer = node.call("Metadata_metadata_at_version", &15_u32.to_le_bytes(), None)?;
        let metadata = metadata_of_answer(&answer).ok_or("no metadata of version 15")?;
        let spec_version = node.runtime_version(None)?["specVersion"].as_u64();
        let spec_version = spec_version.ok_or("no spec version")?.try_into()?;
        Ok(Self { runtime: Runtime::new(spec_version, &metadata)?, node })
    }

    /// Registers all neurons with their axons; the validators stake, get permits, and set weights
    /// that one epoch has counted.
    fn populate(&mut self) -> Fallible<()> {
        let netuid = NETUID;
        for number in 0..N_NEURONS {
            let hotkey = hotkey(number)?.account_id();
            self.submit(&coldkey(number)?, &Call::BurnedRegister { netuid, hotkey })?;
        }
        self.make_block()?;
        for number in 0..N_NEURONS {
            let [high, low] = number.to_be_bytes();
            let address = SocketAddr::from((Ipv4Addr::new(198, 51 + high, 100, low), 8_091));
            let axon = AxonInfo::for_address(address, SDK_VERSION);
            self.submit(&hotkey(number)?, &Call::ServeAxon { netuid, axon: &axon })?;
        }
        for number in 0..N_VALIDATORS {
            let amount = 100 * RAO_PER_TAO + u64::from(number);
            let hotkey = hotkey(number)?.account_id();
            self.submit(&coldkey(number)?, &Call::AddStake { netuid, hotkey, amount })?;
        }
        self.make_blocks_of_an_epoch()?;
        for number in 0..N_VALIDATORS {
            let given = (0..WEIGHED).map(|nth| (Uid(N_VALIDATORS + nth), 1 + nth * number));
            let weights = WeightVector::new(given.collect())?;
            let setting = WeightSetting::Plain { weights, version_key: 0 };
            self.submit(&hotkey(number)?, &Call::Weights { netuid, setting: &setting })?;
        }
        self.make_blocks_of_an_epoch()
    }

    fn submit(&mut self, signer: &Keypair, call: &Call<'_>) -> Fallible<()> {
        let last_block = last_block(self.node.best().number);
        let birth = birth_block(last_block).and_then(|birth| self.node.block_hash(birth));
        let terms = SigningTerms {
            genesis: self.node.genesis_hash(),
            transaction_version: 1,
            mortality: Mortality { nonce: self.node.next_nonce(&signer.account_id()), last_block },
            birth_hash: birth.ok_or("the newest block has no hash")?,
        };
        let transaction = sign(&self.runtime, call, signer, &terms)?;
        self.node.submit(&transaction.bytes)?;
        Ok(())
    }

    fn make_blocks_of_an_epoch(&mut self) -> Fallible<()> {
        (0..=TEMPO).try_for_each(|_| self.make_block())
    }

    fn make_block(&mut self) -> Fallible<()> {
        let waiting = self.node.pending().len();
        let number = self.node.best().number + 1;
        let included = self.node.produce_block(STARTED_MS + number * BLOCK_MS).included;
        match included.len() == waiting {
            true => Ok(()),
            false => Err("a block left transactions behind".into()),
        }
    }
}
