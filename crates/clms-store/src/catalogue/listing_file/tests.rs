use std::{fs, sync::Barrier, thread};

use clms_api::Dataset;
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::catalogue::Query;

const PORTAL: &str = "http://localhost/api";

fn dataset(id: &str) -> Value {
    json!({
        "UID": id, "id": id, "title": format!("Forest Type {id}"), "description": "Kinds of leaves",
        "temporalExtentStart": "2018-01-01",
        "downloadable_files": {"items": [{"@id": "1", "file": format!("{id}_eu"), "source": "EEA", "size": "1 MB", "path": "x"}]},
    })
}

fn kept(datasets: Vec<Value>) -> Kept {
    let read = |value| Dataset::from_portal(value).unwrap();
    let unreadable = vec!["one that was odd".to_owned()];
    Kept::now(PORTAL, datasets.into_iter().map(read).collect(), unreadable)
}

/// A folder with a catalogue and the listing of it.
fn written(mut catalogue: Kept) -> (TempDir, PathBuf, KeptListing) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("catalogue.json");
    catalogue.write(&file).unwrap();
    let made = KeptListing::make(catalogue, &file);
    (folder, file, made)
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9-]{1,8}( [A-Za-z0-9]{1,6}){0,4}",
        "\\PC{0,12}",
        Just("Forest Type 2018 (raster 10 m), Europe".to_owned()),
    ]
}

prop_compose! {
    fn files()(
        name in "[a-zA-Z0-9_ .]{0,12}", texts in [texts(), texts(), texts()],
        source in prop::sample::select(vec!["EEA", "WEKEO", "LEGACY", "LANDCOVER", "Mars", ""]),
        size in prop::sample::select(vec!["", "3 MB", "1 GB", "odd"]),
    ) -> Value {
        let [area, resolution, version] = texts;
        json!({"@id": "1", "file": name, "area": area, "resolution": resolution, "version": version, "source": source,
            "size": size, "format": "Geotiff", "path": "H:\\x"})
    }
}

prop_compose! {
    fn datasets()(
        id in "[a-z0-9|.-]{1,8}", title in texts(), description in texts(), keywords in prop::collection::vec(texts(), 0..3),
        start in prop::sample::select(vec!["", "2018-01-01", "1990-06-01T10:00:00.123456Z"]),
        west in -200..200, files in prop::collection::vec(files(), 0..4),
        source in prop::sample::select(vec!["EEA", "WEKEO", "LEGACY", "LANDCOVER", "Mars"]),
    ) -> Value {
        json!({
            "UID": "u", "id": id, "title": title, "description": description, "keywords": keywords, "temporalExtentStart": start,
            "geographicBoundingBox": {"items": [{"west": west, "south": 0.1, "east": 1e-7, "north": 3}]},
            "downloadable_files": {"items": files},
            "dataset_download_information": {"items": [{"@id": "1", "full_source": source, "full_path": "x", "name": "RASTER"}]},
        })
    }
}

proptest! {
    #[test]
    fn what_is_read_is_what_the_catalogue_gives(datasets in prop::collection::vec(datasets(), 0..6), text in texts()) {
        let (_folder, file, made) = written(kept(datasets));
        let read = KeptListing::read(&file, PORTAL).unwrap();
        prop_assert_eq!(&read, &made);
        let catalogue = Catalogue::from(Kept::read(&file, PORTAL).unwrap());
        prop_assert_eq!(&read.listing.entries, &catalogue.entries);
        prop_assert_eq!(read.listing.unreadable(), catalogue.unreadable());
        let query = Query { text, ..Query::default() };
        prop_assert_eq!(read.listing.search(&query), catalogue.search(&query));
    }
}

#[test]
fn a_damaged_listing_is_none() {
    let (_folder, file, made) = written(kept(vec![dataset("one")]));
    let whole = fs::read(beside(&file)).unwrap();
    let read = |bytes: &[u8]| {
        fs::write(beside(&file), bytes).unwrap();
        KeptListing::read(&file, PORTAL)
    };
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        // The digits of a checksum may be in upper case.
        let is_the_same = read(&damaged).is_none_or(|read| read == made);
        assert!(is_the_same, "the byte {at} is another");
        assert_eq!(read(&whole[..at]), None, "it ends after {at} bytes");
    }
    assert_eq!(read(&[&whole[..], b"x"].concat()), None);
    assert_eq!(read(&whole), Some(made));
}

#[test]
fn a_listing_of_another_catalogue_portal_or_program_is_none() {
    let (_folder, file, _) = written(kept(vec![dataset("one")]));
    assert!(KeptListing::read(&file, PORTAL).is_some());
    assert!(KeptListing::read(&file, "http://elsewhere/api").is_none());

    let listing = fs::read(beside(&file)).unwrap();
    let (head, body): (Head<'_>, _) = postcard::take_from_bytes(&listing).unwrap();
    let head = Head {
        made_by: "another program",
        ..head
    };
    let mut of_another = postcard::to_extend(&head, Vec::new()).unwrap();
    of_another.extend(body);
    fs::write(beside(&file), of_another).unwrap();
    assert!(KeptListing::read(&file, PORTAL).is_none());

    fs::write(beside(&file), &listing).unwrap();
    kept(vec![dataset("two")]).write(&file).unwrap();
    assert!(KeptListing::read(&file, PORTAL).is_none());
    fs::remove_file(&file).unwrap();
    assert!(KeptListing::read(&file, PORTAL).is_none());
}

#[test]
fn two_that_write_at_once_never_make_a_mixture() {
    let (_folder, file, _) = written(kept(vec![dataset("one")]));
    let begin = Barrier::new(3);
    thread::scope(|scope| {
        for id in ["one", "two"] {
            let (file, begin) = (&file, &begin);
            scope.spawn(move || {
                begin.wait();
                for _ in 0..100 {
                    let mut catalogue = kept(vec![dataset(id)]);
                    catalogue.write(file).unwrap();
                    KeptListing::make(catalogue, file);
                }
            });
        }
        begin.wait();
        for _ in 0..500 {
            let before = Kept::read(&file, PORTAL).unwrap();
            let listing = KeptListing::read(&file, PORTAL);
            let after = Kept::read(&file, PORTAL).unwrap();
            // Nobody wrote meanwhile.
            if before.loaded_at == after.loaded_at
                && let Some(listing) = listing
            {
                assert_eq!(listing.loaded_at, after.loaded_at);
                assert_eq!(listing.listing, Catalogue::from(after).into());
            }
        }
    });
    // Whoever came last: what lies there is right, or none.
    let catalogue = Kept::read(&file, PORTAL).unwrap();
    let listing = KeptListing::read(&file, PORTAL);
    assert!(listing.is_none_or(|it| it.listing == Catalogue::from(catalogue).into()));
}
