//! Checks the structure: which module may import which, in what layers, and which actor answers
//! which message. A small scanner ([`source`]) reads the source. It follows paths that begin with
//! `crate`, `self`, `super` or the package's name, in `use` items and elsewhere; it does not see
//! the expansion of macros, and skips items under `cfg(test)`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

#[path = "architecture/graph.rs"]
mod graph;
#[path = "architecture/messages.rs"]
mod messages;
#[path = "architecture/source.rs"]
mod source;

use graph::{Graph, circles};
use source::Package;

/// A layer and its modules. A module may import from its own layer and from those above it in the
/// list, never from those below.
type Layers = [(&'static str, &'static [&'static str])];

/// The layers of the core, the lowest first.
const CORE: &Layers = &[
    ("ground", &["llm", "testing", "wallet"]),
    ("subjects", &["chain", "embedding", "synapse", "validation"]),
    ("records", &["devchain", "store", "telemetry"]),
];

/// The layers of the shell, the lowest first.
const SHELL: &Layers = &[
    (
        "ground",
        &[
            "away",
            "clock",
            "exit",
            "output",
            "port",
            "recording",
            "signals",
            "spawn",
            "supervision",
        ],
    ),
    ("vocabulary", &["feeds", "messages", "notice", "settings"]),
    ("parts", &["chain", "dendrite", "event_log", "inference", "telemetry", "wallet"]),
    ("neurons", &["axon", "conversation", "miners"]),
    ("tools", &["devnode", "query"]),
    ("application", &["app"]),
    ("command line", &["cli", "main"]),
];

fn core() -> Package {
    Package::read("sn1", &root("src"))
}

fn shell() -> Package {
    Package::read("sn1_actors", &root("actors/src"))
}

fn root(relative: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

fn text_of(relative: &str) -> String {
    std::fs::read_to_string(root(relative)).unwrap_or_else(|error| panic!("{relative}: {error}"))
}

/// Imports from a layer into a higher one, and modules that are in no layer.
fn layer_problems(modules: &Graph, layers: &Layers) -> Vec<String> {
    let layer_of: BTreeMap<&str, usize> = layers
        .iter()
        .enumerate()
        .flat_map(|(height, (_, modules))| modules.iter().map(move |module| (*module, height)))
        .collect();
    let names: BTreeSet<&str> = modules.nodes().collect();
    let unlisted = names.iter().filter(|module| !layer_of.contains_key(*module));
    let gone = layer_of.keys().filter(|module| !names.contains(*module));
    let missing = unlisted.map(|module| format!("`{module}` is in no layer"));
    let gone = gone.map(|module| format!("`{module}` is in a layer, but there is no such module"));
    let climbs = modules
        .arrows()
        .filter(|(from, to)| layer_of.get(from) < layer_of.get(to))
        .map(|(from, to)| format!("`{from}` imports `{to}` of a higher layer"));
    missing.chain(gone).chain(climbs).collect()
}

#[test]
fn no_module_imports_one_of_a_higher_layer() {
    for (package, layers) in [(core(), CORE), (shell(), SHELL)] {
        assert_eq!(layer_problems(&package.modules(), layers), [""; 0], "{}", package.name);
    }
}

#[test]
fn modules_form_no_circle() {
    for package in [core(), shell()] {
        assert_eq!(circles(&package.modules()), Vec::<Vec<String>>::new(), "{}", package.name);
    }
}

/// Outside, a module's file and those of its children count as one, so imports from a module into
/// its own children are not counted.
#[test]
fn files_form_no_circle() {
    for package in [core(), shell()] {
        assert_eq!(circles(&package.files()), Vec::<Vec<String>>::new(), "{}", package.name);
    }
}

#[test]
fn the_vocabulary_knows_no_actor() {
    let shell = shell();
    let (_, vocabulary) = SHELL[1];
    for file in shell.sources().filter(|file| vocabulary.contains(&file.module())) {
        let is_actor = ["Resident", "Handles", "Context"].iter().find(|word| file.says(word));
        assert_eq!(is_actor, None, "{}", file.path);
    }
}

/// Files beside `output.rs` that touch a standard stream: a prompt, and what a terminal is capable of.
const AT_A_TERMINAL: [&str; 4] =
    ["wallet/terminal.rs", "query/live.rs", "cli/logging.rs", "cli/wallet/make.rs"];

/// The macros panic when a line cannot be written, and a plain stream waits for its reader.
fn printers(package: &Package) -> Vec<String> {
    let words = ["print", "println", "eprint", "eprintln", "dbg", "stdout", "stderr"];
    let says = |file: &&source::Source, word: &str| match word {
        "stdout" | "stderr" => file.says(word) && !AT_A_TERMINAL.contains(&&*file.path),
        _ => file.around(word).any(|(_, after)| after[word.len()..].starts_with('!')),
    };
    let files = package.sources().filter(|file| file.path != "output.rs");
    files
        .filter(|file| words.iter().any(|word| says(file, word)))
        .map(|it| it.path.clone())
        .collect()
}

#[test]
fn one_module_prints() {
    for package in [core(), shell()] {
        assert_eq!(printers(&package), Vec::<String>::new(), "{}", package.name);
    }
}

/// Files in which time is a caller's own, which goes on while this process is away.
const BY_A_CALLERS_CLOCK: [&str; 4] =
    ["axon/admission.rs", "axon/stream.rs", "axon/tarpit.rs", "miners/model.rs"];

/// Elsewhere what is waited for is a peer's silence, of which `away` takes off our own absences.
fn plain_timeouts(package: &Package) -> Vec<String> {
    let is_plain = |(_, after): (&str, &str)| {
        let path = after.split([';', '(']).next().unwrap_or_default();
        let mut words = path.split(|next: char| !next.is_alphanumeric() && next != '_');
        path.starts_with("tokio::time::") && words.any(|it| it == "timeout" || it == "timeout_at")
    };
    let files = package
        .sources()
        .filter(|file| file.path != "away.rs" && !BY_A_CALLERS_CLOCK.contains(&&*file.path));
    files.filter(|file| file.around("tokio").any(is_plain)).map(|it| it.path.clone()).collect()
}

#[test]
fn silence_is_measured_without_our_own_absences() {
    assert_eq!(plain_timeouts(&shell()), Vec::<String>::new());
}

#[test]
fn the_map_shows_the_layers() {
    let map = text_of("ARCHITECTURE.md");
    for (package, layers) in [("core", CORE), ("shell", SHELL)] {
        for (name, modules) in layers {
            let modules: Vec<String> = modules.iter().map(|name| format!("`{name}`")).collect();
            let row = format!("| {package} | {name} | {} |", modules.join(", "));
            assert!(map.contains(&row), "ARCHITECTURE.md lacks the row {row}");
        }
    }
}

#[test]
fn the_table_of_messages_is_that_of_the_code() {
    let (told, found) = (messages::told(&text_of("docs/messages.md")), messages::found(&shell()));
    assert_eq!(told, found, "docs/messages.md and the code differ");
}

/// Each rule, applied to code that breaks it.
mod broken {
    use super::*;

    fn package(files: &[(&str, &str)]) -> Package {
        Package::of("sn1_actors", files)
    }

    #[test]
    fn a_circle_of_modules_is_found() {
        let package = package(&[
            ("axon.rs", "use crate::chain::Link;"),
            ("chain.rs", "pub fn f() { crate::axon::g() }"),
        ]);
        assert_eq!(circles(&package.modules()), [["axon", "chain"]]);
    }

    #[test]
    fn a_circle_of_files_is_found_whatever_way_they_are_named() {
        let package = package(&[
            ("axon.rs", "mod a; mod b; pub use a::A;"),
            ("axon/a.rs", "use super::{b::{self, B}, c};"),
            ("axon/b.rs", "use crate::axon::a::A;"),
        ]);
        assert_eq!(circles(&package.files()), [["axon/a.rs", "axon/b.rs"]]);
    }

    #[test]
    fn an_arrow_upwards_is_found() {
        let package = package(&[("clock.rs", "use crate::app::run;"), ("app.rs", "")]);
        let layers: &Layers = &[("low", &["clock"]), ("high", &["app", "cli"])];
        let problems = [
            "`cli` is in a layer, but there is no such module",
            "`clock` imports `app` of a higher layer",
        ];
        assert_eq!(layer_problems(&package.modules(), layers), problems);
        assert_eq!(
            layer_problems(&package.modules(), &layers[1..]).first().unwrap(),
            "`clock` is in no layer"
        );
    }

    #[test]
    fn a_file_that_prints_is_found() {
        let package = package(&[
            ("a.rs", "fn f() { println!(\"\"); }"),
            ("b.rs", "fn f() { let _ = writeln!(std::io::stderr()); }"),
            ("c.rs", "fn f() { output::print(\"eprintln!\"); stdout_line(1); }"),
            ("output.rs", "fn f() { std::io::stdout(); }"),
        ]);
        assert_eq!(printers(&package), ["a.rs", "b.rs"]);
    }

    #[test]
    fn a_timeout_by_the_plain_clock_is_found() {
        let package = package(&[
            ("a.rs", "use tokio::time::{Instant, timeout};"),
            ("b.rs", "async fn f() { tokio::time::timeout_at(at, work).await; }"),
            ("c.rs", "use crate::away::timeout; use tokio::time::sleep;"),
            ("axon/stream.rs", "use tokio::time::timeout;"),
        ]);
        assert_eq!(plain_timeouts(&package), ["a.rs", "b.rs"]);
    }

    #[test]
    fn what_is_no_import_is_passed_over() {
        let package = package(&[
            ("a.rs", "// use crate::b;\nconst T: &str = r#\"crate::b::B\"#; /* crate::b */"),
            (
                "b.rs",
                "#[cfg(test)]\nmod tests { use crate::a::A; }\n#[cfg(test)] use crate::a;\nfn f<'a>() -> char { '\"' }",
            ),
            ("c.rs", "use crate::{a as first, b::B};"),
        ]);
        let modules = package.modules();
        assert_eq!(modules.arrows().collect::<Vec<_>>(), [("c", "a"), ("c", "b")]);
    }

    #[test]
    fn a_row_that_is_not_true_is_found() {
        let code = package(&[
            (
                "messages/scores.rs",
                "#[derive(Message)]\n#[rtype(result = \"u32\")]\npub struct GetScores;",
            ),
            ("board.rs", "impl Handles<GetScores> for Scoreboard { }"),
            ("agent.rs", "fn f() { link.ask(GetScores, SOON); let GetTurns { .. } = 1; }"),
            ("other.rs", "struct Links { scores: Recipient<GetScores> }"),
        ]);
        let row = |sender: &str| {
            format!(
                "| [`GetScores`](x) | `u32` | [`{sender}`](y) | [`Scoreboard`](../actors/src/board.rs) |"
            )
        };
        assert_eq!(messages::told(&row("agent.rs")), messages::found(&code));
        assert_ne!(messages::told(&row("other.rs")), messages::found(&code));
        assert_ne!(messages::told(""), messages::found(&code));
    }
}
