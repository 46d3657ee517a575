//! Entries of archives that are read while they are being inflated.
//!
//! The bytes go into a file beside the archive, front to back, as far as somebody has asked for. Whoever asks for more than there is
//! inflates it himself, one step at a time; a thread that runs ahead of the readers does nothing else.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom, Take, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use tempfile::{NamedTempFile, TempPath};

use crate::CubeError;

/// Bytes that are inflated at a time: they stay in the processor's cache.
const STEP: usize = 256 << 10;
/// What is inflated twice rather than kept.
const SMALL: u64 = 4 << 20;

/// What an archive's directory says about a deflated entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeflatedEntry {
    pub(crate) archive: PathBuf,
    pub(crate) offset: u64,
    pub(crate) compressed_len: u64,
    pub(crate) len: u64,
    pub(crate) crc32: u32,
}

impl DeflatedEntry {
    fn decoder(&self) -> std::io::Result<Decoder> {
        let mut file = File::open(&self.archive)?;
        file.seek(SeekFrom::Start(self.offset))?;
        let part = file.take(self.compressed_len);
        Ok(DeflateDecoder::new(BufReader::with_capacity(STEP, part)))
    }

    /// The whole of a small entry.
    pub(crate) fn read_all(&self) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        let decoder = self.decoder().map_err(Fault::reading)?;
        // One byte more than there should be, to notice it.
        decoder
            .take(self.len.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(Fault::reading)?;
        let mut crc = Crc::new();
        crc.update(&bytes);
        self.check(bytes.len() as u64, &crc)?;
        Ok(bytes)
    }

    /// Reads all of it without keeping anything, to find out whether it is damaged.
    pub(crate) fn verify(&self) -> Result<(), Fault> {
        let mut decoder = self.decoder().map_err(Fault::reading)?;
        let (mut buffer, mut crc, mut len) = (vec![0; STEP], Crc::new(), 0);
        while len <= self.len {
            match decoder.read(&mut buffer).map_err(Fault::reading)? {
                0 => break,
                read => {
                    crc.update(&buffer[..read]);
                    len += read as u64;
                }
            }
        }
        self.check(len, &crc)
    }

    fn check(&self, len: u64, crc: &Crc) -> Result<(), Fault> {
        if len != self.len {
            let reason = format!("it is not {} bytes long, as its archive says", self.len);
            Err(Fault::Damaged(reason))
        } else if crc.sum() != self.crc32 {
            let reason = "its checksum is not the one in its archive";
            Err(Fault::Damaged(reason.to_owned()))
        } else {
            Ok(())
        }
    }
}

/// Why an entry can't be inflated.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Fault {
    /// It is not what its archive says: another download may be.
    #[error("{0}")]
    Damaged(String),
    /// The local disk refused.
    #[error("cannot {action} its bytes: {reason}")]
    Disk {
        action: &'static str,
        kind: ErrorKind,
        reason: String,
    },
}

impl Fault {
    fn reading(error: std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
                Self::Damaged(error.to_string())
            }
            _ => Self::disk("read", &error),
        }
    }

    fn disk(action: &'static str, error: &std::io::Error) -> Self {
        Self::Disk {
            action,
            kind: error.kind(),
            reason: error.to_string(),
        }
    }

    pub(crate) fn of(self, file: &str) -> CubeError {
        match self {
            Self::Damaged(reason) => CubeError::DamagedPackage {
                file: file.to_owned(),
                reason,
            },
            Self::Disk {
                action,
                kind,
                reason,
            } => {
                let source = Box::new(std::io::Error::new(kind, reason));
                let store = "archive";
                let source = object_store::Error::Generic { store, source };
                CubeError::store(action, file, source)
            }
        }
    }
}

type Decoder = DeflateDecoder<BufReader<Take<File>>>;

/// An entry on its way into a file.
#[derive(Debug)]
pub(crate) struct Inflating {
    entry: DeflatedEntry,
    /// Bytes of the file that are there.
    done: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Untouched,
    Running(Box<Running>),
    Whole(TempPath),
    Failed(Fault),
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
            done: AtomicU64::new(0),
            state: Mutex::new(State::Untouched),
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.entry.len
    }

    /// Returns once all bytes before `end` are in the file, or says why they can't be.
    pub(crate) fn require(&self, end: u64) -> Result<(), Fault> {
        let end = end.min(self.entry.len);
        while self.done.load(Ordering::Acquire) < end {
            self.advance()?;
        }
        Ok(())
    }

    /// Inflates a little more; returns whether there is more to come.
    pub(crate) fn advance(&self) -> Result<bool, Fault> {
        let mut state = self.lock();
        self.started(&mut state)?;
        let running = match &mut *state {
            State::Running(running) => running,
            State::Failed(fault) => return Err(fault.clone()),
            State::Untouched | State::Whole(_) => return Ok(false),
        };
        let done = self.done.load(Ordering::Acquire);
        match running.step(&self.entry, done) {
            Ok(now) if now < self.entry.len => {
                self.done.store(now, Ordering::Release);
                Ok(true)
            }
            Ok(now) => {
                if let State::Running(running) = std::mem::replace(&mut *state, State::Untouched) {
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
            State::Untouched => Err(Fault::Damaged("it was not begun".to_owned())),
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
        if matches!(state, State::Untouched) {
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
