//! What an object's content is known by.

use std::{fmt, fs, io, io::Read, str::FromStr};

use futures::TryStreamExt;
use object_store::{GetResult, GetResultPayload, ObjectStore, ObjectStoreExt, path::Path};
use serde::{Deserialize, Serialize};
use tokio::task;
use twox_hash::XxHash3_128;

/// An XXH3 checksum of 128 bits, written as 32 hexadecimal digits.
///
/// It finds what disks, cables and killed programs do to bytes, at the speed of memory: hashing must not cost what writing
/// costs. It is no proof against people, and need not be: whoever can change a cube can change the manifest beside it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Checksum(u128);

impl Checksum {
    /// The checksum of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(XxHash3_128::oneshot(bytes))
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checksum({self})")
    }
}

impl FromStr for Checksum {
    type Err = InvalidChecksum;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_canonical = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match u128::from_str_radix(text, 16) {
            Ok(sum) if is_canonical => Ok(Self(sum)),
            _ => Err(InvalidChecksum {
                text: text.to_owned(),
            }),
        }
    }
}

impl From<Checksum> for String {
    fn from(checksum: Checksum) -> Self {
        checksum.to_string()
    }
}

impl TryFrom<String> for Checksum {
    type Error = InvalidChecksum;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// A text that is no checksum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a checksum of 32 hexadecimal digits")]
pub struct InvalidChecksum {
    text: String,
}

/// What an object's content is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// Its length.
    pub bytes: u64,
    /// Its checksum.
    pub checksum: Checksum,
}

/// Content that goes by piece by piece.
#[derive(Clone)]
pub(crate) struct Passing {
    bytes: u64,
    hasher: XxHash3_128,
}

impl Passing {
    pub(crate) fn new() -> Self {
        Self {
            bytes: 0,
            hasher: XxHash3_128::new(),
        }
    }

    pub(crate) fn pass(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.hasher.write(bytes);
    }

    pub(crate) fn content(&self) -> Content {
        Content {
            bytes: self.bytes,
            checksum: Checksum(self.hasher.finish_128()),
        }
    }
}

impl fmt::Debug for Passing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Passing").field(&self.bytes).finish()
    }
}

/// Reads the object at `path` to its end, holding a small part of it at a time.
pub(crate) async fn content_of(
    store: &dyn ObjectStore,
    path: &Path,
) -> object_store::Result<Content> {
    let found = store.get(path).await?;
    let expected = found.meta.size;
    let content = read(found).await?;
    if content.bytes == expected {
        return Ok(content);
    }
    // A body that ended early without an error.
    Err(object_store::Error::Generic {
        store: "clms-cache",
        source: format!("{path} ended after {} of {expected} bytes", content.bytes).into(),
    })
}

async fn read(found: GetResult) -> object_store::Result<Content> {
    let mut passing = Passing::new();
    match found.payload {
        // In larger pieces and with fewer changes of thread than its stream.
        GetResultPayload::File(file, path) => {
            let read = task::spawn_blocking(move || read_file(file)).await?;
            read.map_err(|source| object_store::Error::Generic {
                store: "LocalFileSystem",
                source: format!("cannot read {}: {source}", path.display()).into(),
            })
        }
        GetResultPayload::Stream(mut pieces) => {
            while let Some(piece) = pieces.try_next().await? {
                passing.pass(&piece);
            }
            Ok(passing.content())
        }
    }
}

fn read_file(mut file: fs::File) -> io::Result<Content> {
    const BUFFER: usize = 256 << 10;
    let mut passing = Passing::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(passing.content()),
            Ok(length) => passing.pass(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the program `xxh128sum` says it, so that a manifest can be checked without this crate.
    #[test]
    fn checksums_are_those_of_xxh128sum() {
        assert_eq!(
            Checksum::of(b"").to_string(),
            "99aa06d3014798d86001c324468d497f"
        );
        let mut passing = Passing::new();
        passing.pass(b"hello ");
        passing.pass(b"world\n");
        assert_eq!(passing.content().bytes, 12);
        assert_eq!(passing.content().checksum, Checksum::of(b"hello world\n"));
    }

    #[test]
    fn texts_and_checksums_are_inverse() {
        let checksum = Checksum::of(b"x");
        assert_eq!(checksum.to_string().parse(), Ok(checksum));
        for text in ["", "+1", "0", &"g".repeat(32), &"0".repeat(33)] {
            assert!(text.parse::<Checksum>().is_err(), "{text:?}");
        }
        assert!(format!("+{}", "0".repeat(31)).parse::<Checksum>().is_err());
    }
}
