//! What becomes of a reference that can't be written, and of what stands where it shall be.

use clms_cube::{CubeError, Dataset, Duplicates, FileOptions, StackFile};
use clms_factory::{DType, DatedRaster, RasterSpec};
use jiff::civil::date;

use super::super::server::Habit;
use super::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_stays_until_all_is_written() {
    let scene = Scene::new().await;
    let raster = DatedRaster::fapar(date(2020, 1, 10), 300, 200);
    raster.write_cog(&scene.path("a.tif")).unwrap();
    let dataset = scene.open("a.tif").await;
    let refused = async |name: &str| {
        let path = scene.path(name);
        dataset
            .write_reference(&path, str::to_owned)
            .await
            .unwrap_err()
    };
    assert!(matches!(
        refused("a.zarr").await,
        CubeError::SaveReference { .. }
    ));
    std::fs::create_dir(scene.path("mine.parq")).unwrap();
    assert!(
        refused("mine.parq")
            .await
            .to_string()
            .contains("something else")
    );
    assert!(scene.path("mine.parq").is_dir());
    for name in ["a.json", "a.parq", "a.json", "a.parq"] {
        dataset
            .write_reference(&scene.path(name), str::to_owned)
            .await
            .unwrap();
    }

    // The second file is broken: nothing is replaced, and nothing is left over.
    let good = std::fs::read(scene.path("a.json")).unwrap();
    let mut files = Vec::new();
    for (day, habit) in [(1, Habit::Good), (2, Habit::Breaks), (3, Habit::Good)] {
        let name = format!("{day}.tif");
        let bytes = std::fs::read(scene.path("a.tif")).unwrap();
        scene.server.put(&name, bytes, habit);
        files.push(StackFile {
            time: date(2020, 1, day).in_tz("UTC").unwrap().timestamp(),
            reader: scene.server.reader(&name),
        });
    }
    let options = FileOptions::default();
    let stack = Dataset::open_stack(files, Duplicates::Refuse, &options);
    let stack = stack.await.unwrap();
    for name in ["a.json", "a.parq"] {
        let failed = stack
            .write_reference(&scene.path(name), str::to_owned)
            .await;
        assert!(failed.unwrap_err().to_string().contains("2.tif"));
    }
    assert_eq!(std::fs::read(scene.path("a.json")).unwrap(), good);
    let mut left: Vec<_> = std::fs::read_dir(scene.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["a.json", "a.parq", "a.tif", "mine.parq"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_files_lead_nowhere() {
    let scene = Scene::new().await;
    let raster = DatedRaster::fapar(date(2020, 1, 10), 300, 200);
    raster.write_cog(&scene.path("a.tif")).unwrap();
    scene.server.put_file("a.tif", &scene.path("a.tif"));
    std::fs::create_dir(scene.path("inner")).unwrap();
    let elsewhere = scene.path("absolute").to_str().unwrap().to_owned();
    for variable in ["../../escaped", &elsewhere, ".zgroup", "a/b"] {
        let options = FileOptions {
            variable: Some(variable.to_owned()),
            ..FileOptions::default()
        };
        let dataset = Dataset::open_file(scene.server.reader("a.tif"), &options);
        let dataset = dataset.await.unwrap();
        for name in ["inner/a.parq", "inner/a.json"] {
            let path = scene.path(name);
            let refused = dataset.write_reference(&path, str::to_owned).await;
            let error = refused.unwrap_err();
            assert!(matches!(error, CubeError::NoReference { .. }), "{error}");
        }
        assert!(scene.path("inner").read_dir().unwrap().next().is_none());
        assert!(!scene.path("escaped").exists() && !scene.path("absolute").exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_file_lacks_is_not_referred_to() {
    let scene = Scene::new().await;
    let spec = RasterSpec::new("whole.tif", 200, 150)
        .dtype(DType::U8)
        .compress("NONE")
        .block(None)
        .option("BLOCKYSIZE=40");
    spec.write(scene.folder.path()).unwrap();
    let mut bytes = std::fs::read(scene.path("whole.tif")).unwrap();
    let reference = scene.path("reference.json");
    let refused = async |name: &str, bytes: Vec<u8>| {
        scene.server.put(name, bytes, Habit::Good);
        let options = FileOptions::default();
        let dataset = Dataset::open_file(scene.server.reader(name), &options);
        let dataset = dataset.await.unwrap();
        let error = dataset.write_reference(&reference, str::to_owned).await;
        error.unwrap_err().to_string()
    };
    let half = bytes[..bytes.len() / 2].to_vec();
    let error = refused("half.tif", half).await;
    assert!(error.contains("beyond the end"), "{error}");

    // The lengths of the strips: three of 40 rows and one of 30.
    let lengths: Vec<u8> = [8000_u16, 8000, 8000, 6000]
        .iter()
        .flat_map(|length| length.to_le_bytes())
        .collect();
    let at = bytes.windows(8).position(|window| window == lengths);
    bytes[at.unwrap()..][..2].copy_from_slice(&7999_u16.to_le_bytes());
    let error = refused("short.tif", bytes).await;
    assert!(error.contains("shorter than their pixels"), "{error}");
}
