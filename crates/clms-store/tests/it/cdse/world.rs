//! Both servers with what lies on them, and a client that knows them.

use std::path::Path;

use clms_api::RetryPolicy;
use clms_factory::DatedRaster;
use clms_servers::Server;
use clms_store::cdse::{Cdse, CdseSettings, Collection, S3Keys};
use jiff::{ToSpan, civil::Date};
use object_store::ObjectStoreExt;
use tempfile::TempDir;

use super::catalogue::Catalogue;

const HEADER: &str = "id;name;content_length;ingestion_date;content_date_start;content_date_end;nominal_date;modification_date;checksum_algorithm;checksum_value;s3_path;bbox";

pub(crate) const EUROPE: [f64; 4] = [-11.0, 35.0, 50.0, 72.0];

pub(crate) struct World {
    pub(crate) catalogue: Catalogue,
    pub(crate) s3: Server,
    pub(crate) folder: TempDir,
}

/// A row of a list.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) s3_path: String,
    pub(crate) date: Date,
    pub(crate) modified: &'static str,
    pub(crate) bbox: [f64; 4],
}

impl Row {
    /// The product of a day.
    pub(crate) fn new(collection: &Collection, name: &str, date: Date) -> Self {
        let day = date.strftime("%Y/%m/%d");
        Self {
            name: name.to_owned(),
            s3_path: format!("CLMS/{}/{}/{day}/{name}", collection.folder, collection.id),
            date,
            modified: "2025-01-01T00:00:00.000",
            bbox: EUROPE,
        }
    }

    fn text(&self) -> String {
        let (name, date) = (&self.name, self.date);
        let [w, s, e, n] = self.bbox;
        format!(
            "0a1b;{name};1;2025-01-01T00:00:00.000;{date}T00:00:00.000;{date}T23:59:59.999;{date}T00:00:00.000;{};MD5;00;s3://cubes/{};POLYGON(({w} {s},{w} {n},{e} {n},{e} {s},{w} {s}))",
            self.modified, self.s3_path
        )
    }
}

pub(crate) fn day(number: i32) -> Date {
    jiff::civil::date(2025, 1, 1) + i64::from(number).days()
}

pub(crate) fn collection(id: &str) -> &'static Collection {
    Collection::find(id).unwrap()
}

/// A list with a byte order mark, as some have.
pub(crate) fn list(rows: &[Row]) -> String {
    let rows: Vec<String> = rows.iter().map(Row::text).collect();
    format!("\u{feff}{HEADER}\r\n{}\r\n", rows.join("\r\n"))
}

impl World {
    pub(crate) async fn start() -> Self {
        Self {
            catalogue: Catalogue::start().await,
            s3: Server::s3(),
            folder: TempDir::new().unwrap(),
        }
    }

    pub(crate) fn settings(&self) -> CdseSettings {
        let environment = self.s3.environment();
        let variable = |name: &str| {
            environment
                .iter()
                .find(|(key, _)| *key == name)
                .unwrap()
                .1
                .clone()
        };
        let keys = S3Keys::new(
            variable("AWS_ACCESS_KEY_ID"),
            variable("AWS_SECRET_ACCESS_KEY"),
        );
        CdseSettings::new(self.folder.path().join("lists"))
            .servers(&self.catalogue.url, self.s3.address())
            .bucket(self.s3.bucket())
            .keys(Some(keys))
            .retry(RetryPolicy {
                base_delay: std::time::Duration::ZERO,
                ..RetryPolicy::default()
            })
    }

    pub(crate) fn cdse(&self) -> Cdse {
        Cdse::new(self.settings()).unwrap()
    }

    /// Puts a list where CDSE has it.
    pub(crate) fn put_list(&self, collection: &Collection, format: &str, rows: &[Row]) {
        let (folder, id) = (&collection.folder, &collection.id);
        self.catalogue
            .put(&format!("{folder}/{id}/{id}_{format}.csv"), list(rows));
    }

    /// Puts a file of a product.
    pub(crate) async fn put_file(&self, row: &Row, file: &str, bytes: Vec<u8>) {
        let key = object_store::path::Path::from(format!("{}/{file}", row.s3_path));
        self.s3.store().put(&key, bytes.into()).await.unwrap();
    }

    /// The file that a raster becomes.
    pub(crate) fn written(
        &self,
        name: &str,
        write: impl Fn(&Path) -> clms_factory::Result<()>,
    ) -> Vec<u8> {
        let path = self.folder.path().join(name);
        write(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        bytes
    }

    pub(crate) fn cog(&self, raster: &DatedRaster) -> Vec<u8> {
        self.written("raster.tif", |path| raster.write_cog(path))
    }

    /// What has been read of the object storage since it had said so much, of which there are at least `expected`, and how much it has said
    /// now: it says so after it has answered.
    pub(crate) fn reads(&self, since: usize, expected: u64) -> (Vec<String>, usize) {
        self.s3
            .wait_until_said(|said| reads_in(&said[since..]).len() as u64 >= expected);
        let said = self.s3.said();
        (reads_in(&said[since..]), said.len())
    }
}

/// The keys, or questions, of the lines for requests that read.
fn reads_in(said: &str) -> Vec<String> {
    let of_line = |line: &str| {
        let rest = line.split_once("GET /")?.1;
        Some(rest.split(' ').next()?.to_owned())
    };
    said.lines().filter_map(of_line).collect()
}
