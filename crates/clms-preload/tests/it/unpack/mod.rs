//! The unpacker, on real archives.

mod good;
mod hostile;

use std::{
    collections::BTreeMap,
    fs,
    io::{Cursor, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use clms_preload::{
    EntrySource, JobId, Meter, NoProgress, ProblemKind, StageName, UnpackLimits, UnpackedEntry,
    UnpackedPackage, Unpacker as _, ZipUnpacker,
};
use proptest::{collection::vec, prelude::*, sample::Index};
use tokio_util::sync::CancellationToken;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

const STORED: CompressionMethod = CompressionMethod::Stored;
const DEFLATED: CompressionMethod = CompressionMethod::Deflated;

fn zip(entries: &[(&str, &[u8], CompressionMethod)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content, method) in entries {
        let options = SimpleFileOptions::default().compression_method(*method);
        zip.start_file(*name, options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A raster that does not compress to nothing.
fn raster(len: u32) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    (0..len).map(|_| next()).collect()
}

struct Bench {
    folder: tempfile::TempDir,
    limits: UnpackLimits,
    /// What is left deflated, by the ending of its name.
    left_deflated: Option<&'static str>,
    cancel: CancellationToken,
}

impl Bench {
    /// Takes things in place from 1000 bytes on.
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            limits: UnpackLimits {
                in_place_bytes: 1000,
                ..UnpackLimits::default()
            },
            left_deflated: None,
            cancel: CancellationToken::new(),
        }
    }

    fn archive(&self) -> PathBuf {
        self.folder.path().join("download.zip")
    }

    fn output(&self) -> PathBuf {
        self.folder.path().join("unpacked")
    }

    fn try_unpack(&self, archive: &[u8]) -> Result<UnpackedPackage, clms_preload::UnpackError> {
        fs::write(self.archive(), archive).unwrap();
        let meter = Meter::new(
            "job".parse::<JobId>().unwrap(),
            StageName::Unpacking,
            Arc::new(NoProgress),
        );
        let left = self.left_deflated;
        ZipUnpacker::new(|name| !name.ends_with(".pdf"))
            .leaving_deflated(move |name| left.is_some_and(|ending| name.ends_with(ending)))
            .with_limits(self.limits)
            .unpack_blocking(&self.archive(), &self.output(), &meter, &self.cancel)
    }

    fn unpack(&self, archive: &[u8]) -> UnpackedPackage {
        self.try_unpack(archive).unwrap()
    }

    fn kind(&self, archive: &[u8]) -> String {
        self.try_unpack(archive).unwrap_err().kind().to_string()
    }
}

fn read(entry: &UnpackedEntry) -> Vec<u8> {
    match &entry.source {
        EntrySource::File(path) => fs::read(path).unwrap(),
        EntrySource::Range { path, offset, len } => {
            let mut file = fs::File::open(path).unwrap();
            file.seek(SeekFrom::Start(*offset)).unwrap();
            let mut bytes = Vec::new();
            file.take(*len).read_to_end(&mut bytes).unwrap();
            bytes
        }
        EntrySource::Deflated {
            path,
            offset,
            compressed_len,
            len,
            crc32,
        } => {
            let mut file = fs::File::open(path).unwrap();
            file.seek(SeekFrom::Start(*offset)).unwrap();
            let mut bytes = Vec::new();
            flate2::read::DeflateDecoder::new(file.take(*compressed_len))
                .take(len + 1)
                .read_to_end(&mut bytes)
                .unwrap();
            let mut crc = flate2::Crc::new();
            crc.update(&bytes);
            assert_eq!((bytes.len() as u64, crc.sum()), (*len, *crc32));
            bytes
        }
    }
}

fn contents(package: &UnpackedPackage) -> BTreeMap<&str, Vec<u8>> {
    package
        .entries
        .iter()
        .map(|entry| (entry.name.as_str(), read(entry)))
        .collect()
}

fn is_in_place(package: &UnpackedPackage, name: &str, archive: &Path) -> bool {
    let entry = package
        .entries
        .iter()
        .find(|entry| entry.name == name)
        .unwrap();
    matches!(&entry.source, EntrySource::Range { path, .. } if path == archive)
}
