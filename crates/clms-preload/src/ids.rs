//! Names of things: jobs, the server's tasks, and what a task is about.

use std::fmt;

use clms_cache::CubeName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Problem, ProblemKind};

/// The server's name of one download task.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct TaskId(String);

impl TaskId {
    /// Takes the server's word for it.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An engine's name of a server that has orders made; the journal tells by it whose tasks a job's are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServerName(String);

impl ServerName {
    /// Any name: stays the same from version to version, for it is in the journals of unfinished jobs.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The portal of CLMS, at which orders are unless they say otherwise.
    #[must_use]
    pub fn portal() -> Self {
        Self::new("portal")
    }

    pub(crate) fn is_portal(&self) -> bool {
        *self == Self::portal()
    }
}

impl Default for ServerName {
    fn default() -> Self {
        Self::portal()
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a task is about, as a text that is equal exactly if two tasks give the same file.
///
/// Jobs and the tasks found on the server are matched by it, so whoever implements [`PortalSource`](crate::PortalSource) makes it
/// with the same function for both.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentKey(String);

impl ContentKey {
    /// A prepackaged file of a dataset.
    #[must_use]
    pub fn file(dataset_uid: &str, file_id: &str) -> Self {
        Self(format!("file:{dataset_uid}/{file_id}"))
    }

    /// A part that the server cuts out of a dataset. `description` tells all that the part depends on, in a form that is the same for
    /// the order and for the task made of it, and does not change from version to version.
    #[must_use]
    pub fn part(description: &str) -> Self {
        Self(format!("part:{description}"))
    }

    /// Anything else: `description` must be normalised by the caller.
    #[must_use]
    pub fn other(description: &str) -> Self {
        Self(format!("other:{description}"))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name for it that fits wherever a name has to fit; different for different keys.
    pub(crate) fn digest(&self) -> String {
        hexadecimal(&Sha256::digest(self.0.as_bytes()), CONTENT_DIGITS)
    }

    /// What those who order it hold a lease of. It looks like no data id, so it is in no cube's way.
    pub(crate) fn lease_name(&self) -> Result<CubeName, Problem> {
        CubeName::new(format!("order {}", self.digest()))
            .map_err(|error| Problem::new(ProblemKind::Internal, error.to_string()))
    }
}

impl fmt::Display for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a job: what it is for, readably, and a short hash of its data id and content, as in
/// `clc2018-u2018-clc2018-v2020-20u1-raster-3f9a1c0b`.
///
/// The same request always has the same id, so asking again finds the unfinished job. Only `a-z`, `0-9` and `-`, at most
/// 57 characters: it is a file name, part of a URL, and easy to type.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(String);

/// How much of the data id is readable in a job's id.
const READABLE: usize = 48;
/// Hexadecimal digits of the hash.
const HASH_DIGITS: usize = 8;

/// Hexadecimal digits of the digest of a content.
const CONTENT_DIGITS: usize = 32;

/// The first so many digits.
fn hexadecimal(bytes: &[u8], digits: usize) -> String {
    let pairs = bytes.iter().take(digits / 2);
    pairs.map(|byte| format!("{byte:02x}")).collect()
}

impl JobId {
    /// The id of the job that brings `content` into the cache as `data_id`.
    #[must_use]
    pub fn of(data_id: &str, content: &ContentKey) -> Self {
        let mut readable = String::new();
        for c in data_id.chars() {
            match c.to_ascii_lowercase() {
                c if c.is_ascii_alphanumeric() => readable.push(c),
                _ if readable.ends_with('-') || readable.is_empty() => {}
                _ => readable.push('-'),
            }
            if readable.len() == READABLE {
                break;
            }
        }
        let digest = Sha256::new()
            .chain_update(data_id)
            .chain_update([0])
            .chain_update(content.as_str())
            .finalize();
        let hash = hexadecimal(&digest, HASH_DIGITS);
        match readable.trim_end_matches('-') {
            "" => Self(hash),
            readable => Self(format!("{readable}-{hash}")),
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for JobId {
    type Err = InvalidJobId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = !text.is_empty() && text.len() <= READABLE + 1 + HASH_DIGITS;
        if fits
            && text
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidJobId(text.to_owned()))
        }
    }
}

impl TryFrom<String> for JobId {
    type Error = InvalidJobId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<JobId> for String {
    fn from(id: JobId) -> Self {
        id.0
    }
}

/// A text that is no job's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the id of a job: only a-z, 0-9 and - occur in one")]
pub struct InvalidJobId(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_ids_are_readable_stable_and_distinct() {
        let content = ContentKey::file("0407", "3d9e");
        let id = JobId::of("clc2018|u2018_clc2018 (1)", &content);
        assert!(id.as_str().starts_with("clc2018-u2018-clc2018-1-"), "{id}");
        assert_eq!(id, JobId::of("clc2018|u2018_clc2018 (1)", &content));
        assert_ne!(
            id,
            JobId::of(
                "clc2018|u2018_clc2018 (1)",
                &ContentKey::file("0407", "other")
            )
        );
        assert_ne!(id, JobId::of("clc2018/u2018_clc2018 (1)", &content));
    }

    #[test]
    fn every_data_id_gives_an_id_that_parses() {
        let content = ContentKey::other("x");
        for data_id in ["", "|", "ÄÖÜ", &"long-".repeat(99), "../../etc/passwd"] {
            let id = JobId::of(data_id, &content);
            assert_eq!(id.as_str().parse(), Ok(id.clone()), "{data_id}");
        }
        for text in ["", "../x", "A", "a/b", &"a".repeat(58)] {
            assert!(text.parse::<JobId>().is_err(), "{text}");
        }
    }
}
