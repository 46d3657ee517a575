//! Asking a terminal.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Write as _},
    time::{Duration, Instant},
};

use rustix::{
    process::getpgrp,
    termios::{
        LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
    },
};

/// How long a terminal has for its answer; those far away need some time.
const PATIENCE: Duration = Duration::from_secs(1);
/// More than any answer has.
const LONGEST: usize = 1024;

/// Asks, and gives what has come when it is whole or the time is over. Nothing of it is shown or left to the shell.
pub(super) fn ask(question: &[u8], is_whole: fn(&[u8]) -> bool) -> io::Result<Vec<u8>> {
    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    // A job in the background would be stopped for it.
    if tcgetpgrp(&terminal)? != getpgrp() {
        return Ok(Vec::new());
    }
    let mut raw = Raw::begin(terminal)?;
    let begin = Instant::now();
    raw.terminal.write_all(question)?;
    let mut answer = Vec::new();
    let mut bytes = [0; 256];
    while !is_whole(&answer) && answer.len() < LONGEST && begin.elapsed() < PATIENCE {
        let count = raw.terminal.read(&mut bytes)?;
        answer.extend_from_slice(&bytes[..count]);
    }
    Ok(answer)
}

/// While this lives, what comes is neither shown nor kept until a line is whole, and reading waits for a tenth of a second.
struct Raw {
    terminal: File,
    before: Termios,
}

impl Raw {
    fn begin(terminal: File) -> io::Result<Self> {
        let before = tcgetattr(&terminal)?;
        let mut raw = before.clone();
        // Ctrl-C still ends the program.
        raw.local_modes
            .remove(LocalModes::ECHO | LocalModes::ICANON);
        raw.special_codes[SpecialCodeIndex::VMIN] = 0;
        raw.special_codes[SpecialCodeIndex::VTIME] = 1;
        tcsetattr(&terminal, OptionalActions::Flush, &raw)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // What can't be put back can't be told either. Late answers are thrown away with it.
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}
