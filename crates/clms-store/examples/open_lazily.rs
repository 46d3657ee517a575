//! Opens files where they lie and reads the window of one day.
//!
//! ```sh
//! CLMS_CREDENTIALS=key.json cargo run -p clms-store --example open_lazily -- 'lake-ice-extent-europe-v2-250m|LEGACY' 2020-01
//! ```
//!
//! Reads the metadata of the first and the last file, and then what the window needs. `CLMS_API_URL` names another portal than the real one.
#![expect(clippy::print_stdout, reason = "an example for the terminal")]

use std::error::Error;

use clms_store::cube::Selection;
use clms_store::{ClmsStore, DEFAULT_API_URL, DataId, OpenOptions};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let set =
        |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let mut args = std::env::args().skip(1);
    let data_id: DataId = args.next().ok_or("which data id?")?.parse()?;
    let options = OpenOptions {
        time: args.next().map(|time| time.parse()).transpose()?,
        ..OpenOptions::default()
    };
    let store = ClmsStore::builder()
        .api_url(set("CLMS_API_URL", DEFAULT_API_URL))
        .credentials_file(set("CLMS_CREDENTIALS", "credentials.json"))
        .build()?;

    let dataset = store.open_part(&data_id, &options).await?;
    let group = dataset.group("")?;
    for dim in &group.dims {
        println!("{}: {}", dim.name, dim.size);
    }
    println!("opened with {:?}", dataset.traffic());
    if let Some(variable) = group.variables.first() {
        let first_day = Selection::new().indices("time", 0..1);
        let slab = dataset.select("", &variable.name, &first_day).await?;
        let window = dataset.read(&slab).await?;
        let known = window.values().into_iter().filter(|value| !value.is_nan());
        println!(
            "{}: {} pixels with data, {:?}",
            variable.name,
            known.count(),
            dataset.traffic()
        );
    }
    Ok(())
}
