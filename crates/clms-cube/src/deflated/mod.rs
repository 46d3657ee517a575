//! Deflated entries of archives, which are read while they are being inflated ([`Inflating`]), or where they are if deflate has only stored
//! them ([`StoredRuns`]).

mod inflating;
mod stored_runs;

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom, Take};
use std::path::PathBuf;

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

pub(crate) use self::inflating::Inflating;
pub(crate) use self::stored_runs::{StoredBytes, StoredRuns};
use crate::CubeError;

/// Bytes that are inflated at a time: they stay in the processor's cache.
const STEP: usize = 256 << 10;

type Decoder = DeflateDecoder<BufReader<Take<File>>>;

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
