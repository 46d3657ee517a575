//! What is opened where it lies: files of the former global land service by their links, and CDSE's in its bucket.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
    thread,
};

use clms_factory::DatedRaster;
use clms_servers::Server;
use clms_tests::{Run, Scene, python};
use jiff::{ToSpan, civil::Date};
use object_store::ObjectStoreExt;
use serde_json::{Value, json};

const LAKE_ICE: &str = "lake-ice-extent-europe-v2-250m|LEGACY";

fn day(number: i64) -> Date {
    jiff::civil::date(2020, 1, 1) + number.days()
}

#[test]
fn a_reference_to_files_of_old_opens_in_python_without_us() {
    let scene = Scene::new();
    let sources: Vec<_> = (0..3)
        .map(|number| {
            let name = day(number).strftime("c_gls_LIE250m_%Y%m%d1200_GLOBE_SIM_V1.0.1.nc");
            let path = scene.packages().join(name.to_string());
            let raster = DatedRaster::soil_moisture(day(number), 240, 160);
            raster.write_netcdf(&path).unwrap();
            path
        })
        .collect();
    let reference = scene.home().join("lake_ice.json");
    let run = scene
        .clms(&[
            "open",
            LAKE_ICE,
            "--time",
            "2020-01-01/2020-01-03",
            "--save-reference",
            reference.to_str().unwrap(),
        ])
        .well();
    assert!(run.stdout.contains("time: 3"), "{run:?}");
    assert!(run.stdout.contains("reference://"), "{run:?}");

    let mut check = Command::new(python::reference());
    check
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/check_dates.py"))
        .arg(&reference)
        .arg("ssm")
        .args(&sources);
    let report = Run::of(check).well().json();
    assert_eq!(
        report,
        json!({"times": ["2020-01-01", "2020-01-02", "2020-01-03"], "shape": [3, 160, 240]})
    );
}

const MOISTURE: &str = "daily-surface-soil-moisture-v1-0";
const FOLDER: &str = "bio-geophysical/surface_soil_moisture/ssm_europe_1km_daily_v1";

/// The bucket that CDSE has, with two days of soil moisture in it; the list of them.
fn bucket() -> (Server, String) {
    let server = Server::s3_with_bucket("eodata");
    let store = server.store();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut list = "id;name;content_length;ingestion_date;content_date_start;content_date_end;nominal_date;modification_date;checksum_algorithm;checksum_value;s3_path;bbox\r\n".to_owned();
    for number in 0..2 {
        let date = day(number);
        let path = folder.path().join("moisture.tif");
        moisture(number).write_cog(&path).unwrap();
        let words = date.strftime("%Y%m%d0000_CEURO_S1CSAR_V1.2.1");
        let name = format!("c_gls_SSM1km_{words}_cog");
        let product = format!("CLMS/{FOLDER}/{}/{name}", date.strftime("%Y/%m/%d"));
        let key =
            object_store::path::Path::from(format!("{product}/c_gls_SSM1km-SSM_{words}.tiff"));
        let put = store.put(&key, std::fs::read(&path).unwrap().into());
        let _ = runtime.block_on(put).unwrap();
        list.push_str(&format!("0a1b;{name};1;{date}T00:00:00.000;{date}T00:00:00.000;{date}T23:59:59.999;{date}T00:00:00.000;{date}T00:00:00.000;MD5;00;s3://eodata/{product};POLYGON((-11 35,-11 72,50 72,50 35,-11 35))\r\n"));
    }
    (server, list)
}

fn moisture(number: i64) -> DatedRaster {
    DatedRaster {
        variable: "SSM",
        ..DatedRaster::soil_moisture(day(number), 683, 414)
    }
}

/// A container with one list, as CDSE's; its URL. It is there as long as this process.
fn container(name: String, text: String) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let root = "/swift/v1/CatalogueCSV";
    let url = format!("http://{}{root}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let asked = request(&mut connection);
            let body = match asked.split_once('?') {
                None if asked == format!("{root}/{name}") => text.clone(),
                Some((_, question)) if is_first_page(question) => {
                    json!([{"name": name, "hash": "00", "bytes": text.len(), "content_type": "text/csv", "last_modified": "2026-08-08T04:01:24.093961"}]).to_string()
                }
                _ => "[]".to_owned(),
            };
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            connection.write_all((head + &body).as_bytes()).unwrap();
        }
    });
    url
}

fn is_first_page(question: &str) -> bool {
    let mut parts = question.split('&');
    parts.all(|part| matches!(part.strip_prefix("marker="), None | Some("")))
}

/// What a request asks for; reads all of it.
fn request(connection: &mut TcpStream) -> String {
    let mut lines = BufReader::new(connection).lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    first.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn a_collection_of_cdse_is_listed_described_opened_and_exported() {
    let scene = Scene::new();
    let (server, list) = bucket();
    let collection = FOLDER.rsplit('/').next().unwrap();
    let catalogue = container(format!("{FOLDER}/{collection}_cog.csv"), list);
    let keys: Vec<_> = server
        .environment()
        .into_iter()
        .filter(|(name, _)| name.ends_with("KEY_ID") || name.ends_with("ACCESS_KEY"))
        .collect();
    let clms = |args: &[&str]| {
        let mut command = scene.command(&[args, &["-o", "json"]].concat());
        command
            .env("CLMS_CDSE_CATALOGUE", &catalogue)
            .env("CLMS_CDSE_ENDPOINT", server.address());
        for (name, value) in &keys {
            command.env(format!("CDSE_{name}"), value);
        }
        Run::of(command).well().json()
    };

    let listed = clms(&["list", "--source", "CDSE", "--product", MOISTURE]);
    let [entry] = &listed.as_array().unwrap()[..] else {
        panic!("{listed:#}")
    };
    assert_eq!(
        (&entry["data_id"], &entry["how"]),
        (&MOISTURE.into(), &"open".into())
    );
    assert_eq!(clms(&["describe", MOISTURE])["source"], "CDSE");

    let opened = clms(&["open", MOISTURE, "--time", "2020-01"]);
    let variable = &opened["groups"][0]["variables"][0];
    assert_eq!(
        (&variable["name"], &variable["shape"]),
        (&"SSM".into(), &json!([2, 414, 683]))
    );

    let (bbox, out) = ("-10,71,-9.5,71.5", scene.home().join("w.tif"));
    let args = [
        "export",
        MOISTURE,
        "--time",
        "2020-01-02",
        "--bbox",
        bbox,
        "--out",
    ];
    let report = clms(&[&args[..], &[out.to_str().unwrap()]].concat());
    assert_eq!(exported(&out), expected(&report));
}

/// Stored values of the only band.
fn exported(path: &Path) -> Vec<u8> {
    let dataset = gdal::Dataset::open(path).unwrap();
    let band = dataset.rasterband(1).unwrap();
    band.read_band_as::<u8>().unwrap().data().to_vec()
}

/// Those of the raster of the second day in the window that was exported.
fn expected(report: &Value) -> Vec<u8> {
    let raster = moisture(1);
    let [west, dx, _, north, _, dy] = raster.geotransform;
    let edge = |at: usize| report["bbox"][at].as_f64().unwrap();
    let index = |from: f64, origin: f64, step: f64| ((from - origin) / step).round() as usize;
    let rows = index(edge(3), north, dy)..index(edge(1), north, dy);
    let cols = index(edge(0), west, dx)..index(edge(2), west, dx);
    assert!(rows.len() > 50 && cols.len() > 50, "{report:#}");
    let pixels = rows.flat_map(|row| cols.clone().map(move |col| (row, col)));
    pixels.map(|(row, col)| raster.value_at(row, col)).collect()
}
