//! The unpacker, on real archives, good and hostile.

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

#[test]
fn packages_of_every_build_give_the_same_content() {
    let tif = raster(50_000);
    for outer in [STORED, DEFLATED] {
        for inner in [STORED, DEFLATED] {
            let bench = Bench::new();
            let package = zip(&[
                ("X/DATA/X.tif", &tif, inner),
                ("X/DATA/X.tif.aux.xml", b"<PAMDataset/>", inner),
                ("X/Documents/X.pdf", b"%PDF", inner),
            ]);
            let package = bench.unpack(&zip(&[("Results/X.zip", &package, outer)]));
            let expected = BTreeMap::from([
                ("X/DATA/X.tif", tif.clone()),
                ("X/DATA/X.tif.aux.xml", b"<PAMDataset/>".to_vec()),
            ]);
            assert_eq!(contents(&package), expected, "{outer} {inner}");
            assert_eq!(package.skipped, ["X/Documents/X.pdf"]);
            let in_place = is_in_place(&package, "X/DATA/X.tif", &bench.archive());
            assert_eq!(
                in_place,
                (outer, inner) == (STORED, STORED),
                "{outer} {inner}"
            );
            assert!(
                !is_in_place(&package, "X/DATA/X.tif.aux.xml", &bench.archive()),
                "small files are copied"
            );
        }
    }
}

#[test]
fn what_is_left_deflated_is_not_read() {
    let tif = raster(50_000);
    for outer in [STORED, DEFLATED] {
        for inner in [STORED, DEFLATED] {
            let bench = Bench {
                left_deflated: Some(".tif"),
                ..Bench::new()
            };
            let inner_zip = zip(&[
                ("X/DATA/X.tif", &tif, inner),
                ("X/DATA/X.tif.aux.xml", b"<PAMDataset/>", inner),
            ]);
            let package = bench.unpack(&zip(&[("Results/X.zip", &inner_zip, outer)]));
            let [raster, side_car] = &package.entries[..] else {
                panic!("{package:?}");
            };
            let is_deflated = matches!(raster.source, EntrySource::Deflated { .. });
            assert_eq!(is_deflated, inner == DEFLATED, "{outer} {inner}");
            assert!(matches!(side_car.source, EntrySource::File(_)));
            assert_eq!(contents(&package)["X/DATA/X.tif"], tif, "{outer} {inner}");
            // As a job does that goes on after a crash.
            let again: UnpackedPackage =
                serde_json::from_value(serde_json::to_value(&package).unwrap()).unwrap();
            assert_eq!(again, package);
        }
    }
}

#[test]
fn what_is_left_deflated_counts_against_the_limits() {
    let bomb = zip(&[("x.tif", &vec![0; 100_000], DEFLATED)]);
    let mut bench = Bench {
        left_deflated: Some(".tif"),
        ..Bench::new()
    };
    bench.unpack(&bomb);
    bench.limits.ratio_free_bytes = 50_000;
    bench.limits.ratio = 10;
    assert_eq!(bench.kind(&bomb), "hostile_zip");
    let mut bench = Bench {
        left_deflated: Some(".tif"),
        ..Bench::new()
    };
    bench.limits.total_bytes = 99_999;
    assert_eq!(bench.kind(&bomb), "hostile_zip");
}

#[test]
fn plain_content_and_several_inner_archives_are_told_apart() {
    let bench = Bench::new();
    let (a, b) = (
        zip(&[("DATA/x.TIF", b"a", STORED)]),
        zip(&[("DATA/x.TIF", b"b", STORED)]),
    );
    let package = bench.unpack(&zip(&[
        ("Results/A.zip", &a, STORED),
        ("Results/B.ZIP", &b, DEFLATED),
        ("readme.txt", b"r", DEFLATED),
    ]));
    let expected = BTreeMap::from([
        ("A/DATA/x.TIF", b"a".to_vec()),
        ("B/DATA/x.TIF", b"b".to_vec()),
        ("readme.txt", b"r".to_vec()),
    ]);
    assert_eq!(contents(&package), expected);

    assert_eq!(
        bench.unpack(&zip(&[])).entries,
        [],
        "leftovers of the last attempt are gone"
    );
    assert_eq!(fs::read_dir(bench.output()).unwrap().count(), 0);
}

#[test]
fn names_need_not_be_utf8() {
    let bench = Bench::new();
    let mut archive = zip(&[("DATA/gr?n.tif", b"x", STORED)]);
    for at in 0..archive.len() - 1 {
        if archive[at] == b'?' {
            archive[at] = 0x81;
        }
    }
    assert_eq!(
        contents(&bench.unpack(&archive)).keys().collect::<Vec<_>>(),
        [&"DATA/grün.tif"]
    );
}

#[test]
fn what_is_no_archive_is_told_from_what_is_incomplete() {
    let bench = Bench::new();
    let html = b"<!DOCTYPE html><html><body>Under maintenance</body></html>";
    let error = bench.try_unpack(html).unwrap_err();
    assert_eq!(
        (error.kind().as_str(), error.is_retryable()),
        ("not_a_zip", true)
    );
    assert!(error.to_string().contains("<!DOCTYPE html>"), "{error}");
    assert_eq!(bench.kind(b""), "not_a_zip");

    let inner = zip(&[("x.tif", &raster(5000), DEFLATED)]);
    // An incomplete archive must not be taken for the archive in it, which may well be complete.
    let outer = zip(&[("Results/x.zip", &inner, STORED)]);
    for len in [100, outer.len() / 2, outer.len() - 30, outer.len() - 1] {
        assert_eq!(bench.kind(&outer[..len]), "truncated_zip", "{len} bytes");
    }
    let outer = zip(&[("Results/x.zip", &inner[..inner.len() - 30], STORED)]);
    assert_eq!(bench.kind(&outer), "truncated_zip", "the inner one");
}

#[test]
fn damage_is_found_in_place_and_inflated() {
    for method in [STORED, DEFLATED] {
        let bench = Bench::new();
        let mut archive = zip(&[("x.tif", &raster(50_000), method)]);
        archive[20_000] ^= 1;
        assert_eq!(bench.kind(&archive), "damaged_zip", "{method}");
    }
}

#[test]
fn names_that_lead_outside_are_refused() {
    for name in [
        "../x.tif",
        "a/../../x.tif",
        "/etc/x.tif",
        "\\\\host\\x.tif",
        "C:\\x.tif",
        "a\\..\\..\\x.tif",
        "a/../x.tif",
        "a\0.tif",
    ] {
        let bench = Bench::new();
        assert_eq!(
            bench.kind(&zip(&[(name, b"x", STORED)])),
            "hostile_zip",
            "{name:?}"
        );
        assert_eq!(
            fs::read_dir(bench.folder.path()).unwrap().count(),
            2,
            "nothing beside the archive and the folder"
        );
        assert_eq!(fs::read_dir(bench.output()).unwrap().count(), 0);
    }
}

#[test]
fn links_and_colliding_names_are_refused() {
    let bench = Bench::new();
    let mut link = ZipWriter::new(Cursor::new(Vec::new()));
    link.add_symlink("x.tif", "/etc/passwd", SimpleFileOptions::default())
        .unwrap();
    assert_eq!(
        bench.kind(&link.finish().unwrap().into_inner()),
        "hostile_zip"
    );

    let case = zip(&[("DATA/x.tif", b"1", STORED), ("data/X.TIF", b"2", STORED)]);
    assert_eq!(bench.kind(&case), "hostile_zip");
    let file_and_folder = zip(&[("x", b"1", STORED), ("X/y.tif", b"2", STORED)]);
    assert_eq!(bench.kind(&file_and_folder), "hostile_zip");

    // The same name twice, which a writer refuses: made of two names of equal length.
    let mut twice = zip(&[("x1.tif", b"1", STORED), ("x2.tif", b"2", STORED)]);
    for at in 0..twice.len() - 6 {
        if &twice[at..at + 6] == b"x2.tif" {
            twice[at + 1] = b'1';
        }
    }
    assert_eq!(bench.kind(&twice), "hostile_zip");
}

#[test]
fn limits_hold() {
    let zeros = vec![0; 100_000];
    let bomb = zip(&[("x.tif", &zeros, DEFLATED)]);
    let mut bench = Bench::new();
    bench.unpack(&bomb);
    bench.limits.ratio_free_bytes = 50_000;
    bench.limits.ratio = 10;
    let error = bench.try_unpack(&bomb).unwrap_err();
    assert_eq!(error.kind(), ProblemKind::HostileZip);
    assert!(error.to_string().contains("10 times"), "{error}");

    let mut bench = Bench::new();
    bench.limits.total_bytes = 99_999;
    assert_eq!(bench.kind(&bomb), "hostile_zip");

    let mut bench = Bench::new();
    bench.limits.entries = 3;
    let inner = zip(&[("a", b"", STORED), ("b", b"", STORED)]);
    let outer = zip(&[("1.zip", &inner, STORED)]);
    assert_eq!(bench.unpack(&outer).entries.len(), 2);
    let outer = zip(&[("1.zip", &inner, STORED), ("c", b"", STORED)]);
    assert_eq!(
        bench.kind(&outer),
        "hostile_zip",
        "the limit is for all archives together"
    );

    let bench = Bench::new();
    let mut nested = zip(&[("x.tif", b"x", STORED)]);
    for _ in 0..2 {
        nested = zip(&[("n.zip", &nested, STORED)]);
    }
    assert_eq!(bench.unpack(&nested).entries.len(), 1);
    assert_eq!(
        bench.kind(&zip(&[("n.zip", &nested, STORED)])),
        "hostile_zip"
    );
}

#[test]
fn a_directory_that_understates_a_length_is_not_believed() {
    let bench = Bench::new();
    let mut archive = zip(&[("x.tif", &[0; 100_000], DEFLATED)]);
    // The length stands 24 bytes into the central directory's header.
    let header = archive
        .windows(4)
        .rposition(|bytes| bytes == b"PK\x01\x02")
        .unwrap();
    archive[header + 24..header + 28].copy_from_slice(&10_u32.to_le_bytes());
    assert_eq!(bench.kind(&archive), "damaged_zip");
}

#[test]
fn headers_that_contradict_the_directory_are_damage() {
    let bench = Bench::new();
    let good = zip(&[("x.tif", b"0123456789", STORED)]);
    assert_eq!(bench.unpack(&good).entries.len(), 1);
    // Offsets into the local header: signature, method, checksum, lengths, name.
    for (offset, what) in [
        (0, "signature"),
        (8, "compression"),
        (14, "checksum"),
        (18, "length"),
        (22, "length"),
        (30, "name"),
    ] {
        let mut archive = good.clone();
        archive[offset] ^= 1;
        let error = bench.try_unpack(&archive).unwrap_err();
        assert_eq!(error.kind(), ProblemKind::DamagedZip, "{error}");
        assert!(
            what == "signature" || error.to_string().contains(what),
            "{error}"
        );
    }
    let mut archive = good;
    archive[6] ^= 1;
    assert_eq!(bench.kind(&archive), "damaged_zip");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever the bytes are: no panic, and nothing is written outside.
    #[test]
    fn any_bytes_are_survived(changes in vec((any::<Index>(), any::<u8>()), 0..12), end in any::<Index>(), cut in any::<bool>(), leave in any::<bool>()) {
        let bench = Bench { left_deflated: leave.then_some(".tfw"), ..Bench::new() };
        let inner = zip(&[("X/DATA/x.tif", &raster(1500), STORED), ("X/x.tfw", b"1\n0\n", DEFLATED)]);
        let mut archive = zip(&[("Results/x.zip", &inner, STORED), ("read.me", b"hello", DEFLATED)]);
        for (at, byte) in changes {
            let at = at.index(archive.len());
            archive[at] = byte;
        }
        if cut {
            archive.truncate(end.index(archive.len()));
        }
        if let Ok(package) = bench.try_unpack(&archive) {
            for entry in &package.entries {
                if let EntrySource::File(path) = &entry.source {
                    prop_assert!(path.starts_with(bench.output()), "{}", path.display());
                }
                if let EntrySource::Deflated { path, offset, compressed_len, len, .. } = &entry.source {
                    // Nobody has read it yet; it may be anything, but lies within the archive.
                    prop_assert!(offset + compressed_len <= fs::metadata(path).unwrap().len());
                    prop_assert_eq!(*len, entry.len);
                } else {
                    prop_assert_eq!(read(entry).len() as u64, entry.len);
                }
            }
        }
        let beside = fs::read_dir(bench.folder.path()).unwrap().count();
        prop_assert!(beside <= 2, "only the archive and the output folder");
    }
}

#[test]
fn encrypted_entries_matter_only_if_they_are_wanted() {
    let encrypted = |name: &str| {
        let mut archive = zip(&[(name, b"x", STORED), ("y.tif", b"y", STORED)]);
        // Bit 0 of the flags, 8 bytes into the central directory's header and 6 into the local one.
        let header = archive
            .windows(4)
            .position(|bytes| bytes == b"PK\x01\x02")
            .unwrap();
        archive[header + 8] |= 1;
        archive[6] |= 1;
        archive
    };
    let bench = Bench::new();
    assert_eq!(bench.kind(&encrypted("x.tif")), "encrypted_zip");
    assert_eq!(bench.unpack(&encrypted("x.pdf")).entries.len(), 1);
}

#[test]
fn data_descriptors_and_zip64_are_read() {
    let bench = Bench::new();
    let mut stream = ZipWriter::new_stream(Vec::new());
    let options = SimpleFileOptions::default()
        .compression_method(DEFLATED)
        .large_file(true);
    stream.start_file("x.tif", options).unwrap();
    stream.write_all(&raster(5000)).unwrap();
    let archive = stream.finish().unwrap().into_inner();
    assert_eq!(
        contents(&bench.unpack(&archive)),
        BTreeMap::from([("x.tif", raster(5000))])
    );
}

/// More entries than the old directory can count.
#[test]
fn zip64_directories_are_read() {
    let mut bench = Bench::new();
    bench.limits.entries = 100_000;
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(STORED);
    for number in 0..=u16::MAX {
        zip.start_file(format!("doc/{number}.pdf"), options)
            .unwrap();
    }
    zip.start_file("X.TIF", options.large_file(true)).unwrap();
    zip.write_all(b"raster").unwrap();
    let archive = zip.finish().unwrap().into_inner();
    let end_of_directory = |bytes: &[u8]| bytes == b"PK\x06\x06";
    assert!(archive.windows(4).any(end_of_directory), "it is Zip64");
    let package = bench.unpack(&archive);
    assert_eq!(package.skipped.len(), 1 << 16);
    let expected = BTreeMap::from([("X.TIF", b"raster".to_vec())]);
    assert_eq!(contents(&package), expected);
}

#[test]
fn a_cancelled_unpacking_stops() {
    let bench = Bench::new();
    bench.cancel.cancel();
    assert_eq!(bench.kind(&zip(&[("x.tif", b"x", STORED)])), "interrupted");
}

#[tokio::test]
async fn as_an_unpacker_it_speaks_of_problems() {
    let bench = Bench::new();
    let meter = Meter::new(
        "job".parse::<JobId>().unwrap(),
        StageName::Unpacking,
        Arc::new(NoProgress),
    );
    let unpacker = ZipUnpacker::new(|_| true);
    fs::write(bench.archive(), zip(&[("../x", b"x", STORED)])).unwrap();
    let problem = unpacker
        .unpack(&bench.archive(), &bench.output(), &meter, &bench.cancel)
        .await
        .unwrap_err();
    assert_eq!(
        (problem.kind.as_str(), problem.is_retryable()),
        ("hostile_zip", false)
    );
    assert!(problem.hint().is_some());
}
