//! The Copernicus Data Space Ecosystem, as far as the program needs it: a bucket, and lists of what is in it.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use clms_factory::DatedRaster;
use clms_servers::Server;
use jiff::{ToSpan, civil::Date};
use object_store::{ObjectStoreExt, path::Path as Key};
use serde_json::json;

const FOLDER: &str = "bio-geophysical/surface_soil_moisture/ssm_europe_1km_daily_v1";

/// How a list begins.
const HEADER: &str = "id;name;content_length;ingestion_date;content_date_start;content_date_end;nominal_date;modification_date;\
                      checksum_algorithm;checksum_value;s3_path;bbox\r\n";

/// The bucket and the lists.
pub struct Cdse {
    server: Server,
    lists: String,
}

impl Cdse {
    /// One that has two days of `daily-surface-soil-moisture-v1-0`.
    #[must_use]
    pub fn with_soil_moisture() -> Self {
        let (server, list) = bucket();
        let collection = FOLDER.rsplit('/').next().unwrap();
        let lists = container(format!("{FOLDER}/{collection}_cog.csv"), list);
        Self { server, lists }
    }

    /// Where the bucket's server listens.
    #[must_use]
    pub fn address(&self) -> &str {
        self.server.address()
    }

    /// What leads the program there, and the keys of a user.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let keys = self
            .server
            .environment()
            .into_iter()
            .filter(|(name, _)| name.ends_with("KEY_ID") || name.ends_with("ACCESS_KEY"))
            .map(|(name, value)| (format!("CDSE_{name}"), value));
        let servers = [
            ("CLMS_CDSE_CATALOGUE".to_owned(), self.lists.clone()),
            ("CLMS_CDSE_ENDPOINT".to_owned(), self.address().to_owned()),
        ];
        keys.chain(servers).collect()
    }
}

/// A day of January 2020, from 0.
pub(crate) fn day(number: i64) -> Date {
    jiff::civil::date(2020, 1, 1) + number.days()
}

/// What the bucket has of that day.
#[must_use]
pub fn moisture(number: i64) -> DatedRaster {
    DatedRaster {
        variable: "SSM",
        ..DatedRaster::soil_moisture(day(number), 683, 414)
    }
}

/// The bucket that CDSE has, with two days of soil moisture in it; the list of them.
fn bucket() -> (Server, String) {
    let server = Server::s3_with_bucket("eodata");
    let store = server.store();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut list = HEADER.to_owned();
    for number in 0..2 {
        let date = day(number);
        let path = folder.path().join("moisture.tif");
        moisture(number).write_cog(&path).unwrap();
        let words = date.strftime("%Y%m%d0000_CEURO_S1CSAR_V1.2.1");
        let name = format!("c_gls_SSM1km_{words}_cog");
        let product = format!("CLMS/{FOLDER}/{}/{name}", date.strftime("%Y/%m/%d"));
        let key = Key::from(format!("{product}/c_gls_SSM1km-SSM_{words}.tiff"));
        let put = store.put(&key, fs::read(&path).unwrap().into());
        let _ = runtime.block_on(put).unwrap();
        list.push_str(&format!(
            "0a1b;{name};1;{date}T00:00:00.000;{date}T00:00:00.000;{date}T23:59:59.999;{date}T00:00:00.000;\
             {date}T00:00:00.000;MD5;00;s3://eodata/{product};POLYGON((-11 35,-11 72,50 72,50 35,-11 35))\r\n"
        ));
    }
    (server, list)
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
