//! Finds products by words, and says how each is got.
//!
//! ```sh
//! cargo run -p clms-store --example search -- forest Europe 2018
//! ```
//!
//! Needs no key; the second time no network either. `CLMS_API_URL` names another portal than the real one.
#![expect(clippy::print_stdout, reason = "an example for the terminal")]

use clms_store::catalogue::{How, Query};
use clms_store::{ClmsStore, DEFAULT_API_URL, StoreError};

#[tokio::main]
async fn main() -> Result<(), StoreError> {
    let url = std::env::var("CLMS_API_URL").unwrap_or_else(|_| DEFAULT_API_URL.to_owned());
    let store = ClmsStore::builder().api_url(url).build()?;
    let catalogue = store.catalogue().await?;
    let words: Vec<String> = std::env::args().skip(1).collect();
    let query = Query {
        text: words.join(" "),
        ..Query::default()
    };
    for hit in catalogue.search(&query).iter().take(10) {
        let entry = &hit.entry;
        let how = match (entry.how, &entry.why_not) {
            (Some(How::Preload), _) => "preload it".to_owned(),
            (Some(_), _) => "open it where it lies".to_owned(),
            (None, Some(why)) => format!("{}; {}", why.reason, why.hint),
            (None, None) => String::new(),
        };
        println!(
            "{:6.2}  {}\n        {}\n        {how}",
            hit.score, entry.data_id, entry.title
        );
    }
    Ok(())
}
