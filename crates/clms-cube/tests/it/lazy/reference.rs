//! References, opened by xarray over fsspec from a web server on this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use clms_cube::{CubeError, Dataset, Duplicates, FileOptions, Selection, StackFile};
use clms_factory::{DType, DatedRaster, Pattern, RasterSpec};
use clms_servers::installed::Python;
use jiff::civil::date;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::server::{Habit, Server};

const PYTHON: Python = Python {
    name: "reference",
    requirements: include_str!("../../../../../tests/interop/requirements-reference.txt"),
    pip: &[],
};

fn python(script: &str, args: &[&Path]) -> String {
    let interop = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/interop");
    let output = Command::new(PYTHON.programs().join("python"))
        .arg(interop.join(script))
        .args(args)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{script} {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Files on a server, which are in a folder, too.
struct Scene {
    folder: TempDir,
    server: Server,
}

impl Scene {
    async fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            server: Server::start().await,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn open(&self, name: &str) -> Dataset {
        self.server.put_file(name, &self.path(name));
        Dataset::open_file(self.server.reader(name), &FileOptions::default())
            .await
            .unwrap()
    }

    /// Writes a reference in both forms and has each compared with what is read here and with the files; what was found.
    async fn compare(&self, dataset: &Dataset) -> Value {
        let expected = TempDir::new().unwrap();
        dump(dataset, expected.path()).await;
        let mut reports = Vec::new();
        for ending in ["json", "parq"] {
            let reference = expected.path().join(format!("reference.{ending}"));
            dataset
                .write_reference(&reference, self.server.url())
                .await
                .unwrap();
            let sources: Vec<PathBuf> = dataset.files().into_iter().map(|n| self.path(n)).collect();
            let mut args = vec![reference.as_path(), expected.path()];
            args.extend(sources.iter().map(PathBuf::as_path));
            let report: Value = serde_json::from_str(&python("check_reference.py", &args)).unwrap();
            reports.push(report);
        }
        assert_eq!(reports[0], reports[1]);
        reports.remove(0)
    }
}

/// Writes what is read here for the script.
async fn dump(dataset: &Dataset, folder: &Path) {
    let root = dataset.group("").unwrap();
    let write = |name: &str, kind: &str, values: &[f64]| {
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_ne_bytes())
            .collect();
        std::fs::write(folder.join(format!("{name}.{kind}")), bytes).unwrap();
    };
    let mut variables = serde_json::Map::new();
    for variable in &root.variables {
        let slab = dataset.select("", &variable.name, &Selection::new()).await;
        let window = dataset.read(&slab.unwrap()).await.unwrap();
        write(&variable.name, "stored", &window.pixels.to_f64());
        write(&variable.name, "decoded", &window.values());
        let about =
            json!({ "dims": variable.dims, "shape": variable.shape, "dtype": variable.dtype });
        variables.insert(variable.name.clone(), about);
    }
    let mut coordinates = serde_json::Map::new();
    for coordinate in root
        .coordinates
        .iter()
        .filter(|known| !known.shape.is_empty())
    {
        let values = dataset.coordinate("", &coordinate.name).await.unwrap();
        write(&coordinate.name, "stored", &values);
        coordinates.insert(coordinate.name.clone(), json!(values.len()));
    }
    let times = if coordinates.contains_key("time") {
        dataset.times("").await.unwrap()
    } else {
        Vec::new()
    };
    let expected = json!({ "variables": variables, "coordinates": coordinates, "times": times });
    std::fs::write(folder.join("expected.json"), expected.to_string()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn netcdf_files_of_several_days() {
    if !DatedRaster::can_write_netcdf() {
        return;
    }
    let scene = Scene::new().await;
    let mut files = Vec::new();
    for day in [22, 20, 21] {
        let raster = DatedRaster::soil_moisture(date(2020, 2, day), 300, 200);
        let name = raster.netcdf_name();
        raster.write_netcdf(&scene.path(&name)).unwrap();
        scene.server.put_file(&name, &scene.path(&name));
        files.push(StackFile {
            time: raster.date.in_tz("UTC").unwrap().timestamp(),
            reader: scene.server.reader(&name),
        });
    }
    let options = FileOptions::default();
    let one = Dataset::open_file(files[0].reader.clone(), &options).await;
    let dataset = Dataset::open_stack(files, Duplicates::Refuse, &options);
    let dataset = dataset.await.unwrap();
    let (before, of_server) = (dataset.traffic(), scene.server.traffic());
    let reference = scene.path("ssm.json");
    let written = dataset.write_reference(&reference, scene.server.url());
    let written = written.await.unwrap();
    assert_eq!((written.files, written.variables), (3, 1));
    assert_eq!((written.chunks, written.absent), (600, 0));
    let after = dataset.traffic();
    let bytes = scene.server.traffic().bytes - of_server.bytes;
    assert_eq!(after.bytes - before.bytes, bytes);
    assert!(bytes < 3 * 100_000, "heads of files and no pixels: {bytes}");

    let report = scene.compare(&one.unwrap()).await;
    assert_eq!(report["times"], 1);

    let report = scene.compare(&dataset).await;
    assert_eq!(report["times"], 3);
    assert_eq!(report["crs"], "EPSG:4326");
    let ssm = &report["variables"]["ssm"];
    assert_eq!(ssm["pixels"], 3 * 300 * 200);
    assert!(ssm["missing"].as_u64().unwrap() > 0);
    assert_eq!(
        ssm["attributes"]["flag_values"],
        "[241, 242, 251, 252, 253]"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_layout_of_hdf5() {
    let scene = Scene::new().await;
    python("make_netcdf.py", &[scene.folder.path()]);
    let mut compared = 0;
    for entry in std::fs::read_dir(scene.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            continue;
        }
        let report = scene.compare(&scene.open(name).await).await;
        assert_eq!(report["variables"]["v"]["pixels"], 9000, "{name}");
        compared += 1;
    }
    assert_eq!(compared, 15);
    for (name, reason) in [
        ("lzf", "lzf"),
        ("scaleoffset", "scaleoffset"),
        ("unnamed_fill", "never written"),
    ] {
        let dataset = scene.open(&format!("refused/{name}.nc")).await;
        let reference = scene.path("refused.json");
        let refused = dataset.write_reference(&reference, str::to_owned).await;
        let error = refused.unwrap_err();
        assert!(matches!(error, CubeError::NoReference { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
        assert!(!reference.exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cloud_optimised_geotiffs_of_several_days() {
    let scene = Scene::new().await;
    let mut files = Vec::new();
    for day in 10..13 {
        let raster = DatedRaster::fapar(date(2020, 1, day), 700, 600);
        let name = raster.cog_name();
        raster.write_cog(&scene.path(&name)).unwrap();
        scene.server.put_file(&name, &scene.path(&name));
        files.push(StackFile {
            time: raster.date.in_tz("UTC").unwrap().timestamp(),
            reader: scene.server.reader(&name),
        });
    }
    let options = FileOptions {
        variable: Some("FAPAR".to_owned()),
        ..FileOptions::default()
    };
    let dataset = Dataset::open_stack(files, Duplicates::Refuse, &options).await;
    let report = scene.compare(&dataset.unwrap()).await;
    assert_eq!(report["times"], 3);
    assert_eq!(
        report["variables"]["FAPAR"]["attributes"]["scale_factor"],
        "0.004"
    );
}

fn spec(name: &str, dtype: DType) -> RasterSpec {
    RasterSpec::new(format!("{name}.tif"), 200, 150)
        .dtype(dtype)
        .block(Some(64))
        .pattern(Pattern::custom(|x, y| {
            (x / 70.0).floor() % 90.0 + (y * 0.3).floor() % 7.0
        }))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_layout_of_tiff() {
    let scene = Scene::new().await;
    let compressed = |name: &str, dtype, compression: &str, options: &[&str]| {
        let mut plain = spec(name, dtype).compress(compression);
        if !options.contains(&"ENDIANNESS=BIG") {
            // The factory writes nodata into little-endian files only.
            plain = plain.nodata("0");
        }
        options
            .iter()
            .fold(plain, |spec, option| spec.option(*option))
    };
    let mut specs = vec![
        compressed("none", DType::U16, "NONE", &[]),
        compressed("none_big", DType::F32, "NONE", &["ENDIANNESS=BIG"]),
        compressed("deflate", DType::I16, "DEFLATE", &[]),
        compressed("deflate_2", DType::U8, "DEFLATE", &["PREDICTOR=2"]),
        compressed("lzw", DType::U8, "LZW", &[]),
        compressed("lzw_2", DType::I16, "LZW", &["PREDICTOR=2"]),
        compressed(
            "lzw_2_big",
            DType::U32,
            "LZW",
            &["PREDICTOR=2", "ENDIANNESS=BIG"],
        ),
        compressed("lzw_3", DType::F32, "LZW", &["PREDICTOR=3"]),
        compressed(
            "deflate_3_big",
            DType::F64,
            "DEFLATE",
            &["PREDICTOR=3", "ENDIANNESS=BIG"],
        ),
        compressed("packbits", DType::U8, "PACKBITS", &[]),
        compressed("big_tiff", DType::U8, "LZW", &["BIGTIFF=YES"]),
        compressed(
            "bands",
            DType::U8,
            "LZW",
            &["INTERLEAVE=BAND", "PREDICTOR=2"],
        )
        .band(Pattern::plane(10.0)),
        compressed("strips", DType::U16, "NONE", &["BLOCKYSIZE=40"]).block(None),
        compressed(
            "even_strips",
            DType::U8,
            "LZW",
            &["BLOCKYSIZE=50", "PREDICTOR=2"],
        )
        .block(None),
        compressed("short_strip", DType::U8, "LZW", &["BLOCKYSIZE=40"]).block(None),
        compressed(
            "short_strip_2",
            DType::I16,
            "LZW",
            &["BLOCKYSIZE=40", "PREDICTOR=2"],
        )
        .block(None),
        compressed(
            "short_strip_2_big",
            DType::U16,
            "DEFLATE",
            &["BLOCKYSIZE=40", "PREDICTOR=2", "ENDIANNESS=BIG"],
        )
        .block(None),
        compressed(
            "short_strip_packed",
            DType::U8,
            "PACKBITS",
            &["BLOCKYSIZE=40"],
        )
        .block(None),
        compressed("sparse", DType::U8, "LZW", &["SPARSE_OK=TRUE"]).pattern(Pattern::custom(
            |x, _| if x < 4_000_700.0 { 0.0 } else { 5.0 },
        )),
    ];
    let creation = gdal::DriverManager::get_driver_by_name("GTiff").unwrap();
    let creation = gdal::Metadata::metadata_item(&creation, "DMD_CREATIONOPTIONLIST", "");
    if creation.is_some_and(|options| options.contains("ZSTD")) {
        specs.push(compressed("zstd", DType::U16, "ZSTD", &["PREDICTOR=2"]));
    }
    for spec in &specs {
        spec.write(scene.folder.path()).unwrap();
        let dataset = scene.open(&spec.name).await;
        let report = scene.compare(&dataset).await;
        assert_eq!(report["crs"], "EPSG:3035", "{}", spec.name);
    }
    for (spec, reason) in [
        (compressed("jpeg", DType::U8, "JPEG", &[]), "JPEG"),
        (
            compressed("pixels", DType::U8, "LZW", &["INTERLEAVE=PIXEL"])
                .band(Pattern::plane(10.0)),
            "interleaved by pixel",
        ),
        (compressed("bits", DType::U8, "LZW", &["NBITS=7"]), "7 bits"),
        (
            compressed(
                "short_3",
                DType::F32,
                "LZW",
                &["BLOCKYSIZE=40", "PREDICTOR=3"],
            )
            .block(None),
            "shorter",
        ),
    ] {
        spec.write(scene.folder.path()).unwrap();
        let dataset = scene.open(&spec.name).await;
        let refused = dataset
            .write_reference(&scene.path("refused.json"), str::to_owned)
            .await;
        let error = refused.unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
}

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
