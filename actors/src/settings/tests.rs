//! Settings from all sources, for every role.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;

fn load_text<C: RoleConfig>(text: &str) -> Result<Loaded<C>, SettingsError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.toml");
    std::fs::write(&path, text).unwrap();
    load(&Sources { file: Some(path), ..Sources::default() })
}

fn load_variables<C: RoleConfig>(variables: &[(&str, &str)]) -> Result<Loaded<C>, SettingsError> {
    let variables = variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    load(&Sources { variables: variables.collect(), ..Sources::default() })
}

fn load_flag<C: RoleConfig>(key: &str, word: &str) -> Result<Loaded<C>, SettingsError> {
    let flag = GivenFlag { key: key.to_owned(), flag: key.to_owned(), given: Given::word(word) };
    load(&Sources { flags: vec![flag], ..Sources::default() })
}

#[test]
fn roles_have_their_own_defaults() {
    let validator = ValidatorConfig::defaults();
    assert_eq!(validator.asking.conversation.timeout, Duration::from_secs(15));
    assert!(validator.node.subtensor.names_main_network());
    let miner = MinerConfig::defaults();
    assert_eq!((&*miner.miner.miner, miner.axon.port.number()), ("model", 8091));
    assert_eq!((miner.sampling.top_k, validator.asking.sampling.top_k), (50, 0));
    let localnet = LocalnetConfig::defaults();
    assert_eq!(localnet.asking.conversation.timeout, Duration::from_secs(10));
    assert_eq!((localnet.localnet.miners, localnet.axon.port), (7, 0));
}

/// A key that a role does not read is no setting of that role.
#[test]
fn a_role_has_the_keys_that_it_reads() {
    let has = |role: Role, key: &str| role.settings().iter().any(|setting| setting.key == key);
    for key in ["axon.ip", "axon.threads", "axon.limits.max_streams", "axon.rules.verify"] {
        assert!(has(Role::Miner, key) && !has(Role::Validator, key), "{key}");
        assert!(Role::Validator.retired().iter().any(|setting| setting.key == key), "{key}");
    }
    assert!(has(Role::Validator, "models.encoder") && !has(Role::Miner, "models.encoder"));
    assert!(
        has(Role::Validator, "dendrite.max_chunks") && !has(Role::Miner, "dendrite.max_chunks")
    );
    assert!(!has(Role::Localnet, "wallet.name") && !has(Role::Localnet, "metagraph.stale_after"));
}

/// Every `.rs` file below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let files = files.into_iter().filter(|path| path.extension().is_some_and(|kind| kind == "rs"));
    files.chain(folders.iter().flat_map(|folder| sources(folder))).collect()
}

/// A key whose name no code outside of the settings holds is a setting that does nothing.
#[test]
fn every_key_is_read_by_some_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let others =
        sources(&folder).into_iter().filter(|path| !path.starts_with(folder.join("settings")));
    let text: String = others.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let words: HashSet<&str> = text.split(|letter| !is_word(letter)).collect();
    for setting in ALL_ROLES.into_iter().flat_map(Role::settings) {
        let (_, name) = setting.table_and_name();
        assert!(words.contains(name), "nothing reads `{}`", setting.key);
    }
}

#[test]
fn keys_and_flags_are_unique_and_every_setting_is_explained() {
    for role in ALL_ROLES {
        let mut names = HashSet::new();
        for setting in role.settings() {
            let help = setting.help();
            assert!(help.split_whitespace().count() > 2 && help.ends_with('.'), "{}", setting.key);
            assert!(names.insert(setting.key.clone()), "{} twice", setting.key);
            let is_own = setting.flag == setting.key || names.insert(setting.flag.clone());
            assert!(is_own, "--{} twice", setting.flag);
            assert!(setting.other_flags.iter().all(|name| names.insert((*name).to_owned())));
        }
        for setting in role.retired() {
            assert!(names.insert(setting.key.clone()), "{} is retired and read", setting.key);
        }
    }
}

/// What a role writes as its defaults, it reads as its defaults, from a file, from variables and
/// from flags.
#[test]
fn defaults_are_read_back_from_every_source() {
    fn check<C: RoleConfig + PartialEq + std::fmt::Debug>() {
        let settings = C::ROLE.settings();
        let file = load_text::<C>(&generate::file(C::ROLE)).unwrap();
        assert_eq!(file.config, C::defaults(), "file");
        let variables = settings.iter().map(|it| (it.variable(), it.words.join(",")));
        let sources = Sources { variables: variables.collect(), ..Sources::default() };
        assert_eq!(load::<C>(&sources).unwrap().config, C::defaults(), "variables");
        let flags = settings.iter().map(|it| GivenFlag {
            key: it.key.clone(),
            flag: it.flag.clone(),
            given: Given::words(it.words.clone(), false),
        });
        let sources = Sources { flags: flags.collect(), ..Sources::default() };
        assert_eq!(load::<C>(&sources).unwrap().config, C::defaults(), "flags");
    }
    check::<ValidatorConfig>();
    check::<MinerConfig>();
    check::<LocalnetConfig>();
    check::<QueryConfig>();
}

#[test]
fn a_flag_goes_before_a_variable_and_a_variable_before_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.toml");
    std::fs::write(&path, "[neuron]\ntimeout = 3.5\nsample_size = 3\nmax_tokens = 30\n").unwrap();
    let variables = [("SN1_NEURON__TIMEOUT", "4s"), ("SN1_NEURON__SAMPLE_SIZE", "4")];
    let variables = variables.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec();
    let (key, flag) = ("neuron.timeout".to_owned(), "neuron.timeout".to_owned());
    let flags = vec![GivenFlag { key, flag, given: Given::word("250ms") }];
    let sources = Sources { file: Some(path.clone()), variables, flags };
    let loaded = load::<LocalnetConfig>(&sources).unwrap();
    let conversation = &loaded.config.asking.conversation;
    assert_eq!(conversation.timeout, Duration::from_millis(250));
    assert_eq!((conversation.sample_size, loaded.config.asking.sampling.max_tokens), (4, 30));
    assert_eq!(loaded.origin("neuron.timeout"), Origin::Flag("neuron.timeout".to_owned()));
    let variable = Origin::Variable("SN1_NEURON__SAMPLE_SIZE".to_owned());
    assert_eq!(loaded.origin("neuron.sample_size"), variable);
    assert_eq!(loaded.origin("neuron.max_tokens"), Origin::File(path));
    assert_eq!(loaded.origin("netuid"), Origin::Default);
}

#[test]
fn bad_values_name_their_key_their_source_and_the_rule() {
    let table = [
        ("netuid = \"one\"", "`netuid` is `one`", "a whole number"),
        ("[neuron]\ntimeout = -1.0", "`neuron.timeout` is `-1`", "a time"),
        ("[neuron]\ntimeout = \"11m\"", "`neuron.timeout` is `11m`", "between 50ms and 10m"),
        ("[localnet]\nminers = 0", "`localnet.miners`", "between 1 and 64"),
        ("[neuron]\ntop_p = 0", "`neuron.top_p`", "above 0"),
        ("[neuron]\ndevice = \"gpu\"", "`neuron.device` is `gpu`", "cpu or cuda"),
        ("[neuron]\ndevice = []", "`neuron.device`", "cpu or cuda"),
        ("[neuron]\ntimeout = [1, 2]", "`neuron.timeout` is `1,2`", "not a list"),
        ("[axon.limits]\nmax_streams = 0", "`axon.limits.max_streams`", "between 1 and"),
        ("[axon.limits]\nstrangers_burst = 0.5", "`axon.limits.strangers_burst`", "between 1 and"),
        ("[axon.rules]\nverify = \"slack\"", "`axon.rules.verify`", "strict, lenient"),
        ("[axon.rules]\ndeny = [\"5Not\"]", "`axon.rules.deny` is `5Not`", "an SS58 address"),
        ("[axon.rules]\nmin_stake = -1", "`axon.rules.min_stake`", "an amount of TAO"),
        ("[neuron]\ntasks = [\"dance\"]", "`neuron.tasks` is `dance`", "tasks"),
    ];
    for (text, key, rule) in table {
        let error = load_text::<LocalnetConfig>(text).unwrap_err().to_string();
        let is_named = error.contains(key) && error.contains(rule) && error.contains("node.toml");
        assert!(is_named && error.lines().count() == 1, "{text}: {error}");
    }
    let error = load_flag::<MinerConfig>("axon.external_ip", "1.2.3").unwrap_err().to_string();
    assert!(error.contains("--axon.external_ip") && error.contains("an IP address"), "{error}");
    let error = load_variables::<MinerConfig>(&[("SN1_AXON__PORT", "x")]).unwrap_err().to_string();
    assert!(error.contains("SN1_AXON__PORT") && error.contains("a whole number"), "{error}");
}

#[test]
fn what_does_not_go_together_is_refused() {
    let table = [
        ("[neuron]\ntasks = [\"qa\"]", "`neuron.task_p`"),
        ("[metagraph]\ntoo_old_after = 3", "`metagraph.stale_after`"),
        ("[telemetry]\npublish = true", "--telemetry.ip"),
        ("[axon]\nport = 0", "--axon.off"),
    ];
    for (text, part) in table {
        let error = load_text::<ValidatorConfig>(text).unwrap_err().to_string();
        assert!(error.contains(part) && error.lines().count() == 1, "{text}: {error}");
    }
    load_text::<ValidatorConfig>("[axon]\nport = 0\noff = true").unwrap();
}

#[test]
fn an_unknown_key_names_its_source_and_a_near_one_only() {
    let error = load_text::<LocalnetConfig>("[neuron]\nsample_sise = 3\n").unwrap_err().to_string();
    let parts = ["`neuron.sample_sise`", "`neuron.sample_size`", "node.toml"];
    assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    let error = load_text::<MinerConfig>("[neuron]\nepoch = 3\n").unwrap_err().to_string();
    assert!(!error.contains("did you mean"), "{error}");
}

/// Files, variables and command lines of earlier versions still start a node.
#[test]
fn keys_that_nothing_reads_are_named_in_one_notice() {
    let text = "[axon]\nip = \"0.0.0.0\"\nport = 9\n[axon.limits]\nmax_streams = 3\n";
    let loaded = load_text::<ValidatorConfig>(text).unwrap();
    assert_eq!((loaded.config.axon.port, loaded.notices.len()), (9, 1));
    let notice = &loaded.notices[0];
    for part in ["`axon.ip`", "`axon.limits.max_streams`", "node.toml", "sn1 validator"] {
        assert!(notice.contains(part), "{notice}");
    }
    let variables = [("SN1_AXON__THREADS", "2"), ("SN1_AXON__RULES__VERIFY", "lenient")];
    let loaded = load_variables::<ValidatorConfig>(&variables).unwrap();
    assert_eq!(loaded.notices.len(), 1, "{:?}", loaded.notices);
    let loaded = load_flag::<MinerConfig>("models.encoder", "x").unwrap();
    assert!(loaded.notices[0].contains("models.encoder"), "{:?}", loaded.notices);
}

#[test]
fn variables_are_read_as_flags_are() {
    let miner = |name: &str, text: &str| load_variables::<MinerConfig>(&[(name, text)]).unwrap();
    let endpoints = "ws://127.0.0.1:9944,ws://127.0.0.1:9945";
    let loaded = miner("SN1_SUBTENSOR__CHAIN_ENDPOINT", endpoints);
    assert_eq!(loaded.config.node.subtensor.chain_endpoint.len(), 2);
    let alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
    assert_eq!(miner("SN1_AXON__RULES__ALLOW", alice).config.rules.allow.len(), 1);
    assert!(miner("SN1_LOGGING__DEBUG", "True").config.node.logging.debug);
    assert!(miner("SN1_LOGGING__DEBUG", "1").config.node.logging.debug);
    assert_eq!(miner("SN1_AXON__EXTERNAL_PORT", "").config.node.published.external_port, 0);
    assert_eq!(miner("SN1_WALLET__HOTKEY", "007").config.node.wallet.hotkey, "007");
    assert_eq!(miner("SN1_WALLET__NAME", "true").config.node.wallet.name, "true");
    assert_eq!(miner("SN1_NETUID", "61").config.node.subnet.netuid, 61);
}

#[test]
fn variables_of_an_orchestrator_are_not_settings() {
    let links = [
        ("SN1_SERVICE_HOST", "10.0.0.1"),
        ("SN1_SERVICE_PORT", "8091"),
        ("SN1_PORT", "tcp://10.0.0.1:8091"),
        ("SN1_PORT_8091_TCP", "tcp://10.0.0.1:8091"),
        ("SN1_PORT_8091_TCP_ADDR", "10.0.0.1"),
        ("SN1_AXON_PORT", "tcp://10.0.0.1:8091"),
        ("SN1_FAILPOINT", "after_sign:1"),
    ];
    let loaded = load_variables::<MinerConfig>(&links).unwrap();
    assert!(loaded.notices.is_empty(), "{:?}", loaded.notices);
    let loaded = load_variables::<MinerConfig>(&[("SN1_VERSION", "1")]).unwrap();
    assert!(loaded.notices[0].contains("SN1_VERSION"), "{:?}", loaded.notices);
    let loaded = load_variables::<MinerConfig>(&[("SN1_LOCALNET__TEMPO", "9")]).unwrap();
    assert!(loaded.notices[0].contains("SN1_LOCALNET__TEMPO"), "{:?}", loaded.notices);
    for (name, part) in
        [("SN1_AXON_PORT", "`SN1_AXON__PORT`"), ("SN1_WALLET__NMAE", "`wallet.name`")]
    {
        let error = load_variables::<MinerConfig>(&[(name, "8091")]).unwrap_err().to_string();
        assert!(error.contains(part) && error.contains(name), "{error}");
    }
}

#[test]
fn variables_of_the_sdks_are_defaults() {
    let loaded = load_variables::<MinerConfig>(&[
        ("BT_WALLET_NAME", "ten"),
        ("BT_WALLET_HOTKEY", "007"),
        ("BT_WALLET_PATH", "~/wallets"),
        ("BT_SUBTENSOR_NETWORK", "test"),
        ("BT_AXON_PORT", "9000"),
        ("BT_AXON_IP", "[::]"),
        ("BT_AXON_EXTERNAL_PORT", "9001"),
        ("BT_AXON_EXTERNAL_IP", "192.0.2.1"),
        ("BT_LOGGING_DEBUG", "yes"),
        ("BT_LOGGING_TRACE", ""),
        ("BT_AXON_MAX_WORKERS", "4"),
        ("BT_OTHER", "x"),
        ("SN1_AXON__EXTERNAL_PORT", "9002"),
    ])
    .unwrap();
    let node = &loaded.config.node;
    assert_eq!((&*node.wallet.name, &*node.wallet.hotkey), ("ten", "007"));
    assert_eq!(node.published.external_port, 9002, "ours go before theirs");
    assert_eq!(node.published.external_ip, Some("192.0.2.1".parse().unwrap()));
    assert_eq!((loaded.config.axon.port.number(), node.subtensor.shown()), (9000, "test".into()));
    assert!(node.logging.debug && !node.logging.trace);
    assert_eq!(loaded.origin("wallet.name"), Origin::Variable("BT_WALLET_NAME".to_owned()));
    assert_eq!(loaded.notices.len(), 1, "{:?}", loaded.notices);
    assert!(loaded.notices[0].contains("BT_AXON_MAX_WORKERS"));

    let eleven = [("BT_WALLET", "eleven"), ("BT_NETWORK", "ws://127.0.0.1:1")];
    let loaded = load_variables::<MinerConfig>(&eleven).unwrap();
    assert_eq!(loaded.origin("wallet.name"), Origin::Variable("BT_WALLET".to_owned()));
    assert_eq!(loaded.config.node.subtensor.shown(), "ws://127.0.0.1:1");
    let error = load_variables::<MinerConfig>(&[("BT_AXON_PORT", "x")]).unwrap_err().to_string();
    assert!(error.contains("BT_AXON_PORT") && error.contains("a whole number"), "{error}");
}

/// A file was written for this node, and a network that was asked for is another chain.
#[test]
fn what_was_written_for_this_node_goes_before_variables_of_the_sdks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.toml");
    std::fs::write(&path, "[wallet]\nname = \"file\"\n[subtensor]\nnetwork = \"test\"\n").unwrap();
    let endpoint = "BT_SUBTENSOR_CHAIN_ENDPOINT";
    let variables = [("BT_WALLET_NAME", "sdk"), (endpoint, "ws://127.0.0.1:1")];
    let variables = variables.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec();
    let mut sources = Sources { file: Some(path), variables, ..Sources::default() };
    let loaded = load::<MinerConfig>(&sources).unwrap().config.node;
    assert_eq!((&*loaded.wallet.name, loaded.subtensor.shown()), ("file", "test".to_owned()));
    sources.file = None;
    let loaded = load::<MinerConfig>(&sources).unwrap().config.node;
    assert_eq!(loaded.subtensor.shown(), "ws://127.0.0.1:1");

    let of = |network| [("BT_CHAIN_ENDPOINT", "ws://127.0.0.1:2"), ("BT_NETWORK", network)];
    let local = load_variables::<MinerConfig>(&of("local")).unwrap();
    assert_eq!(local.config.node.subtensor.shown(), "ws://127.0.0.1:2");
    assert!(local.notices.is_empty(), "{:?}", local.notices);
    let other = load_variables::<MinerConfig>(&of("test")).unwrap();
    assert_eq!(other.config.node.subtensor.shown(), "test");
    assert!(other.notices[0].contains("BT_CHAIN_ENDPOINT"), "{:?}", other.notices);
}

/// No number is taken that no node can work with: each has a range, its own or its type's.
#[test]
fn every_number_has_a_range() {
    fn check<C: RoleConfig>() -> usize {
        let is_number = |it: &&Setting| {
            let is_amount = ["TIME", "SHARE", "TAO"].contains(&it.placeholder);
            matches!(it.shape, Shape::Number | Shape::Numbers) || is_amount
        };
        let numbers = C::ROLE.settings().iter().filter(is_number);
        numbers
            .map(|setting| {
                for word in ["-1", "1e300", "nan", "inf", "99999999999999999999", "x"] {
                    // More TAO than there can be is as much as there can be.
                    if setting.placeholder == "TAO" && word.len() == 20 {
                        continue;
                    }
                    let error = load_flag::<C>(&setting.key, word).map(|_| ());
                    assert!(error.is_err(), "{} takes {word:?}", setting.key);
                }
            })
            .count()
    }
    assert!(20 < check::<ValidatorConfig>() && 20 < check::<MinerConfig>());
    assert!(20 < check::<LocalnetConfig>() && 1 < check::<QueryConfig>());
}

#[test]
fn endpoints_go_before_the_network_and_a_missing_scheme_is_said() {
    let loaded = load_flag::<MinerConfig>("subtensor.chain_endpoint", "127.0.0.1:9944").unwrap();
    let Network(nodes) = loaded.config.node.subtensor.nodes();
    assert_eq!(nodes[0].to_string(), "ws://127.0.0.1:9944");
    assert!(loaded.notices[0].contains("ws://127.0.0.1:9944"), "{:?}", loaded.notices);
    for (key, word) in [("subtensor.network", "mainnet"), ("subtensor.chain_endpoint", "finney")] {
        let error = load_flag::<MinerConfig>(key, word).unwrap_err().to_string();
        assert!(error.contains(&format!("`{key}` is `{word}`")), "{error}");
    }
    let text = "[subtensor]\nchain_endpoint = \"ws://127.0.0.1:1\"\n";
    assert_eq!(load_text::<MinerConfig>(text).unwrap().config.node.subtensor.nodes().0.len(), 1);
}

#[test]
fn every_path_may_begin_with_the_home_folder() {
    let home = std::env::home_dir().unwrap();
    let text = "[wallet]\npassword_file = \"~/hotkey.pw\"\n[neuron]\n\
                model_id = \"~/models/model.gguf\"\n[models]\nfolder = \"~/models\"\n";
    let config = load_text::<MinerConfig>(text).unwrap().config;
    let password_file = config.node.wallet.password_file.unwrap();
    assert_eq!(password_file.resolved(), home.join("hotkey.pw"));
    assert_eq!(config.folder.folder.resolved(), home.join("models"));
    let model = home.join("models/model.gguf").display().to_string();
    assert_eq!(config.model.model_id.resolved(), model);
}
