//! Requests a prepackaged file, waits for it, and downloads it.
//!
//! ```sh
//! CLMS_CREDENTIALS=key.json cargo run -p clms-api --example request_and_wait -- \
//!     forest-type-2015 FTY_2015_100m_eu_03035_d02_Full forest.zip
//! ```
//!
//! Run it again if it was interrupted: it finds the task that it made, and goes on with the
//! download. `CLMS_API_URL` names another portal than the real one.
#![expect(clippy::print_stdout, reason = "an example for the terminal")]

use std::error::Error;
use std::time::Duration;

use clms_api::futures::TryStreamExt;
use clms_api::{
    Client, DEFAULT_BASE_URL, DataRequest, DatasetQuery, FileRequest, Polling, ServiceKey,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [product, name, path] = args.as_slice() else {
        return Err("usage: request_and_wait PRODUCT FILE PATH".into());
    };
    let url = std::env::var("CLMS_API_URL").unwrap_or_else(|_| DEFAULT_BASE_URL.to_owned());
    let loaded = ServiceKey::from_file(std::env::var("CLMS_CREDENTIALS")?)?;
    let client = Client::builder()
        .base_url(url)
        .service_key(loaded.key)
        .build()?;

    let mut found = client.datasets(DatasetQuery::new().id(product));
    let dataset = found.try_next().await?.ok_or("there is no such product")?;
    let file = dataset.file(name).ok_or("the product has no such file")?;

    let request = DataRequest::new().file(FileRequest {
        dataset_uid: dataset.uid.clone(),
        file_id: file.id.clone(),
    });
    let requested = client.request_once(&request).await?;
    let task = &requested.tasks[0];
    println!(
        "task {} {}",
        task.id,
        if task.found { "was there" } else { "is new" }
    );

    // Patience for the real portal; CLMS_POLL is for those who have another one.
    let seconds = std::env::var("CLMS_POLL")
        .ok()
        .and_then(|seconds| seconds.parse().ok());
    let polling = Polling {
        interval: Duration::from_secs_f64(seconds.unwrap_or(30.0)),
        ..Polling::default()
    };
    let task = client.wait_for_task(&task.id, polling).await?;
    let link = task.link().ok_or("the task has no link")?;

    let mut download = client
        .download(link, path.as_str())
        .wait_for_link(Duration::from_secs(180));
    if let Some(bytes) = task.file_size {
        download = download.expected_size(bytes);
    }
    let done = download.run().await?;
    println!("{} bytes in {}", done.bytes, done.path.display());
    Ok(())
}
