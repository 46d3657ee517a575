//! Files and servers as they should not be.

use clms_cube::{CacheOptions, CubeError, Dataset, FileOptions, RangeError};

use super::files::{Files, lonlat, write_netcdf};
use super::server::{Habit, Server};

async fn open(server: &Server, name: &str) -> Result<Dataset, CubeError> {
    // A small head, so that pixels are not in it.
    let options = FileOptions {
        cache: CacheOptions {
            head: 4 << 10,
            block: 1 << 10,
            ..CacheOptions::default()
        },
        ..FileOptions::default()
    };
    Dataset::open_file(server.reader(name), &options).await
}

/// All formats that this machine can write.
fn formats() -> Vec<(&'static str, Vec<u8>)> {
    let (files, source) = (Files::new(), lonlat(700, 500));
    source.write_cog(&files.path("a.tif")).unwrap();
    let mut formats = vec![("a.tif", std::fs::read(files.path("a.tif")).unwrap())];
    if write_netcdf(&source, &files.path("a.nc")) {
        formats.push(("a.nc", std::fs::read(files.path("a.nc")).unwrap()));
    }
    formats
}

async fn read_all(dataset: &Dataset) -> Result<(), CubeError> {
    let variable = dataset.group("")?.variables[0].name.clone();
    dataset
        .read_window("", &variable, 0..500, 0..700)
        .await
        .map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_answer_with_something_else() {
    let server = Server::start().await;
    for (name, bytes) in formats() {
        server.put(name, bytes.clone(), Habit::Page);
        let error = open(&server, name).await.unwrap_err();
        assert!(matches!(error, CubeError::UnknownFormat { .. }), "{error}");
        assert!(error.to_string().contains("a page"), "{error}");
        server.put(name, bytes.clone(), Habit::NoRanges);
        let error = open(&server, name).await.unwrap_err();
        assert!(error.hint().is_some() && !error.is_retryable(), "{error}");
        server.put(name, bytes.clone(), Habit::Breaks);
        let error = open(&server, name).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
        server.put(name, bytes.clone(), Habit::Forbidden);
        let error = open(&server, name).await.unwrap_err();
        assert!(
            matches!(error, CubeError::Range(RangeError::Denied { .. })),
            "{error}"
        );
    }
    let error = open(&server, "missing.tif").await.unwrap_err();
    assert!(
        matches!(error, CubeError::Range(RangeError::NotFound { .. })),
        "{error}"
    );
    server.put("empty.tif", Vec::new(), Habit::Good);
    open(&server, "empty.tif").await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_replaced_while_it_is_open() {
    let server = Server::start().await;
    for (name, bytes) in formats() {
        server.put(name, bytes.clone(), Habit::Good);
        let dataset = open(&server, name).await.unwrap();
        server.put(name, bytes.clone(), Habit::Good);
        let error = read_all(&dataset).await.unwrap_err();
        assert!(
            matches!(error, CubeError::Range(RangeError::Changed { .. })),
            "{name}: {error}"
        );
        // Opened again, it is the new one.
        read_all(&open(&server, name).await.unwrap()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_files_are_errors_and_end() {
    let server = Server::start().await;
    for (name, bytes) in formats() {
        for part in 1..8 {
            server.put(name, bytes[..bytes.len() * part / 8].to_vec(), Habit::Good);
            if let Ok(dataset) = open(&server, name).await {
                let outcome = read_all(&dataset).await;
                assert!(outcome.is_err() || part > 4, "{name}: {part} of 8");
            }
        }
        // One byte in 97 of the first kilobytes, where the metadata is.
        for seed in 0..40_usize {
            let mut damaged = bytes.clone();
            for index in (8 + seed..6000.min(bytes.len())).step_by(97 + seed) {
                damaged[index] ^= (seed * 37 + index) as u8 | 1;
            }
            server.put(name, damaged, Habit::Good);
            if let Ok(dataset) = open(&server, name).await
                && let Some(variable) = dataset.group("").unwrap().variables.first()
                && variable.shape.len() >= 2
            {
                let name = variable.name.clone();
                let _ = dataset.read_window("", &name, 0..1, 0..1).await;
            }
        }
    }
}

/// Absurd sizes: a TIFF of 2^31 x 2^31 pixels with one byte of data.
#[tokio::test(flavor = "multi_thread")]
async fn absurd_sizes_take_no_memory() {
    let mut tiff: Vec<u8> = b"II*\0\x08\0\0\0".to_vec();
    let entries: [(u16, u16, u32); 9] = [
        (256, 4, 0x7fff_ffff),
        (257, 4, 0x7fff_ffff),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 200),
        (277, 3, 1),
        (278, 4, 0x7fff_ffff),
        (279, 4, 1),
    ];
    tiff.extend((entries.len() as u16).to_le_bytes());
    for (tag, kind, value) in entries {
        tiff.extend(tag.to_le_bytes());
        tiff.extend(kind.to_le_bytes());
        tiff.extend(1_u32.to_le_bytes());
        tiff.extend(value.to_le_bytes());
    }
    tiff.resize(300, 0);
    let server = Server::start().await;
    server.put("absurd.tif", tiff, Habit::Good);
    if let Ok(dataset) = open(&server, "absurd.tif").await {
        let variable = dataset.group("").unwrap().variables[0].clone();
        let [height, width] = variable.shape[..] else {
            unreachable!()
        };
        let error = dataset
            .read_window("", &variable.name, 0..height, 0..width)
            .await
            .unwrap_err();
        assert!(matches!(error, CubeError::WindowTooLarge { .. }), "{error}");
        dataset
            .read_window("", &variable.name, height - 1..height, 0..1)
            .await
            .unwrap_err();
    }
}

/// A reader that nobody waits for any more frees its thread: else the runtime could not be shut down.
#[test]
fn what_is_cancelled_frees_its_thread() {
    for (name, bytes) in formats() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let server = Server::start().await;
            server.put(name, bytes.clone(), Habit::Good);
            let dataset = open(&server, name).await.unwrap();
            server.put(name, bytes, Habit::Silent);
            let variable = dataset.group("").unwrap().variables[0].name.clone();
            tokio::select! {
                outcome = dataset.read_window("", &variable, 200..500, 0..700) => panic!("{outcome:?}"),
                () = server.silent() => {}
            }
        });
        // Waits for all blocking threads.
        drop(runtime);
    }
}
