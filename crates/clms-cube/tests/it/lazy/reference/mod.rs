//! References, opened by xarray over fsspec from a web server on this machine.

mod layouts;
mod saving;

use std::path::{Path, PathBuf};
use std::process::Command;

use clms_cube::{Dataset, Duplicates, FileOptions, Selection, StackFile};
use clms_factory::DatedRaster;
use clms_servers::installed::Python;
use jiff::civil::date;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::server::Server;

const PYTHON: Python = Python {
    name: "reference",
    requirements: include_str!("../../../../../../tests/interop/requirements-reference.txt"),
    pip: &[],
};

fn python(script: &str, about: &Path) -> String {
    let interop = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/interop");
    let output = Command::new(PYTHON.programs().join("python"))
        .arg(interop.join(script))
        .arg(about)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{script}: {}",
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

    /// Writes a reference of each dataset in both forms and has all compared with what is read here and with the files, by one Python: it
    /// takes longer to start than to compare. What was found of each; a failure names the dataset.
    async fn compare(&self, datasets: &[(String, Dataset)]) -> Vec<Value> {
        let work = TempDir::new().unwrap();
        let mut jobs = Vec::new();
        for (number, (name, dataset)) in datasets.iter().enumerate() {
            let expected = work.path().join(number.to_string());
            std::fs::create_dir(&expected).unwrap();
            dump(dataset, &expected).await;
            let sources: Vec<PathBuf> = dataset.files().into_iter().map(|n| self.path(n)).collect();
            for ending in ["json", "parq"] {
                let reference = expected.join(format!("reference.{ending}"));
                dataset
                    .write_reference(&reference, self.server.url())
                    .await
                    .unwrap();
                jobs.push(json!({
                    "name": format!("{name}, {ending}"), "reference": reference, "expected": expected, "sources": sources,
                }));
            }
        }
        let list = work.path().join("jobs.json");
        std::fs::write(&list, json!(jobs).to_string()).unwrap();
        // The server answers meanwhile.
        let checked = tokio::task::spawn_blocking(move || python("check_reference.py", &list));
        let reports: Vec<Value> = serde_json::from_str(&checked.await.unwrap()).unwrap();
        assert_eq!(reports.len(), jobs.len());
        let (pairs, _) = reports.as_chunks::<2>();
        for ([of_json, of_parquet], (name, _)) in pairs.iter().zip(datasets) {
            assert_eq!(of_json, of_parquet, "{name}");
        }
        pairs.iter().map(|[of_json, _]| of_json.clone()).collect()
    }

    async fn compare_one(&self, dataset: &Dataset) -> Value {
        let alone = [("the dataset".to_owned(), dataset.clone())];
        self.compare(&alone).await.remove(0)
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

    let report = scene.compare_one(&one.unwrap()).await;
    assert_eq!(report["times"], 1);

    let report = scene.compare_one(&dataset).await;
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
    let report = scene.compare_one(&dataset.unwrap()).await;
    assert_eq!(report["times"], 3);
    assert_eq!(
        report["variables"]["FAPAR"]["attributes"]["scale_factor"],
        "0.004"
    );
}
