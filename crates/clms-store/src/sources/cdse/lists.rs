//! The public lists of products: where they lie, and their copies on this machine.
//!
//! CDSE keeps a CSV file for each collection and format in one public container, at
//! `<component>/<product type>/<id>/<id>_<nc|cog>.csv`. The product type can't be told from the id, so the container is listed: first the
//! folder that the table knows, then all of CLMS.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    time::Duration,
};

use futures::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tempfile::NamedTempFile;
use tokio::{fs::DirEntry, io::AsyncWriteExt};
use url::Url;

use super::{CdseError, Collection, web::Web, web::unreachable};
use crate::whole_file::write_whole;

/// Entries of a page of a listing.
const PAGE: usize = 1000;

/// Bytes of a page. Entries have some three hundred.
const MOST_OF_PAGE: usize = 16 << 20;

/// Temporary files of those who were killed while they fetched a list are removed after this: nobody fetches for so long.
const LEFT_OVER: Duration = Duration::from_hours(24);

/// How names of temporary files begin.
const TEMPORARY: &str = ".part-";

/// The folders of CLMS in the container; other missions have tens of thousands of lists there.
const COMPONENTS: [&str; 3] = [
    "bio-geophysical",
    "landcover_landuse",
    "land_cover_use_in_priority_areas",
];

/// In which format the rasters of a collection are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RasterFormat {
    /// NetCDF-4: one file for each date, with all variables.
    #[serde(rename = "nc")]
    NetCdf,
    /// Cloud optimised GeoTIFF: one file for each date and variable.
    Cog,
}

impl RasterFormat {
    /// All, the preferred one first: NetCDF files say more of themselves.
    pub(super) const ALL: [Self; 2] = [Self::NetCdf, Self::Cog];

    /// As the names of lists and products have it: `nc` or `cog`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NetCdf => "nc",
            Self::Cog => "cog",
        }
    }
}

/// When a kept copy may be used without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Freshness {
    /// When it was compared with the catalogue no longer ago than this.
    Within(Duration),
    /// Always: nobody is asked.
    Offline,
}

impl Default for Freshness {
    /// Lists grow once a day.
    fn default() -> Self {
        Self::Within(Duration::from_hours(24))
    }
}

/// A list of products on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProductList {
    /// The CSV file.
    pub path: PathBuf,
    /// In which format its products are.
    pub format: RasterFormat,
    /// When it was last compared with the catalogue.
    pub checked: Timestamp,
}

/// The catalogue's lists, with copies in a folder.
#[derive(Debug, Clone)]
pub(super) struct Lists {
    pub(super) web: Web,
    pub(super) catalogue: Url,
    pub(super) folder: PathBuf,
}

/// What is known of the lists of a collection.
#[derive(Debug, Serialize, Deserialize)]
struct Known {
    checked: Timestamp,
    lists: Vec<Listed>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Listed {
    format: RasterFormat,
    /// The path in the container.
    name: String,
    hash: String,
}

/// An entry of the container's listing.
#[derive(Debug, Deserialize)]
struct Entry {
    name: String,
    #[serde(default)]
    hash: String,
}

impl Lists {
    /// The list of a collection, in this format or in the preferred one that there is. Asks nobody while what is kept is fresh, and fetches
    /// the list only if its hash is another one than that of the copy.
    pub(super) async fn list(
        &self,
        collection: &Collection,
        format: Option<RasterFormat>,
        freshness: Freshness,
    ) -> Result<ProductList, CdseError> {
        let known = self.known(collection, freshness).await?;
        let wanted = |listed: &&Listed| format.is_none_or(|format| listed.format == format);
        let listed = known.lists.iter().filter(wanted).min_by_key(|listed| {
            RasterFormat::ALL
                .iter()
                .position(|format| *format == listed.format)
        });
        let listed = listed.ok_or_else(|| CdseError::NoList {
            collection: collection.id.clone(),
            format: format.map(RasterFormat::as_str),
            catalogue: self.catalogue.to_string(),
        })?;
        let path = self.copy_of(collection, listed);
        if !tokio::fs::try_exists(&path).await.unwrap_or(false) {
            if freshness == Freshness::Offline {
                return Err(self.offline(collection));
            }
            self.fetch(listed, &path).await?;
            self.remove_older(collection, listed.format, &path).await;
        }
        Ok(ProductList {
            path,
            format: listed.format,
            checked: known.checked,
        })
    }

    fn copy_of(&self, collection: &Collection, listed: &Listed) -> PathBuf {
        let (id, format) = (&collection.id, listed.format.as_str());
        self.folder
            .join(format!("{id}_{format}.{}.csv", listed.hash))
    }

    fn offline(&self, collection: &Collection) -> CdseError {
        CdseError::Offline {
            collection: collection.id.clone(),
            folder: self.folder.clone(),
        }
    }

    /// Which lists there are: as it is kept if that is fresh enough, else as the catalogue says.
    async fn known(
        &self,
        collection: &Collection,
        freshness: Freshness,
    ) -> Result<Known, CdseError> {
        let note = self.folder.join(format!("{}.json", collection.id));
        let kept: Option<Known> = read_json(&note).await?;
        match (kept, freshness) {
            (Some(known), Freshness::Offline) => return Ok(known),
            (None, Freshness::Offline) => return Err(self.offline(collection)),
            (Some(known), Freshness::Within(time)) if is_within(known.checked, time) => {
                return Ok(known);
            }
            _ => {}
        }
        let checked = Timestamp::now();
        let mut lists = self
            .find(
                &format!("{}/{}/", collection.folder, collection.id),
                collection,
                checked,
            )
            .await?;
        for component in COMPONENTS {
            if lists.is_empty() {
                tracing::debug!(
                    collection = collection.id,
                    component,
                    "looking for its list"
                );
                let prefix = format!("{component}/");
                lists = self.find(&prefix, collection, checked).await?;
            }
        }
        let known = Known { checked, lists };
        // That there are none is not worth remembering.
        if !known.lists.is_empty() {
            write_json(&note, &known).await?;
        }
        Ok(known)
    }

    /// The lists of a collection below a prefix.
    async fn find(
        &self,
        prefix: &str,
        collection: &Collection,
        checked: Timestamp,
    ) -> Result<Vec<Listed>, CdseError> {
        let id = &collection.id;
        let names =
            RasterFormat::ALL.map(|format| (format, format!("/{id}/{id}_{}.csv", format.as_str())));
        let mut found = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let page = self.page(prefix, marker.as_deref()).await?;
            for entry in &page {
                let format = names
                    .iter()
                    .find(|(_, name)| entry.name.ends_with(name.as_str()));
                if let Some((format, _)) = format {
                    found.push(Listed {
                        format: *format,
                        name: entry.name.clone(),
                        hash: plain_hash(&entry.hash, checked),
                    });
                }
            }
            match page.last() {
                // Names come sorted; a server that begins anew must not be followed for ever.
                Some(last) if page.len() >= PAGE && marker.as_ref() < Some(&last.name) => {
                    marker = Some(last.name.clone());
                }
                _ => return Ok(found),
            }
        }
    }

    async fn page(&self, prefix: &str, marker: Option<&str>) -> Result<Vec<Entry>, CdseError> {
        let mut url = self.catalogue.clone();
        url.query_pairs_mut()
            .append_pair("format", "json")
            .append_pair("prefix", prefix)
            .append_pair("limit", &PAGE.to_string());
        if let Some(marker) = marker {
            url.query_pairs_mut().append_pair("marker", marker);
        }
        let address = &url;
        let read = move |answer| Self::page_of(answer, address).boxed();
        let text = self.web.get(&url, read).await?.unwrap_or_default();
        if text.trim_ascii().is_empty() {
            // A page behind the last one may be 204.
            return Ok(Vec::new());
        }
        serde_json::from_slice(&text).map_err(|why| CdseError::List {
            list: url.to_string(),
            reason: why.to_string(),
        })
    }

    /// The text of a page, of which there can be only so much.
    async fn page_of(mut answer: reqwest::Response, url: &Url) -> Result<Vec<u8>, CdseError> {
        let mut text = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|why| unreachable(url, &why))? {
            text.extend_from_slice(&piece);
            if text.len() > MOST_OF_PAGE {
                return Err(CdseError::List {
                    list: url.to_string(),
                    reason: format!("a page of it has more than {MOST_OF_PAGE} bytes"),
                });
            }
        }
        Ok(text)
    }

    /// Fetches a list to a temporary name and renames it when it is whole. Memory holds one piece of it.
    async fn fetch(&self, listed: &Listed, path: &Path) -> Result<(), CdseError> {
        let mut url = self.catalogue.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(listed.name.split('/'));
        }
        let (address, folder) = (&url, &self.folder);
        let write =
            move |answer: reqwest::Response| Self::keep(answer, address, folder, path).boxed();
        let outcome = self.web.get(&url, write).await?;
        outcome.ok_or_else(|| CdseError::Web {
            address: url.to_string(),
            reason: "the catalogue lists it, and it is not there".to_owned(),
            retryable: true,
        })
    }

    /// Writes an answer to a temporary name, and renames it when it is whole.
    async fn keep(
        answer: reqwest::Response,
        url: &Url,
        folder: &Path,
        path: &Path,
    ) -> Result<(), CdseError> {
        let part = temporary(folder)?;
        let io = |why| CdseError::io(part.path(), why);
        let mut file = tokio::fs::File::create(part.path()).await.map_err(io)?;
        let mut pieces = answer.bytes_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|why| unreachable(url, &why))?;
            file.write_all(&piece).await.map_err(io)?;
        }
        file.sync_all().await.map_err(io)?;
        part.persist(path)
            .map_err(|why| CdseError::io(path, why.error))?;
        Ok(())
    }

    /// Copies that a newer one replaces, and what nobody fetches any more. Others may be reading them: what can't be removed stays.
    async fn remove_older(&self, collection: &Collection, format: RasterFormat, newest: &Path) {
        let begin = format!("{}_{}.", collection.id, format.as_str());
        let Ok(mut entries) = tokio::fs::read_dir(&self.folder).await else {
            return;
        };
        while let Ok(Some(entry)) = entries.next_entry().await {
            let name = entry.file_name();
            let is_copy = name
                .to_str()
                .is_some_and(|name| name.starts_with(&begin) && name.ends_with(".csv"));
            if (is_copy && entry.path() != newest) || is_left_over(&entry).await {
                let _ = tokio::fs::remove_file(entry.path()).await;
            }
        }
    }
}

/// A hash as a part of a file's name. Where the catalogue tells none, a list is another one whenever it was asked for.
fn plain_hash(hash: &str, checked: Timestamp) -> String {
    let letters = hash.chars().filter(char::is_ascii_alphanumeric);
    let plain: String = letters.take(64).collect();
    if plain.is_empty() {
        format!("of{}", checked.as_second())
    } else {
        plain
    }
}

/// Whether it is a temporary file that nobody writes to any more.
async fn is_left_over(entry: &DirEntry) -> bool {
    if !entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
        return false;
    }
    let changed = entry.metadata().await.and_then(|about| about.modified());
    changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|age| age > LEFT_OVER))
}

fn is_within(checked: Timestamp, time: Duration) -> bool {
    // A clock that was put back makes an age negative: then it is asked again.
    let age = Duration::try_from(Timestamp::now().duration_since(checked));
    age.is_ok_and(|age| age <= time)
}

fn temporary(folder: &Path) -> Result<NamedTempFile, CdseError> {
    std::fs::create_dir_all(folder).map_err(|why| CdseError::io(folder, why))?;
    let made = tempfile::Builder::new()
        .prefix(TEMPORARY)
        .tempfile_in(folder);
    made.map_err(|why| CdseError::io(folder, why))
}

/// `None` for a file that is not there or that someone has spoiled: it is asked again then.
async fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, CdseError> {
    match tokio::fs::read(path).await {
        Ok(text) => Ok(serde_json::from_slice(&text).ok()),
        Err(why) if why.kind() == ErrorKind::NotFound => Ok(None),
        Err(why) => Err(CdseError::io(path, why)),
    }
}

async fn write_json(path: &Path, value: &impl Serialize) -> Result<(), CdseError> {
    let io = |why| CdseError::io(path, why);
    let text = serde_json::to_vec_pretty(value).map_err(|why| io(why.into()))?;
    let file = path.to_owned();
    let written = tokio::task::spawn_blocking(move || write_whole(&file, &text));
    written.await.map_err(|_| CdseError::Cancelled)?.map_err(io)
}
