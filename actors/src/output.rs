//! The process's two outputs, as whoever tells something writes them: nothing here fails, panics or
//! waits for a reader. A line that cannot be written (a full disk, a reader that ended, stopped or
//! reads too slowly) is dropped, and the next one that can be written is told how many were.
//!
//! No other place prints. What is not a line but a command's product, which its reader must get whole,
//! goes through [`print`] and may fail.

use std::fmt::Display;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// How long a reader may keep a line waiting. While lines are being dropped none waits.
const PATIENCE: Duration = Duration::from_millis(250);
/// A pipe that has room takes as much as this without waiting (POSIX `PIPE_BUF`).
const PIPE_BUF: usize = 4096;

static STDOUT: Mutex<Dropped> = Mutex::new(Dropped { n_lines: 0, is_cut: false });
static STDERR: Mutex<Dropped> = Mutex::new(Dropped { n_lines: 0, is_cut: false });

/// The lines that an output did not take since it took one last.
#[derive(Debug)]
struct Dropped {
    n_lines: u64,
    /// A part of the last line was written.
    is_cut: bool,
}

/// Writes a line to standard output.
pub fn stdout_line(text: impl Display) {
    STDOUT.lock().line(&io::stdout(), format!("{text}\n").as_bytes());
}

/// Writes a line to standard error.
pub fn stderr_line(text: impl Display) {
    STDERR.lock().line(&io::stderr(), format!("{text}\n").as_bytes());
}

/// Tells the operator something on standard error that is no error.
pub fn note(text: impl Display) {
    stderr_line(format_args!("note: {text}"));
}

/// Writes a part of a command's product to standard output, however long its reader takes.
///
/// # Errors
/// When it cannot be written.
pub fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Standard error for a log layer, which writes each line in one piece.
#[derive(Debug, Clone, Copy)]
pub struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        STDERR.lock().line(&io::stderr(), line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Dropped {
    fn line(&mut self, to: &impl AsFd, line: &[u8]) {
        let patience = if self.n_lines == 0 { PATIENCE } else { Duration::ZERO };
        let mut text = Vec::new();
        if self.n_lines > 0 {
            let end = if self.is_cut { "\n" } else { "" };
            text = format!("{end}({} lines could not be written)\n", self.n_lines).into_bytes();
        }
        let n_before = text.len();
        text.extend_from_slice(line);
        let n_written = write(to, &text, patience);
        if n_written == text.len() {
            (self.n_lines, self.is_cut) = (0, false);
            return;
        }
        if n_written >= n_before {
            self.n_lines = 0;
        }
        self.n_lines += 1;
        self.is_cut = n_written > 0 || self.is_cut;
    }
}

/// Writes as much as the output takes without a wait longer than `patience` for any part.
fn write(to: &impl AsFd, text: &[u8], patience: Duration) -> usize {
    let mut n_written = 0;
    while let Some(rest) = text.get(n_written..).filter(|rest| !rest.is_empty()) {
        if !is_writable(to, patience) {
            break;
        }
        match rustix::io::write(to, &rest[..rest.len().min(PIPE_BUF)]) {
            Ok(n) if n > 0 => n_written += n,
            Err(Errno::INTR) => {}
            _ => break,
        }
    }
    n_written
}

fn is_writable(to: &impl AsFd, patience: Duration) -> bool {
    let mut polled = [PollFd::new(to, PollFlags::OUT)];
    let patience = Timespec::try_from(patience).ok();
    loop {
        match poll(&mut polled, patience.as_ref()) {
            Err(Errno::INTR) => {}
            answer => return answer.is_ok_and(|n_ready| n_ready > 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn fresh() -> Dropped {
        Dropped { n_lines: 0, is_cut: false }
    }

    #[test]
    fn a_reader_that_does_not_read_costs_lines_and_is_told_how_many() {
        let (mut reader, writer) = io::pipe().unwrap();
        let (mut output, line) = (fresh(), [b"x".repeat(999), b"\n".to_vec()].concat());
        for _ in 0..200 {
            output.line(&writer, &line);
        }
        let n_dropped = output.n_lines;
        assert!(n_dropped > 100, "a pipe holds 64 KiB: {n_dropped}");
        let mut taken = vec![0; 1 << 20];
        let n_taken = reader.read(&mut taken).unwrap();
        let n_lines = taken[..n_taken].iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(n_lines as u64, 200 - n_dropped);
        output.line(&writer, b"again\n");
        drop(writer);
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, format!("({n_dropped} lines could not be written)\nagain\n"));
    }

    #[test]
    fn a_reader_that_ended_and_a_full_disk_end_nothing() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let (mut ended, mut filled) = (fresh(), fresh());
        for n in 1..=3 {
            ended.line(&writer, b"line\n");
            filled.line(&full, b"line\n");
            assert_eq!((ended.n_lines, filled.n_lines), (n, n));
        }
    }
}
