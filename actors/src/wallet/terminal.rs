//! Reads secrets from the keyboard, without echo, or from a pipe.

use std::io::{IsTerminal, Read, Write};

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use zeroize::Zeroizing;

use super::WalletFault;

/// The longest line in bytes, far above any secret.
const MAX_BYTES: usize = 4096;
const CTRL_C: u8 = 0x03;
const CTRL_D: u8 = 0x04;
const CTRL_U: u8 = 0x15;
const BACKSPACES: [u8; 2] = [0x08, 0x7f];

/// Reads one line of standard input: typed after `prompt` without echo when it is a terminal,
/// otherwise the next line of the input.
///
/// # Errors
/// [`WalletFault::Interrupted`] after Ctrl-C, [`WalletFault::BadSecret`] when the input has no line
/// or one that is too long or not UTF-8.
pub fn read_secret(prompt: &str) -> Result<Zeroizing<String>, WalletFault> {
    let stdin = std::io::stdin();
    let line = if stdin.is_terminal() {
        let _hidden = Hidden::new().map_err(unreadable)?;
        // Without a prompt the operator can still type.
        let _ = write!(std::io::stderr(), "{prompt}: ");
        let line = read_line(stdin.lock());
        let _ = writeln!(std::io::stderr());
        line
    } else {
        read_line(stdin.lock())
    }?;
    String::from_utf8(line.to_vec()).map(Zeroizing::new).map_err(|error| {
        drop(Zeroizing::new(error.into_bytes()));
        WalletFault::BadSecret("the input is not UTF-8 text".to_owned())
    })
}

fn unreadable(error: impl std::fmt::Display) -> WalletFault {
    WalletFault::BadSecret(format!("cannot read standard input: {error}"))
}

/// One line, with line editing done here because the terminal does none.
fn read_line(mut input: impl Read) -> Result<Zeroizing<Vec<u8>>, WalletFault> {
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_BYTES));
    let mut byte = [0];
    loop {
        let n_read = match input.read(&mut byte) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            outcome => outcome.map_err(unreadable)?,
        };
        match byte[0] {
            _ if n_read == 0 => break,
            b'\n' | b'\r' => return Ok(line),
            CTRL_C => return Err(WalletFault::Interrupted),
            CTRL_D if line.is_empty() => break,
            CTRL_D => {}
            CTRL_U => line.clear(),
            byte if BACKSPACES.contains(&byte) => erase_letter(&mut line),
            _ if line.len() == MAX_BYTES => {
                return Err(WalletFault::BadSecret("the line is too long".to_owned()));
            }
            byte => line.push(byte),
        }
    }
    if line.is_empty() {
        return Err(WalletFault::BadSecret("standard input ended before a line".to_owned()));
    }
    Ok(line)
}

/// Removes the last letter with all of its bytes.
fn erase_letter(line: &mut Vec<u8>) {
    while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
}

/// Turns off echo, line editing and signals, and restores them when dropped.
struct Hidden(Termios);

impl Hidden {
    fn new() -> rustix::io::Result<Self> {
        let before = tcgetattr(std::io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        hidden.special_codes[SpecialCodeIndex::VMIN] = 1;
        hidden.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // Fails only when the terminal has gone, which needs no echo.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_edited_as_a_terminal_would() {
        let table: [(&[u8], &str); 7] = [
            (b"secret\nnext", "secret"),
            (b"secret", "secret"),
            (b"secret\r\n", "secret"),
            (b"sex\x7fcret\n", "secret"),
            ("s\u{fc}\x08ecret\n".as_bytes(), "secret"),
            (b"wrong\x15secret\n", "secret"),
            (b"\x7f\x7f\n", ""),
        ];
        for (input, line) in table {
            assert_eq!(read_line(input).unwrap().as_slice(), line.as_bytes());
        }
        assert!(matches!(read_line(&b"sec\x03"[..]), Err(WalletFault::Interrupted)));
        for input in [&b""[..], b"\x04", &[b'x'; MAX_BYTES + 1]] {
            assert!(matches!(read_line(input), Err(WalletFault::BadSecret(_))));
        }
    }
}
