//! Entries that are read while they are being inflated.
//!
//! The bytes go into a file beside the archive, front to back, as far as somebody has asked for. Whoever asks for more than there is
//! inflates it himself, one step at a time; a thread that runs ahead of the readers does nothing else. For an entry that is read where it
//! is, that thread only compares the checksum.

use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use flate2::Crc;
use tempfile::{NamedTempFile, TempPath};

use super::stored_runs::StoredBytes;
use super::{Decoder, DeflatedEntry, Fault, STEP, StoredRuns};

/// What is inflated twice rather than kept.
const SMALL: u64 = 4 << 20;

/// An entry on its way into a file.
#[derive(Debug)]
pub(crate) struct Inflating {
    entry: DeflatedEntry,
    /// Where its bytes are in the archive, once somebody has asked and if they are there as they are.
    stored: OnceLock<Option<Arc<StoredRuns>>>,
    /// Bytes of the file that are there.
    done: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Untouched,
    /// Nobody needs a file.
    Checking(Box<Checking>),
    Checked,
    Running(Box<Running>),
    Whole(TempPath),
    Failed(Fault),
}

/// Compares the checksum of an entry that is read where it is.
#[derive(Debug)]
struct Checking {
    bytes: StoredBytes,
    done: u64,
    crc: Crc,
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Running {
    file: NamedTempFile,
    decoder: Decoder,
    crc: Crc,
    buffer: Vec<u8>,
}

impl Inflating {
    pub(crate) fn new(entry: DeflatedEntry) -> Self {
        Self {
            entry,
            stored: OnceLock::new(),
            done: AtomicU64::new(0),
            state: Mutex::new(State::Untouched),
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.entry.len
    }

    /// Where its bytes are in the archive, if deflate has only stored them: they need not be inflated then.
    pub(crate) fn stored(&self) -> Option<Arc<StoredRuns>> {
        // What can't be read is found out by whoever inflates it.
        let find = || StoredRuns::find(&self.entry).ok().flatten().map(Arc::new);
        self.stored.get_or_init(find).clone()
    }

    /// Returns once all bytes before `end` are in the file, or says why they can't be.
    pub(crate) fn require(&self, end: u64) -> Result<(), Fault> {
        let end = end.min(self.entry.len);
        while self.done.load(Ordering::Acquire) < end {
            let mut state = self.lock();
            self.inflate(&mut state)?;
        }
        Ok(())
    }

    /// Returns once its checksum has been compared.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        while self.advance()? {}
        Ok(())
    }

    /// Inflates or checks a little more; returns whether there is more to come.
    pub(crate) fn advance(&self) -> Result<bool, Fault> {
        let mut state = self.lock();
        if matches!(*state, State::Untouched)
            && let Some(runs) = self.stored()
        {
            let checking = Checking::begin(runs).map_err(|error| Fault::disk("open", &error))?;
            *state = State::Checking(Box::new(checking));
        }
        match &mut *state {
            State::Checked => Ok(false),
            State::Checking(checking) => {
                let stepped = checking.step(&self.entry);
                match &stepped {
                    Ok(true) => {}
                    Ok(false) => *state = State::Checked,
                    Err(fault) => *state = State::Failed(fault.clone()),
                }
                stepped
            }
            _ => self.inflate(&mut state),
        }
    }

    /// Inflates a little more into the file; returns whether there is more to come.
    fn inflate(&self, state: &mut State) -> Result<bool, Fault> {
        self.started(state)?;
        let running = match state {
            State::Running(running) => running,
            State::Failed(fault) => return Err(fault.clone()),
            _ => return Ok(false),
        };
        let done = self.done.load(Ordering::Acquire);
        match running.step(&self.entry, done) {
            Ok(now) if now < self.entry.len => {
                self.done.store(now, Ordering::Release);
                Ok(true)
            }
            Ok(now) => {
                if let State::Running(running) = std::mem::replace(state, State::Untouched) {
                    *state = State::Whole(running.file.into_temp_path());
                }
                self.done.store(now, Ordering::Release);
                Ok(false)
            }
            Err(fault) => {
                *state = State::Failed(fault.clone());
                Err(fault)
            }
        }
    }

    /// The file that the bytes go into. It has its final length from the beginning; what is not there yet are zeros.
    pub(crate) fn path(&self) -> Result<PathBuf, Fault> {
        let mut state = self.lock();
        self.started(&mut state)?;
        match &*state {
            State::Running(running) => Ok(running.file.path().to_owned()),
            State::Whole(path) => Ok(path.to_path_buf()),
            State::Failed(fault) => Err(fault.clone()),
            State::Untouched | State::Checking(_) | State::Checked => {
                Err(Fault::Damaged("it was not begun".to_owned()))
            }
        }
    }

    /// Forgets the little that was inflated for a header: an entry that nobody is reading costs neither open files nor memory.
    /// Whoever is reading it would read zeros.
    pub(crate) fn rest(&self) {
        let mut state = self.lock();
        let is_begun = matches!(*state, State::Running(_) | State::Whole(_));
        if is_begun && self.done.load(Ordering::Acquire) <= SMALL {
            *state = State::Untouched;
            self.done.store(0, Ordering::Release);
        }
    }

    fn started(&self, state: &mut State) -> Result<(), Fault> {
        if matches!(
            state,
            State::Untouched | State::Checking(_) | State::Checked
        ) {
            match Running::begin(&self.entry) {
                Ok(running) => *state = State::Running(Box::new(running)),
                Err(error) => {
                    let fault = Fault::disk("make room for", &error);
                    *state = State::Failed(fault.clone());
                    return Err(fault);
                }
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Checking {
    fn begin(runs: Arc<StoredRuns>) -> std::io::Result<Self> {
        Ok(Self {
            bytes: StoredBytes::open(runs)?,
            done: 0,
            crc: Crc::new(),
            buffer: vec![0; STEP],
        })
    }

    /// Returns whether there is more to come.
    fn step(&mut self, entry: &DeflatedEntry) -> Result<bool, Fault> {
        let len = (entry.len - self.done).min(self.buffer.len() as u64);
        let buffer = &mut self.buffer[..len as usize];
        self.bytes
            .read_at(self.done, buffer)
            .map_err(|error| Fault::disk("read", &error))?;
        self.crc.update(buffer);
        self.done += len;
        if self.done == entry.len {
            entry.check(self.done, &self.crc)?;
        }
        Ok(self.done < entry.len)
    }
}

impl Running {
    fn begin(entry: &DeflatedEntry) -> std::io::Result<Self> {
        let folder = entry.archive.parent().unwrap_or(Path::new("."));
        let file = tempfile::Builder::new()
            .prefix(".inflating-")
            .tempfile_in(folder)?;
        file.as_file().set_len(entry.len)?;
        Ok(Self {
            file,
            decoder: entry.decoder()?,
            crc: Crc::new(),
            buffer: vec![0; STEP],
        })
    }

    /// Bytes that are there after one more step.
    fn step(&mut self, entry: &DeflatedEntry, mut done: u64) -> Result<u64, Fault> {
        let mut filled = 0;
        while filled < self.buffer.len() {
            match self.decoder.read(&mut self.buffer[filled..]) {
                Ok(0) => {
                    // The end, which has to be where the archive says.
                    done += self.take(filled, done, entry)?;
                    entry.check(done, &self.crc)?;
                    return Ok(done);
                }
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Fault::reading(error)),
            }
        }
        done += self.take(filled, done, entry)?;
        if done == entry.len {
            let mut one = [0];
            let more = self.decoder.read(&mut one).map_err(Fault::reading)?;
            entry.check(done + more as u64, &self.crc)?;
        }
        Ok(done)
    }

    fn take(&mut self, filled: usize, done: u64, entry: &DeflatedEntry) -> Result<u64, Fault> {
        let bytes = &self.buffer[..filled];
        if done + filled as u64 > entry.len {
            let reason = format!("it is longer than {} bytes, as its archive says", entry.len);
            return Err(Fault::Damaged(reason));
        }
        self.crc.update(bytes);
        self.file
            .write_all(bytes)
            .map_err(|error| Fault::disk("write", &error))?;
        Ok(filled as u64)
    }
}
