//! Archives as they should be.

use super::*;

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
