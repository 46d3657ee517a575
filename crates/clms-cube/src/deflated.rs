//! Entries of archives that are read while they are being inflated.
//!
//! The bytes go into a file beside the archive, front to back, as far as somebody has asked for. Whoever asks for more than there is
//! inflates it himself, one step at a time; a thread that runs ahead of the readers does nothing else.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Take, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use tempfile::NamedTempFile;

/// Bytes that are inflated at a time: they stay in the processor's cache.
const STEP: usize = 256 << 10;

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
    pub(crate) fn read_all(&self) -> Result<Vec<u8>, String> {
        let describe = |error: std::io::Error| error.to_string();
        let mut bytes = Vec::new();
        let decoder = self.decoder().map_err(describe)?;
        // One byte more than there should be, to notice it.
        decoder
            .take(self.len.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(describe)?;
        let mut crc = Crc::new();
        crc.update(&bytes);
        self.check(bytes.len() as u64, &crc)?;
        Ok(bytes)
    }

    fn check(&self, len: u64, crc: &Crc) -> Result<(), String> {
        if len != self.len {
            Err(format!(
                "it is not {} bytes long, as its archive says",
                self.len
            ))
        } else if crc.sum() != self.crc32 {
            Err("its checksum is not the one in its archive".to_owned())
        } else {
            Ok(())
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
    Whole(NamedTempFile),
    Failed(String),
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
    pub(crate) fn require(&self, end: u64) -> Result<(), String> {
        let end = end.min(self.entry.len);
        while self.done.load(Ordering::Acquire) < end {
            self.advance()?;
        }
        Ok(())
    }

    /// Inflates a little more; returns whether there is more to come.
    pub(crate) fn advance(&self) -> Result<bool, String> {
        let mut state = self.lock();
        self.started(&mut state)?;
        let running = match &mut *state {
            State::Running(running) => running,
            State::Failed(reason) => return Err(reason.clone()),
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
                    *state = State::Whole(running.file);
                }
                self.done.store(now, Ordering::Release);
                Ok(false)
            }
            Err(reason) => {
                *state = State::Failed(reason.clone());
                Err(reason)
            }
        }
    }

    /// The file that the bytes go into. It has its final length from the beginning; what is not there yet are zeros.
    pub(crate) fn path(&self) -> Result<PathBuf, String> {
        let mut state = self.lock();
        self.started(&mut state)?;
        match &*state {
            State::Running(running) => Ok(running.file.path().to_owned()),
            State::Whole(file) => Ok(file.path().to_owned()),
            State::Failed(reason) => Err(reason.clone()),
            State::Untouched => Err("it was not begun".to_owned()),
        }
    }

    fn started(&self, state: &mut State) -> Result<(), String> {
        if matches!(state, State::Untouched) {
            match Running::begin(&self.entry) {
                Ok(running) => *state = State::Running(Box::new(running)),
                Err(error) => {
                    let reason = error.to_string();
                    *state = State::Failed(reason.clone());
                    return Err(reason);
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
    fn step(&mut self, entry: &DeflatedEntry, mut done: u64) -> Result<u64, String> {
        let describe = |error: std::io::Error| error.to_string();
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
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(describe(error)),
            }
        }
        done += self.take(filled, done, entry)?;
        if done == entry.len {
            let mut one = [0];
            let more = self.decoder.read(&mut one).map_err(describe)?;
            entry.check(done + more as u64, &self.crc)?;
        }
        Ok(done)
    }

    fn take(&mut self, filled: usize, done: u64, entry: &DeflatedEntry) -> Result<u64, String> {
        let bytes = &self.buffer[..filled];
        if done + filled as u64 > entry.len {
            return Err(format!(
                "it is longer than {} bytes, as its archive says",
                entry.len
            ));
        }
        self.crc.update(bytes);
        self.file
            .write_all(bytes)
            .map_err(|error| error.to_string())?;
        Ok(filled as u64)
    }
}
