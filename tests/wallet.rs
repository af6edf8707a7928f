//! `sn1 wallet`, the real binary: the official wallet reads what it writes, it reads what the
//! official wallet writes, and no secret leaks.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "wallet/official.rs"]
mod official;

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use serde_json::{Value, json};
use sn1::wallet::Keypair;
use sn1::wallet::keyfile::{open_keyfile, parse_keyfile, parse_public_keyfile};
use sn1::wallet::password::{Password, password_variable};
use tempfile::TempDir;

const PHRASE: &str = "legal winner thank year wave sausage worth useful legal winner thank yellow";
const SEED: &str = "6fa2796b0071cac425d8a7851038318c2c37dcebfe4bae73197ce93e75909bd2";
const ADDRESS: &str = "5EHgWw2Af1pnoc7f1A8bfmM97W3DAYW8xr82RfhLL9oAabAe";
const PASSWORD: &str = "a Pässword of mine 7";

/// A home folder with wallets in the official wallet's folder.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        std::fs::write(home.0.path().join("password"), format!("{PASSWORD}\n")).unwrap();
        home
    }

    fn wallets(&self) -> PathBuf {
        self.0.path().join(".bittensor/wallets")
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sn1"));
        command.current_dir(self.0.path()).env("HOME", self.0.path()).arg("wallet");
        command.args(line.split_whitespace());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, line: &str, input: &str) -> Said {
        said(&mut self.command(line), input)
    }

    /// Runs `sn1 wallet`, which must succeed; returns its JSON.
    fn json(&self, line: &str, input: &str) -> Value {
        let said = self.run(&format!("{line} --json"), input);
        assert_eq!(said.code, Some(0), "{line}: {said:?}");
        serde_json::from_str(&said.out).unwrap()
    }

    fn read(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.wallets().join(file)).unwrap()
    }
}

#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

fn said(command: &mut Command, input: &str) -> Said {
    let mut child = command.spawn().unwrap();
    // A command that refuses its flags reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: status.code(), out: text(stdout), err: text(stderr) }
}

fn address_in(keyfile: &[u8]) -> String {
    parse_keyfile(keyfile).unwrap().account_id().to_ss58()
}

#[test]
fn a_new_wallet_is_written_as_the_official_one_writes_it() {
    let home = Home::new();
    let made = home.json(
        "new --wallet.name me --wallet.hotkey h1 --n-words 24 --password-file password \
         --print-mnemonic",
        "",
    );
    let folder = home.wallets().join("me");
    for file in ["coldkey", "coldkeypub.txt", "hotkeys/h1", "hotkeys/h1pub.txt"] {
        let mode = folder.join(file).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let (coldkey, hotkey) = (&made[0], &made[1]);
    assert_eq!((&coldkey["encrypted"], &hotkey["encrypted"]), (&json!(true), &json!(false)));
    assert_eq!(address_in(&home.read("me/hotkeys/h1")), hotkey["address"]);
    for (file, key) in [("me/coldkeypub.txt", coldkey), ("me/hotkeys/h1pub.txt", hotkey)] {
        let account = parse_public_keyfile(&home.read(file)).unwrap();
        assert_eq!(account.to_ss58(), key["address"], "{file}");
    }
    let sealed = home.read("me/coldkey");
    let opened = open_keyfile(&sealed, &Password::new(PASSWORD)).unwrap();
    assert_eq!(opened.account_id().to_ss58(), coldkey["address"]);
    for key in [coldkey, hotkey] {
        let words = key["mnemonic"].as_str().unwrap();
        assert_eq!(words.split(' ').count(), 24);
        let again = Keypair::from_suri(words).unwrap().account_id().to_ss58();
        assert_eq!(again, key["address"]);
    }

    let shown = home.json("show --wallet.name me", "");
    assert_eq!(shown["coldkey"]["address"], coldkey["address"]);
    assert_eq!(shown["coldkey"]["protection"], "encrypted");
    assert_eq!(shown["hotkeys"][0]["name"], "h1");
    assert_eq!(shown["hotkeys"][0]["address"], hotkey["address"]);
    assert_eq!(shown["hotkeys"][0]["protection"], "unencrypted");
    let second = home.run("new --wallet.name me --wallet.hotkey h2 --hotkey-only", "");
    assert_eq!(second.code, Some(0), "{second:?}");
    assert_eq!(home.read("me/coldkey"), sealed);
    let listed = home.run("list", "");
    let lines: Vec<_> = listed.out.lines().collect();
    assert_eq!(lines.len(), 3, "{listed:?}");
    assert_eq!(lines[0], format!("me  {}  encrypted", coldkey["address"].as_str().unwrap()));
    assert_eq!(lines[1], format!("  h1  {}  not encrypted", hotkey["address"].as_str().unwrap()));
    assert!(lines[2].starts_with("  h2  5"), "{listed:?}");
}

#[test]
fn keys_come_back_from_phrase_seed_and_secret_uri() {
    let home = Home::new();
    let table = [
        ("--mnemonic -", PHRASE, ADDRESS),
        ("--seed -", SEED, ADDRESS),
        ("--suri -", "//Alice", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"),
    ];
    for (i, (flags, secret, address)) in table.into_iter().enumerate() {
        let line = format!("regen --wallet.name w{i} --no-password {flags}");
        let made = home.json(&line, &format!("{secret}\n"));
        assert_eq!(made[0]["address"], address);
        assert_eq!(made[0]["mnemonic"], Value::Null);
        assert_eq!(address_in(&home.read(&format!("w{i}/coldkey"))), address);
        home.json(&format!("regen --wallet.name w{i} --wallet.hotkey h {flags}"), secret);
        assert_eq!(address_in(&home.read(&format!("w{i}/hotkeys/h"))), address);
    }
    home.json(&format!("regen --wallet.name node --coldkeypub {ADDRESS}"), "");
    let shown = home.json("show --wallet.name node", "");
    assert_eq!(shown["coldkey"]["address"], ADDRESS);
    assert_eq!(shown["coldkey"]["protection"], "no_secret");
}

#[test]
fn nothing_is_replaced_without_force() {
    let home = Home::new();
    let regen = "regen --wallet.name me --no-password --seed -";
    home.json(regen, SEED);
    let before = home.read("me/coldkey");
    for line in [regen, "new --wallet.name me --no-password"] {
        let refused = home.run(line, &"11".repeat(32));
        assert_eq!((refused.code, refused.out.as_str()), (Some(73), ""), "{refused:?}");
        assert!(refused.err.contains("me/coldkey exists already"), "{refused:?}");
        assert_eq!(home.read("me/coldkey"), before);
    }
    assert!(!home.wallets().join("me/hotkeys").exists(), "none, where one is in the way");
    home.json(&format!("{regen} --force"), &"11".repeat(32));
    assert_ne!(home.read("me/coldkey"), before);
    let pub_now = parse_public_keyfile(&home.read("me/coldkeypub.txt")).unwrap();
    assert_eq!(pub_now.to_ss58(), address_in(&home.read("me/coldkey")));
}

#[test]
fn phrases_are_printed_only_where_they_are_asked_for() {
    let home = Home::new();
    let quiet = home.run("new --wallet.name one --no-password", "");
    assert_eq!(quiet.code, Some(0), "{quiet:?}");
    assert!(quiet.err.contains("were not printed"), "{quiet:?}");
    let file: Value = serde_json::from_slice(&home.read("one/coldkey")).unwrap();
    let (words, seed) = (file["secretPhrase"].as_str().unwrap(), file["secretSeed"].as_str());
    let json = home.run("new --wallet.name two --no-password --json", "");
    assert!(!json.out.contains("mnemonic"), "{json:?}");
    let shown = home.run("show --wallet.name one", "");
    let listed = home.run("list --json", "");
    for said in [&quiet, &shown, &listed] {
        let all = format!("{}{}", said.out, said.err);
        assert!(!all.contains(words) && !all.contains(seed.unwrap()), "{all}");
    }
    let loud = home.run("new --wallet.name three --no-password --print-mnemonic", "");
    let file: Value = serde_json::from_slice(&home.read("three/coldkey")).unwrap();
    assert!(loud.out.contains(file["secretPhrase"].as_str().unwrap()), "{loud:?}");
}

#[test]
fn damaged_files_are_named_and_the_others_listed_all_the_same() {
    let home = Home::new();
    home.json("regen --wallet.name good --no-password --seed -", SEED);
    home.json("regen --wallet.name good --wallet.hotkey fine --seed -", SEED);
    let hotkeys = home.wallets().join("good/hotkeys");
    let fine = home.read("good/hotkeys/fine");
    let bob = std::str::from_utf8(&fine)
        .unwrap()
        .replace(ADDRESS, "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty");
    let files: [(&str, &[u8]); 5] = [
        ("cut", &fine[..fine.len() / 2]),
        ("other", bob.as_bytes()),
        ("sealed", b"$NACLxyz"),
        ("\u{1b}[2Jname", b"{}"),
        ("publicpub.txt", &home.read("good/coldkeypub.txt")),
    ];
    for (name, bytes) in files {
        std::fs::write(hotkeys.join(name), bytes).unwrap();
        let mode = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(hotkeys.join(name), mode).unwrap();
    }
    std::fs::set_permissions(hotkeys.join("fine"), std::fs::Permissions::from_mode(0o640)).unwrap();
    std::fs::create_dir_all(home.wallets().join("empty")).unwrap();
    let said = home.run("list", "");
    assert_eq!(said.code, Some(0), "{said:?}");
    for part in [
        "empty  unknown address  public half only\n    ! coldkeypub.txt is missing\n",
        "hotkeys/cut: this is not a key file",
        "hotkeys/other: the key file is damaged: it states 5FHneW46",
        &format!("  fine    {ADDRESS}  not encrypted\n"),
        "hotkeys/fine: other users can read or write it; run chmod 600",
        &format!("  public  {ADDRESS}  public half only\n"),
        "  sealed  unknown address  encrypted\n",
    ] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    assert!(!said.out.contains('\u{1b}'), "{}", said.out);
    // One that was asked for by name and that no node can use is an error.
    for (name, code) in [("fine", 0), ("public", 0), ("cut", 65), ("other", 65), ("sealed", 65)] {
        let said = home.run(&format!("show --wallet.name good --wallet.hotkey {name}"), "");
        assert_eq!(said.code, Some(code), "{name}: {said:?}");
        assert!(said.out.contains(name), "{name}: {said:?}");
    }
    assert_eq!(home.run("show --wallet.name good", "").code, Some(0));
}

#[test]
fn what_cannot_be_done_is_said_in_one_sentence_without_the_secret() {
    let home = Home::new();
    let table = [
        ("show --wallet.name nobody", "", 66, "there is no wallet"),
        ("list --wallet.path nowhere", "", 66, "cannot read the folder of wallets nowhere"),
        ("new --wallet.name a/b --no-password", "", 64, "cannot be the name of a file"),
        ("new --wallet.name me --n-words 13 --no-password", "", 64, "not 13"),
        ("new --wallet.name me", "", 77, "BT_PW_"),
        ("new --wallet.name me --password-file none", "", 66, "cannot read the password file"),
        ("regen --wallet.name me --no-password --seed 6fa2796b", "", 64, "command line"),
        ("regen --wallet.name me --no-password --seed -", "6fa2796b\n", 65, "64 hex digits"),
        ("regen --wallet.name me --no-password --seed -", "", 65, "ended before a line"),
        ("regen --wallet.name me --no-password --mnemonic -", "sausage", 65, "not 1"),
        ("regen --wallet.name me --no-password --suri -", "\n", 65, "empty"),
        ("regen --wallet.name me --wallet.hotkey h --coldkeypub", "", 64, "value"),
        ("regen --wallet.name me", "", 64, "required"),
    ];
    for (line, input, code, part) in table {
        let said = home.run(line, input);
        assert_eq!((said.code, said.out.as_str()), (Some(code), ""), "{line}: {said:?}");
        assert!(said.err.starts_with("error: ") && said.err.contains(part), "{line}: {said:?}");
        assert!(!said.err.contains("6fa2796b") && !said.err.contains("sausage"), "{said:?}");
        assert!(!home.wallets().join("me").exists(), "{line}");
    }
    std::fs::write(home.0.path().join("password"), "short\n").unwrap();
    let said = home.run("new --wallet.name me --password-file password", "");
    assert_eq!(said.code, Some(64), "{said:?}");
    assert!(said.err.contains("at least 8 characters"), "{said:?}");
}

/// The master's side, and the terminal that the command sees.
fn terminal() -> (File, File) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let slave = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    (File::from(master), slave)
}

/// Reads until the text has arrived; the test runner sets the deadline.
fn wait_for(output: &mut impl Read, part: &str) {
    let (mut seen, mut byte) = (Vec::new(), [0]);
    while !seen.ends_with(part.as_bytes()) {
        let n_read = output.read(&mut byte).unwrap();
        assert_ne!(n_read, 0, "ended before {part}: {}", String::from_utf8_lossy(&seen));
        seen.push(byte[0]);
    }
}

#[test]
fn secrets_are_typed_without_echo_and_the_terminal_is_left_as_it_was() {
    for (typed, code) in [(format!("{SEED}\r"), 0), ("6fa2\u{3}".to_owned(), 130)] {
        let home = Home::new();
        let (mut master, slave) = terminal();
        let mut command = home.command("regen --wallet.name me --no-password --seed -");
        command.stdin(slave.try_clone().unwrap());
        let mut child = command.spawn().unwrap();
        wait_for(child.stderr.as_mut().unwrap(), "Seed (64 hex digits): ");
        assert!(!tcgetattr(&slave).unwrap().local_modes.contains(LocalModes::ECHO));
        master.write_all(typed.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let modes = tcgetattr(&slave).unwrap().local_modes;
        assert!(modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG));
        // The command has a copy of its own.
        drop((slave, command));
        let mut echoed = Vec::new();
        // Reading a terminal whose last user has gone ends with an error.
        let _ = master.read_to_end(&mut echoed);
        assert!(!String::from_utf8_lossy(&echoed).contains("6fa2"));
    }
}

#[test]
fn the_official_wallet_opens_what_ours_wrote() {
    let Some(official) = official::Wallet::find() else { return };
    let home = Home::new();
    let new = "new --wallet.name me --hotkey-password --password-file password";
    let made = home.json(new, "");
    let derived = Keypair::from_suri(&format!("{PHRASE}//hard/soft///password"));
    let derived = derived.unwrap().account_id().to_ss58();
    let hotkey = "regen --wallet.name me --wallet.hotkey";
    home.json(&format!("{hotkey} phrase --mnemonic -"), PHRASE);
    home.json(&format!("{hotkey} seed --seed -"), SEED);
    home.json(&format!("{hotkey} suri --suri -"), &format!("{PHRASE}//hard/soft///password"));
    let jobs = [
        ("coldkey", made[0]["address"].as_str().unwrap()),
        ("coldkeypub.txt", made[0]["address"].as_str().unwrap()),
        ("hotkeys/default", made[1]["address"].as_str().unwrap()),
        ("hotkeys/defaultpub.txt", made[1]["address"].as_str().unwrap()),
        ("hotkeys/phrase", ADDRESS),
        ("hotkeys/phrasepub.txt", ADDRESS),
        ("hotkeys/seed", ADDRESS),
        ("hotkeys/suri", &derived),
    ];
    for (file, address) in jobs {
        let path = home.wallets().join("me").join(file);
        let opened = official.open(&path, PASSWORD);
        assert_eq!(opened["address"], address, "{file}");
        let is_public = file.ends_with("pub.txt");
        assert_eq!(opened["signs"], !is_public, "{file}");
    }
}

#[test]
fn ours_opens_what_the_official_wallet_wrote() {
    let Some(official) = official::Wallet::find() else { return };
    let home = Home::new();
    let made = official.make(&home.wallets(), "theirs", PASSWORD);
    let listed = home.json("list", "");
    assert_eq!(listed[0]["coldkey"]["address"], made["coldkey"]);
    assert_eq!(listed[0]["coldkey"]["protection"], "encrypted");
    assert_eq!(listed[0]["coldkey"]["faults"], json!([]));
    assert_eq!(listed[0]["hotkeys"][0]["address"], made["hotkey"]);
    let sealed = home.read("theirs/hotkeys/default");
    let path: &Path = &home.wallets().join("theirs/hotkeys/default");
    let name = password_variable(path.to_str().unwrap());
    assert_eq!(made["variable"], name);
    let password = Password::from_variable(&name, made["value"].as_str().unwrap()).unwrap();
    let opened = open_keyfile(&sealed, &password).unwrap();
    assert_eq!(opened.account_id().to_ss58(), made["hotkey"]);
}

#[test]
fn the_password_is_taken_from_the_environment_as_the_official_wallet_puts_it_there() {
    let home = Home::new();
    let path = home.wallets().join("me/hotkeys/h");
    let name = password_variable(path.to_str().unwrap());
    let line = "regen --wallet.name me --wallet.hotkey h --hotkey-password --seed -";
    let mut command = home.command(line);
    command.env(&name, "not base64!");
    let refused = said(&mut command, SEED);
    assert_eq!(refused.code, Some(77), "{refused:?}");
    let mut command = home.command(line);
    command.env(&name, Password::new(PASSWORD).to_variable(&name));
    let made = said(&mut command, SEED);
    assert_eq!(made.code, Some(0), "{made:?}");
    let opened = open_keyfile(&home.read("me/hotkeys/h"), &Password::new(PASSWORD)).unwrap();
    assert_eq!(opened.account_id().to_ss58(), ADDRESS);
}
