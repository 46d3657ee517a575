//! What can be asked of the portal's download tool, checked before it is sent.
//!
//! Each kind of mistake that the tool answers with an error, or worse, with something that was
//! not meant, is either impossible to write down or an [`InvalidRequest`] that names the values
//! that are allowed.

mod area;
mod days;
mod invalid;
mod made_for;
mod nuts;
mod part;
mod part_builder;
mod part_content;

use std::collections::HashSet;

use serde_json::{Value, json};

pub use self::area::{Area, MAX_PORTAL_AREA};
pub use self::days::Days;
pub use self::invalid::InvalidRequest;
pub use self::nuts::NutsCode;
pub use self::part::PartRequest;
pub use self::part_builder::PartRequestBuilder;
pub use self::part_content::PartContent;
use crate::model::FileRequest;

/// How many parts one request may ask for; prepackaged files don't count.
pub const MAX_PARTS: usize = 5;

/// Prepackaged files and parts of datasets to be asked for at once.
///
/// The portal makes one task of all files, one of all parts, and one of all parts that come from
/// CDSE.
///
/// ```
/// use clms_api::{DataRequest, FileRequest};
///
/// let file = FileRequest { dataset_uid: "0407d497d3c44bcd93ce8fd5bf78596a".into(), file_id: "3d9e2413".into() };
/// assert!(DataRequest::new().file(file.clone()).check().is_ok());
/// assert!(DataRequest::new().file(file.clone()).file(file).check().is_err());
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DataRequest {
    files: Vec<FileRequest>,
    parts: Vec<PartRequest>,
}

/// One of the tasks that the portal makes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TaskKind {
    /// All prepackaged files.
    Files,
    /// All parts that the agency's engine cuts.
    Parts,
    /// All parts that CDSE cuts; its task shows up some seconds after the request, and a request
    /// for dates without data never gets one.
    CdseParts,
}

impl DataRequest {
    /// A request for nothing, to be filled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for a prepackaged file too.
    pub fn file(mut self, file: FileRequest) -> Self {
        self.files.push(file);
        self
    }

    /// Asks for a part of a dataset too.
    pub fn part(mut self, part: PartRequest) -> Self {
        self.parts.push(part);
        self
    }

    /// The files that are asked for.
    pub fn files(&self) -> &[FileRequest] {
        &self.files
    }

    /// The parts that are asked for.
    pub fn parts(&self) -> &[PartRequest] {
        &self.parts
    }

    /// The tasks that the portal will make of it.
    pub fn kinds(&self) -> Vec<TaskKind> {
        let mut kinds = Vec::new();
        if !self.files.is_empty() {
            kinds.push(TaskKind::Files);
        }
        for kind in [TaskKind::Parts, TaskKind::CdseParts] {
            if self.parts.iter().any(|part| part.kind() == kind) {
                kinds.push(kind);
            }
        }
        kinds
    }

    /// What of it ends in one of its tasks.
    pub(crate) fn only(&self, kinds: &[TaskKind]) -> Self {
        let is_wanted = |part: &&PartRequest| kinds.contains(&part.kind());
        Self {
            files: match kinds.contains(&TaskKind::Files) {
                true => self.files.clone(),
                false => Vec::new(),
            },
            parts: self.parts.iter().filter(is_wanted).cloned().collect(),
        }
    }

    /// Checks what concerns the request as a whole; its parts were checked when they were built.
    /// [`Client::request`](crate::Client::request) does so too.
    ///
    /// # Errors
    /// When it asks for nothing, for too much, for the same thing twice, or for a file without
    /// an identifier: the portal answers the first with success and no task, and the third, for
    /// files, by refusing all later requests.
    pub fn check(&self) -> Result<(), InvalidRequest> {
        if self.files.is_empty() && self.parts.is_empty() {
            return Err(InvalidRequest::Nothing);
        }
        if self.parts.len() > MAX_PARTS {
            return Err(InvalidRequest::TooManyParts {
                found: self.parts.len(),
            });
        }
        let mut seen = HashSet::new();
        for file in &self.files {
            if file.dataset_uid.as_str().is_empty() || file.file_id.as_str().is_empty() {
                return Err(InvalidRequest::BlankIdentifier);
            }
            if !seen.insert(file) {
                return Err(InvalidRequest::Twice {
                    what: format!("file {}", file.file_id),
                });
            }
        }
        for (n, part) in self.parts.iter().enumerate() {
            if self.parts[..n].contains(part) {
                return Err(InvalidRequest::Twice {
                    what: part.to_string(),
                });
            }
        }
        Ok(())
    }

    /// The body of `@datarequest_post`.
    pub fn to_json(&self) -> Value {
        let files = self
            .files
            .iter()
            .map(|file| json!({"DatasetID": file.dataset_uid, "FileID": file.file_id}));
        let parts = self.parts.iter().map(PartRequest::to_json);
        json!({"Datasets": files.chain(parts).collect::<Vec<_>>()})
    }
}

impl<'a> FromIterator<&'a FileRequest> for DataRequest {
    fn from_iter<T: IntoIterator<Item = &'a FileRequest>>(files: T) -> Self {
        Self {
            files: files.into_iter().cloned().collect(),
            parts: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(id: &str) -> FileRequest {
        FileRequest {
            dataset_uid: "d".into(),
            file_id: id.into(),
        }
    }

    #[test]
    fn requests_that_the_portal_would_misread() {
        assert_eq!(DataRequest::new().check(), Err(InvalidRequest::Nothing));
        let blank = DataRequest::new().file(file(" "));
        assert_eq!(blank.check(), Err(InvalidRequest::BlankIdentifier));
        let twice: DataRequest = [&file("a"), &file("a")].into_iter().collect();
        assert!(matches!(twice.check(), Err(InvalidRequest::Twice { .. })));
        // The limit of five does not count files.
        let six: DataRequest = ["a", "b", "c", "d", "e", "f"].map(file).iter().collect();
        six.check().unwrap();
        assert_eq!(six.kinds(), [TaskKind::Files]);
        assert_eq!(
            DataRequest::new().file(file("a")).to_json(),
            json!({"Datasets": [{"DatasetID": "d", "FileID": "a"}]})
        );
    }

    #[test]
    fn five_parts_are_enough() {
        let part = |code: &str| part::tests::part_for(code);
        let mut request = DataRequest::new();
        for code in ["AT", "BE", "DE", "FR", "LU"] {
            request = request.part(part(code));
        }
        request.check().unwrap();
        assert_eq!(
            request.clone().part(part("PL")).check(),
            Err(InvalidRequest::TooManyParts { found: 6 })
        );
        let twice = DataRequest::new().part(part("LU")).part(part("LU"));
        let error = twice.check().unwrap_err();
        assert!(error.to_string().contains("LU"), "{error}");
        let mixed = request.file(file("a"));
        assert_eq!(mixed.kinds(), [TaskKind::Files, TaskKind::Parts]);
        let only = mixed.only(&[TaskKind::Parts]);
        assert_eq!((only.files().len(), only.parts().len()), (0, 5));
    }
}
