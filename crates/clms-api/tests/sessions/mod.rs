//! Conversations with the portal that are worth keeping on a cassette. `cargo xtask record` has
//! them with a real portal, and the tests with what was recorded.

use std::error::Error;
use std::future::Future;
use std::num::NonZeroU32;
use std::pin::Pin;

use clms_api::futures::{StreamExt, TryStreamExt};
use clms_api::{
    Client, DataRequest, DatasetQuery, DirectLinksRequest, FileKind, FileRequest, Source,
};

/// What a session has to tell, or why it went wrong.
pub(crate) type Told = Result<String, Box<dyn Error + Send + Sync>>;

/// A conversation.
pub(crate) struct Session {
    /// Its name, and that of its cassette.
    pub(crate) name: &'static str,
    /// Has it.
    pub(crate) run: fn(Client) -> Pin<Box<dyn Future<Output = Told> + Send>>,
}

/// All of them.
pub(crate) const SESSIONS: [Session; 5] = [
    Session {
        name: "catalogue",
        run: |client| Box::pin(catalogue(client)),
    },
    Session {
        name: "direct-links",
        run: |client| Box::pin(direct_links(client)),
    },
    Session {
        name: "request",
        run: |client| Box::pin(request(client)),
    },
    Session {
        name: "sign-in",
        run: |client| Box::pin(sign_in(client)),
    },
    Session {
        name: "tables",
        run: |client| Box::pin(tables(client)),
    },
];

async fn sign_in(client: Client) -> Told {
    let signed_in = client.sign_in().await?;
    Ok(format!("signed in, until {}", signed_in.token_expires_at))
}

/// A page and a bit of the catalogue, one dataset by its UID, in short and by its address.
async fn catalogue(client: Client) -> Told {
    let query = DatasetQuery::new().batch_size(NonZeroU32::MIN.saturating_add(1));
    let found: Vec<_> = client.datasets(query).take(3).try_collect().await?;
    let first = found.first().ok_or("the catalogue is empty")?;
    let same = client
        .dataset(&first.uid)
        .await?
        .ok_or("the first dataset is gone")?;
    let short: Vec<_> = client
        .datasets_by_uid(std::slice::from_ref(&first.uid))
        .try_collect()
        .await?;
    if same.files != first.files || short.iter().any(|short| short.files != first.files) {
        return Err("the same dataset has other files each time".into());
    }
    let page = first.url.as_ref().ok_or("the dataset has no address")?;
    client
        .dataset_at(page.path())
        .await?
        .ok_or("the dataset's page is gone")?;
    let query = DatasetQuery::new().uid(first.uid.clone());
    let summaries: Vec<_> = client.search(query, &["UID"]).try_collect().await?;
    let titles: Vec<_> = summaries
        .iter()
        .map(|summary| summary.title.as_str())
        .collect();
    Ok(format!(
        "{} datasets, first {}",
        found.len(),
        titles.join(", ")
    ))
}

/// The tables for one dataset.
async fn tables(client: Client) -> Told {
    let formats = client.format_table().await?;
    let codes = client.projections(None).await?.unwrap_or_default();
    let names = client
        .nuts_names(&["LU".parse()?, "ITC11".parse()?])
        .await?;
    let query = DatasetQuery::new().batch_size(NonZeroU32::MIN);
    let dataset = client
        .datasets(query)
        .try_next()
        .await?
        .ok_or("the catalogue is empty")?;
    let days = client.time_series_metadata(&dataset.uid).await?;
    Ok(format!(
        "{} formats, {} CRSs, {} names, a series: {}",
        formats.formats().count(),
        codes.len(),
        names.values().flatten().count(),
        days.is_some_and(|days| days.is_time_series),
    ))
}

/// A prepackaged file is requested, looked at, and cancelled again.
async fn request(client: Client) -> Told {
    let dataset = client
        .datasets(DatasetQuery::new().text("forest type 2015"))
        .try_next()
        .await?;
    let dataset = dataset.ok_or("there is no forest type of 2015")?;
    let rasters = dataset
        .files
        .iter()
        .filter(|file| file.kind == FileKind::Raster);
    let smallest = rasters
        .min_by_key(|file| file.size)
        .ok_or("it has no raster")?;
    let request = DataRequest::new().file(FileRequest {
        dataset_uid: dataset.uid.clone(),
        file_id: smallest.id.clone(),
    });
    let requested = client.request_once(&request).await?;
    let made = requested.tasks.first().ok_or("there is no task")?;
    let task = client.task(&made.id).await?.ok_or("the task is gone")?;
    client.cancel_task(&made.id).await?;
    let cancelled = client.task(&made.id).await?.ok_or("the task is gone")?;
    Ok(format!(
        "{} was {} and is {}",
        smallest.name, task.status, cancelled.status
    ))
}

/// Links of the global land cover.
async fn direct_links(client: Client) -> Told {
    let query = DatasetQuery::new()
        .text("land cover 2019")
        .source(Source::Landcover);
    let dataset = client
        .datasets(query)
        .try_next()
        .await?
        .ok_or("there is no land cover of 2019")?;
    let collections = dataset.download_information.iter();
    let mut links = Vec::new();
    for collection in collections.filter(|collection| collection.source == Some(Source::Landcover))
    {
        let request = DirectLinksRequest::land_cover(&dataset, collection, None)?;
        links.push(format!("{:?}", client.direct_links(&request).await?));
    }
    Ok(format!("{} collections with links", links.len()))
}
