//! The JSON form: version 1 of kerchunk's references.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::documents::Documents;
use super::stored::Place;

/// A reference that is being written, one key after the other.
#[derive(Debug)]
pub(super) struct JsonReference {
    file: BufWriter<File>,
    is_first: bool,
}

impl JsonReference {
    /// Begins with the metadata and what is inline.
    pub(super) fn create(file: File, documents: &Documents) -> io::Result<Self> {
        let mut reference = Self {
            file: BufWriter::new(file),
            is_first: true,
        };
        reference.file.write_all(br#"{"version":1,"refs":{"#)?;
        for (key, document) in &documents.metadata {
            reference.entry(key, &json!(document.to_string()))?;
        }
        for (path, bytes) in &documents.inline {
            if !bytes.is_empty() {
                reference.entry(&format!("{path}/0"), &inline(bytes))?;
            }
        }
        Ok(reference)
    }

    /// Adds a chunk.
    pub(super) fn chunk(&mut self, key: &str, url: &str, place: &Place) -> io::Result<()> {
        match place {
            Place::File(range) => {
                let length = range.end - range.start;
                self.entry(key, &json!([url, range.start, length]))
            }
            Place::Inline(bytes) => self.entry(key, &inline(bytes)),
        }
    }

    /// Ends the file.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.file.write_all(b"\n}}\n")?;
        self.file.into_inner()?.sync_all()
    }

    fn entry(&mut self, key: &str, value: &serde_json::Value) -> io::Result<()> {
        let separator: &[u8] = if self.is_first { b"\n" } else { b",\n" };
        self.is_first = false;
        self.file.write_all(separator)?;
        serde_json::to_writer(&mut self.file, key)?;
        self.file.write_all(b":")?;
        serde_json::to_writer(&mut self.file, value)?;
        Ok(())
    }
}

fn inline(bytes: &[u8]) -> serde_json::Value {
    json!(format!("base64:{}", BASE64_STANDARD.encode(bytes)))
}
