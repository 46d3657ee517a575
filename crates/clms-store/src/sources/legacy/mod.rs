//! The source LEGACY: NetCDF and GeoTIFF files of the former global land service, one for each day or ten days, behind direct links.
//!
//! The portal gives the links for a range of days; the files are opened where they lie and stacked along `time`.

mod file;

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use async_trait::async_trait;
use clms_api::{ApiError, Dataset, DirectLinks, DirectLinksRequest, Source as Word};
use clms_cube::{Duplicates, FileOptions, StackFile, time_in_name};

use self::file::LegacyFile;
use super::{Offer, Source, Wanted, collection_from, moved};
use crate::{ErrorClass, StoreError, catalogue::How};

/// The former global land service.
#[derive(Debug)]
pub(super) struct Legacy;

#[async_trait]
impl Source for Legacy {
    fn offers(&self, dataset: &Dataset) -> Vec<Offer> {
        let offer = collection_from(dataset, &Word::Legacy)
            .and_then(|collection| Offer::of_collection(dataset, collection, Ok(How::Open)))
            .and_then(|offer| offer.beside_cdse(dataset, &Word::Legacy));
        offer.into_iter().collect()
    }

    fn open_parameters(&self) -> &'static [&'static str] {
        &["time", "variables"]
    }

    async fn open(&self, wanted: Wanted<'_>) -> Result<clms_cube::Dataset, StoreError> {
        let opened = async {
            let files = files(wanted).await?;
            // Of one time, the portal lists the oldest version first.
            clms_cube::Dataset::open_stack(files, Duplicates::KeepLast, &FileOptions::default())
                .await
                .map_err(|why| StoreError::of_files(wanted.data_id, why))
        };
        opened.await.map_err(|why| gone(wanted, why))
    }
}

/// What has gone from here is elsewhere, perhaps. Of what may pass by itself, and of credentials, that says nothing.
fn gone(wanted: Wanted<'_>, why: StoreError) -> StoreError {
    let is_other = why.class() == ErrorClass::Other && !why.is_retryable();
    let moved = moved(wanted.dataset, &Word::Legacy).filter(|_| is_other);
    match moved {
        Some(moved) if !matches!(why, StoreError::Offline { .. }) => StoreError::Moved {
            data_id: wanted.data_id.to_string(),
            reason: moved.reason,
            hint: moved.hint,
            source: Box::new(why),
        },
        _ => why,
    }
}

/// The files of the wanted days.
async fn files(wanted: Wanted<'_>) -> Result<Vec<StackFile>, StoreError> {
    let days = wanted.options.days(wanted.dataset)?;
    let nothing = |why: String| StoreError::NoFiles {
        data_id: wanted.data_id.to_string(),
        days: days.to_string(),
        why,
    };
    let collection = collection_from(wanted.dataset, &Word::Legacy);
    let collection = collection.ok_or_else(|| nothing("it has no collection".to_owned()))?;
    let request =
        DirectLinksRequest::legacy(wanted.dataset, collection, days).map_err(ApiError::from)?;
    let portal = wanted.network.signed_portal().await?;
    let links = match portal.direct_links(&request).await? {
        DirectLinks::Files(links) => links,
        DirectLinks::Nothing(words) => return Err(nothing(words)),
        _ => {
            return Err(nothing(
                "the portal gave a query in place of links".to_owned(),
            ));
        }
    };
    let mut files = Vec::new();
    // Files of one host share its connections, and the limit on how much is asked of it at once.
    let mut servers = HashMap::new();
    for link in links {
        let name = link.path_segments().and_then(|mut path| path.next_back());
        let Some(time) = name.and_then(time_in_name) else {
            tracing::warn!(%link, "left out: its name holds no date");
            continue;
        };
        let server = match servers.entry(link.origin()) {
            Entry::Occupied(known) => Arc::clone(known.get()),
            Entry::Vacant(new) => Arc::clone(new.insert(wanted.network.file_server(&link)?)),
        };
        files.push(StackFile {
            time,
            reader: Arc::new(LegacyFile::new(server, &link)),
        });
    }
    if files.is_empty() {
        return Err(nothing(
            "the portal lists no files of these days".to_owned(),
        ));
    }
    Ok(files)
}
