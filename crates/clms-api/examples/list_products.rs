//! Lists what the portal has: each dataset, and how much of it can be requested how.
//!
//! ```sh
//! cargo run -p clms-api --example list_products -- [WORDS TO SEARCH FOR]
//! ```
//!
//! Needs no key. `CLMS_API_URL` names another portal than the real one.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example for the terminal"
)]

use clms_api::futures::StreamExt;
use clms_api::{ApiError, Client, DEFAULT_BASE_URL, DatasetQuery};

#[tokio::main]
async fn main() -> Result<(), ApiError> {
    let url = std::env::var("CLMS_API_URL").unwrap_or_else(|_| DEFAULT_BASE_URL.to_owned());
    let client = Client::builder().base_url(url).build()?;

    let words: Vec<String> = std::env::args().skip(1).collect();
    let mut query = DatasetQuery::new().sort_by("sortable_title");
    if !words.is_empty() {
        query = query.text(words.join(" "));
    }
    let mut datasets = client.datasets(query);
    while let Some(dataset) = datasets.next().await {
        match dataset {
            Ok(dataset) => println!(
                "{}\n    {} ({} files, {} collections)",
                dataset.title,
                dataset.id,
                dataset.files.len(),
                dataset.download_information.len(),
            ),
            // One dataset that can't be read is no reason to miss the others.
            Err(error @ ApiError::Decode { .. }) => eprintln!("{error}"),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
