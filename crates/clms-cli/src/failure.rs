//! Failures as the program shows them: what, on what, why, and what to do.

use std::{borrow::Cow, io, path::Path};

use clms_store::{Problem, ProblemKind, StoreError};
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit;

/// A failure, for people and for programs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Failure {
    /// A stable word.
    pub(crate) kind: String,
    /// What failed, on what, and why.
    pub(crate) message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
    /// Whether the same call may succeed later.
    pub(crate) retryable: bool,
    /// Data ids that may have been meant, the nearest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) nearest: Vec<String>,
    #[serde(skip)]
    pub(crate) code: u8,
}

/// What standard output has in JSON when a command fails as a whole.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ErrorDocument<'a> {
    /// What went wrong.
    pub(crate) error: Cow<'a, Failure>,
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            kind: "usage".to_owned(),
            message: message.into(),
            hint: None,
            retryable: false,
            nearest: Vec::new(),
            code: exit::USAGE,
        }
    }

    /// Something that only rasters can be asked for.
    pub(crate) fn vector_only(message: String) -> Self {
        Self {
            kind: ProblemKind::VectorOnly.to_string(),
            message,
            hint: None,
            retryable: false,
            nearest: Vec::new(),
            code: exit::FAILED,
        }
    }

    /// A file that can't be written; `doing` as in "write map.png".
    pub(crate) fn io(doing: &str, why: &io::Error) -> Self {
        Self {
            kind: match why.kind() {
                io::ErrorKind::StorageFull => "disk_full",
                _ => "io",
            }
            .to_owned(),
            message: in_words(&format!("cannot {doing}: {why}")),
            hint: None,
            retryable: false,
            nearest: Vec::new(),
            code: exit::FAILED,
        }
    }

    /// An error if a file can't be written because there is no folder for it: said before work is done in vain.
    pub(crate) fn unless_folder_of(file: &Path) -> Result<(), Self> {
        match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
                let (file, folder) = (file.display(), folder.display());
                Err(
                    Self::usage(format!("cannot write {file}: there is no folder {folder}"))
                        .with_hint(format!("make it with: mkdir -p '{folder}'")),
                )
            }
            _ => Ok(()),
        }
    }

    /// The same with the data ids of its hint, each in a line of its own, as commands that can be pasted.
    pub(crate) fn with_commands(mut self, command: impl Fn(&str) -> String) -> Self {
        let nearest = &self.nearest;
        let as_command = |line: &str| match nearest.iter().any(|id| id == line.trim()) {
            true => format!("  {}", command(line.trim())),
            false => line.to_owned(),
        };
        if let Some(hint) = self.hint.as_mut().filter(|_| !nearest.is_empty()) {
            let lines: Vec<String> = hint.lines().map(as_command).collect();
            *hint = lines.join("\n");
        }
        self
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A message without the numbers that the operating system gives its errors: the words beside them say the same.
pub(crate) fn in_words(message: &str) -> String {
    let mut words = String::new();
    let mut rest = message;
    while let Some((before, after)) = rest.split_once(" (os error ") {
        words.push_str(before);
        let digits = after.trim_start_matches(|c: char| c.is_ascii_digit());
        rest = digits.strip_prefix(')').unwrap_or(digits);
    }
    words + rest
}

impl From<StoreError> for Failure {
    fn from(why: StoreError) -> Self {
        let hint = match why.kind() {
            // The library can't know that there is a command for it.
            "service_key_not_found" | "no_key" => Some(
                "run `clms auth login`: it says where to get a service key, and keeps it"
                    .to_owned(),
            ),
            _ => why.hint(),
        };
        Self {
            kind: why.kind().to_owned(),
            message: in_words(&why.to_string()),
            hint,
            retryable: why.is_retryable(),
            nearest: why.nearest().to_vec(),
            code: exit::of(why.class()),
        }
    }
}

impl From<&Problem> for Failure {
    fn from(problem: &Problem) -> Self {
        Self {
            kind: problem.kind.to_string(),
            message: in_words(&problem.message),
            hint: problem.hint.clone(),
            retryable: problem.retryable,
            nearest: Vec::new(),
            code: match problem.kind {
                ProblemKind::Unauthorized => exit::CREDENTIALS,
                _ => exit::FAILED,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn messages_have_no_numbers_of_the_operating_system() {
        for (message, words) in [
            (
                "refused (Connection refused (os error 111)); later",
                "refused (Connection refused); later",
            ),
            ("a (os error 2), b (os error 13)", "a, b"),
            ("nothing of it", "nothing of it"),
        ] {
            assert_eq!(in_words(message), words);
        }
    }
}
