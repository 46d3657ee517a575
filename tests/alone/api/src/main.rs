//! clms-api alone: lists the catalogue's datasets and how many prepackaged files each has.
//!
//! `alone-api [BASE_URL]`. Without an address it asks a portal of one page, which it serves itself,
//! so that it can be run anywhere. Needs no service key.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that prints a list"
)]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use clms_api::futures::StreamExt;
use clms_api::{ApiError, BBox, Client, DatasetQuery, NutsCode};

const PAGE: &str = r#"{"items": [{"UID": "0407d497d3c44bcd93ce8fd5bf78596a", "id": "clc2018", "title": "CORINE Land Cover 2018",
    "downloadable_files": {"items": [{"@id": "3d9e2413", "file": "u2018_clc2018_v2020_20u1_raster100m", "size": "125 MB"}]}}]}"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base_url = match std::env::args().nth(1) {
        Some(url) => url,
        None => portal_of_one_page()?,
    };
    let client = Client::builder().base_url(base_url).build()?;
    let mut datasets = client.datasets(DatasetQuery::new());
    while let Some(dataset) = datasets.next().await {
        match dataset {
            Ok(dataset) => println!("{}\t{}\t{}", dataset.id, dataset.files.len(), dataset.title),
            Err(error @ ApiError::Decode { .. }) => eprintln!("{error}"),
            Err(error) => return Err(error.into()),
        }
    }
    // What is wrong with a request is known without a portal.
    let luxembourg: NutsCode = "LU".parse()?;
    let around = BBox::new(5.0, 49.0, 7.0, 51.0)?;
    println!(
        "{luxembourg}: {:.3e} m² by the portal's reckoning",
        around.portal_area()
    );
    Ok(())
}

fn portal_of_one_page() -> std::io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/api", listener.local_addr()?);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // The request's head, which ends with an empty line, does not matter.
            let head = BufReader::new(&stream).lines();
            let _ = head.map_while(Result::ok).find(String::is_empty);
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{PAGE}",
                PAGE.len()
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    Ok(url)
}
