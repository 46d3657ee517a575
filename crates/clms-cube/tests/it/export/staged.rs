//! Whole or absent, whatever happens.

use clms_cube::{CancellationToken, ExportOptions, ExportProgress, ExportState};

use super::{export, moisture, names, open, target, three_days};

/// Cancels when so much of the work is done.
struct CancelAt(f64, CancellationToken);

impl ExportProgress for CancelAt {
    fn advanced(&self, state: ExportState) {
        assert!(state.done <= state.total);
        if state.done as f64 >= state.total as f64 * self.0 {
            self.1.cancel();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_at_any_time() {
    let dir = tempfile::tempdir().unwrap();
    let source = moisture("a.tif", 5000, 4500).write(dir.path()).unwrap();
    let dataset = open(&source).await;
    for (name, part) in [
        ("a.tif", 0.0),
        ("a.tif", 0.3),
        ("a.tif", 0.7),
        ("a.nc", 0.0),
        ("a.nc", 0.5),
        ("a.zarr", 0.5),
    ] {
        let path = target(&dir, name);
        let cancel = CancellationToken::new();
        let progress = CancelAt(part, cancel.clone());
        let options = ExportOptions::default();
        let outcome = dataset.export(&path, &options, &progress, &cancel).await;
        assert_eq!(outcome.unwrap_err().kind(), "cancelled", "{name} {part}");
        assert!(names(path.parent().unwrap()).is_empty(), "{name} {part}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_there_stays_unless_it_may_be_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = three_days(dir.path()).await;
    for name in ["a.tif", "a.nc", "a.zarr"] {
        let path = target(&dir, name);
        std::fs::write(&path, "old").unwrap();
        let mut options = ExportOptions::default();
        let error = export(&dataset, &path, &options).await.unwrap_err();
        assert_eq!(error.kind(), "file_exists", "{error}");
        assert!(error.hint().is_some());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        options.overwrite = true;
        for _ in 0..2 {
            let report = export(&dataset, &path, &options).await.unwrap();
            assert!(report.bytes > 1000);
        }
    }
    assert_eq!(
        names(&dir.path().join("exports")),
        ["a.nc", "a.tif", "a.zarr"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_fails_in_the_middle() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = three_days(dir.path()).await;
    // Its header was read, its pixels were not.
    let second = dir.path().join("1.tif");
    let bytes = std::fs::read(&second).unwrap();
    std::fs::write(&second, &bytes[..bytes.len() / 2]).unwrap();
    for name in ["a.tif", "a.nc", "a.zarr"] {
        let path = target(&dir, name);
        let outcome = export(&dataset, &path, &ExportOptions::default()).await;
        assert!(outcome.is_err(), "{name}");
        assert!(names(path.parent().unwrap()).is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_that_can_not_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = three_days(dir.path()).await;
    let path = dir.path().join("no such folder/a.tif");
    let error = export(&dataset, &path, &ExportOptions::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), "write_file");
    assert!(error.to_string().contains("a.tif"), "{error}");
}
