//! Archives that are damaged, or made to do harm.

use super::*;

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
