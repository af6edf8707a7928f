//! `sn1 wallet new` and `sn1 wallet regen`. Secrets come from standard input, never from a flag,
//! where every process on the machine could read them.

use std::io::IsTerminal;
use std::path::Path;

use clap::Args;
use sn1::wallet::AccountId;
use sn1::wallet::password::Password;
use sn1_actors::output;
use sn1_actors::wallet::{
    Key, Made, NewFiles, Origin, PasswordSource, WalletFault, WalletFolder, read_origin,
};

use super::Common;

#[derive(Debug, Args)]
struct Files {
    /// The wallet
    #[arg(long = "wallet.name", value_name = "NAME", default_value = "default")]
    name: String,
    #[command(flatten)]
    common: Common,
    /// A file with the password for encrypted files; else their BT_PW_ variable, else a prompt
    #[arg(long = "password-file", value_name = "FILE")]
    password_file: Option<std::path::PathBuf>,
    /// Leave the coldkey unencrypted
    #[arg(long)]
    no_password: bool,
    /// Encrypt the hotkey too
    #[arg(long)]
    hotkey_password: bool,
    /// Replace files that are there: without their phrase the old keys are lost
    #[arg(long)]
    force: bool,
}

/// Flags of `sn1 wallet new`.
#[derive(Debug, Args)]
pub(super) struct NewArguments {
    #[command(flatten)]
    files: Files,
    /// The hotkey
    #[arg(long = "wallet.hotkey", value_name = "NAME", default_value = "default")]
    hotkey: String,
    /// Make no coldkey, only the hotkey
    #[arg(long)]
    hotkey_only: bool,
    /// Words of each secret phrase: 12, 15, 18, 21 or 24
    #[arg(long, value_name = "N", default_value_t = 12)]
    n_words: usize,
    /// Print the secret phrases even where the output is not a terminal, or is JSON
    #[arg(long)]
    print_mnemonic: bool,
}

/// Flags of `sn1 wallet regen`.
#[derive(Debug, Args)]
pub(super) struct RegenArguments {
    #[command(flatten)]
    files: Files,
    /// Make this hotkey; without it the coldkey is made
    #[arg(long = "wallet.hotkey", value_name = "NAME")]
    hotkey: Option<String>,
    #[command(flatten)]
    source: Source,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Source {
    /// From the secret phrase on standard input
    #[arg(long, value_name = "-")]
    mnemonic: Option<String>,
    /// From the seed on standard input, 64 hex digits
    #[arg(long, value_name = "-")]
    seed: Option<String>,
    /// From the secret URI on standard input: phrase//hard/soft///password
    #[arg(long, value_name = "-")]
    suri: Option<String>,
    /// Only coldkeypub.txt, from the coldkey's address: all that a node needs
    #[arg(long, value_name = "SS58")]
    coldkeypub: Option<AccountId>,
}

impl Files {
    fn folder(&self) -> Result<WalletFolder, WalletFault> {
        WalletFolder::new(&self.common.path, &self.name)
    }

    fn coldkey_password(&self, path: &Path) -> Result<Option<Password>, WalletFault> {
        self.password(path, !self.no_password)
    }

    fn hotkey_password(&self, path: &Path) -> Result<Option<Password>, WalletFault> {
        self.password(path, self.hotkey_password)
    }

    fn password(&self, path: &Path, is_wanted: bool) -> Result<Option<Password>, WalletFault> {
        let source = PasswordSource { file: self.password_file.clone() };
        is_wanted.then(|| source.of_new(path)).transpose()
    }

    fn print(&self, made: &[Made]) -> Result<(), WalletFault> {
        let lines = made.iter().map(|made| {
            let encrypted = if made.encrypted { ", encrypted" } else { "" };
            format!("{}  {}  {}{encrypted}\n", made.kind, made.address, made.file.display())
        });
        let mut text = zeroize::Zeroizing::new(lines.collect::<String>());
        for made in made {
            if let Some(words) = &made.mnemonic {
                text.push_str(&format!("\nSecret phrase of the {}:\n\n    ", made.kind));
                text.push_str(words);
                text.push('\n');
            }
        }
        self.common.print(made, text.to_string())
    }
}

impl NewArguments {
    pub(super) fn run(&self) -> Result<(), WalletFault> {
        let folder = self.files.folder()?;
        let mut new = NewFiles::new(&folder, self.files.force);
        let with_coldkey = !self.hotkey_only;
        new.check(with_coldkey, Some(&self.hotkey))?;
        if with_coldkey {
            let key = Key::random(self.n_words)?;
            let password = self.files.coldkey_password(&folder.coldkey())?;
            new.coldkey(&key, password.as_ref())?;
        }
        let key = Key::random(self.n_words)?;
        let password = self.files.hotkey_password(&folder.hotkey(&self.hotkey)?)?;
        new.hotkey(&self.hotkey, &key, password.as_ref())?;
        let mut made = new.write()?;
        if self.shows_phrases() {
            output::note(
                "write the secret phrases down and keep them apart from this machine: they \
                 are shown once, and whoever has them has the keys",
            );
        } else {
            made.iter_mut().for_each(|made| made.mnemonic = None);
            output::note(
                "the secret phrases are in the key files and were not printed; \
                 --print-mnemonic prints them",
            );
        }
        self.files.print(&made)
    }

    fn shows_phrases(&self) -> bool {
        self.print_mnemonic || (!self.files.common.json && std::io::stdout().is_terminal())
    }
}

impl RegenArguments {
    pub(super) fn run(&self) -> Result<(), WalletFault> {
        let folder = self.files.folder()?;
        let mut new = NewFiles::new(&folder, self.files.force);
        match (self.source.origin()?, &self.hotkey) {
            (None, _) => self.add_coldkeypub(&mut new)?,
            (Some(origin), None) => {
                new.check(true, None)?;
                let key = read_origin(origin)?;
                let password = self.files.coldkey_password(&folder.coldkey())?;
                new.coldkey(&key, password.as_ref())?;
            }
            (Some(origin), Some(hotkey)) => {
                new.check(false, Some(hotkey))?;
                let key = read_origin(origin)?;
                let password = self.files.hotkey_password(&folder.hotkey(hotkey)?)?;
                new.hotkey(hotkey, &key, password.as_ref())?;
            }
        }
        self.files.print(&new.write()?)
    }

    fn add_coldkeypub(&self, new: &mut NewFiles<'_>) -> Result<(), WalletFault> {
        match self.source.coldkeypub {
            Some(account) if self.hotkey.is_none() => new.coldkeypub(account),
            _ => Err(WalletFault::Usage(
                "--coldkeypub is of the coldkey: leave out --wallet.hotkey".to_owned(),
            )),
        }
    }
}

impl Source {
    /// What is read from standard input, if anything.
    fn origin(&self) -> Result<Option<Origin>, WalletFault> {
        let sources = [
            (&self.mnemonic, Origin::Mnemonic),
            (&self.seed, Origin::Seed),
            (&self.suri, Origin::Suri),
        ];
        let named = sources.into_iter().find_map(|(value, origin)| Some((value.as_ref()?, origin)));
        match named {
            None => Ok(None),
            Some((value, origin)) if value == "-" => Ok(Some(origin)),
            // What was given is not repeated.
            Some(_) => Err(WalletFault::Usage(
                "secrets do not belong on a command line, where others can read them: write - and \
                 give it on standard input or at the prompt"
                    .to_owned(),
            )),
        }
    }
}
