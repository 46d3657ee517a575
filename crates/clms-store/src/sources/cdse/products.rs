//! Products of a list: read row by row, and of several versions the wanted one.

use std::{
    collections::HashMap,
    fs::File,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::CdseError;
use super::rows::{Row, RowLimit};
use super::versions::{ProductName, VersionWish, rank};

/// Products that are opened at once, at most: each takes some hundred bytes.
const MOST: usize = 200_000;

/// Rows between two looks at whether anybody still waits.
const ROWS_PER_LOOK: u64 = 4096;

/// One product of a collection: the files of one date and place.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Product {
    /// Its name, such as `c_gls_SSM1km_202506010000_CEURO_S1CSAR_V1.2.1_nc`.
    pub name: String,
    /// The folder of its files, as the list has it: `s3://eodata/CLMS/...`.
    pub s3_path: String,
    /// What time it is of: the nominal date, or the moment of observation where the name tells it.
    pub time: Timestamp,
    /// Begin and end of the observations.
    pub period: RangeInclusive<Timestamp>,
    /// When it was changed last.
    pub modified: Option<Timestamp>,
    /// Bytes of its files.
    pub size: Option<u64>,
    /// Where it lies: west, south, east, north in degrees (WGS 84).
    pub bbox: Option<[f64; 4]>,
    /// Which of the collection's tiles it is; all products of a collection that has none are of one.
    pub tile: Tile,
}

/// A place that a collection has products of: by name, or by its bbox in tenths of a degree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Tile {
    /// The name of a tile, such as `T32TLR`.
    Named(String),
    /// West, south, east, north, rounded: versions of one product differ in the last digits.
    Around([i32; 4]),
    /// Nothing is said.
    Unknown,
}

/// Which products of a collection.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct ProductQuery {
    /// Those whose period of observation touches this one.
    pub times: Option<RangeInclusive<Timestamp>>,
    /// Those that touch this box: west, south, east, north in degrees (WGS 84); west is greater than east across the antimeridian.
    pub bbox: Option<[f64; 4]>,
    /// Which of several for one date and place.
    pub version: VersionWish,
}

impl ProductQuery {
    /// Everything, in the newest version.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only what was observed within these times.
    #[must_use]
    pub fn times(mut self, times: RangeInclusive<Timestamp>) -> Self {
        self.times = Some(times);
        self
    }

    /// Only what touches this box: west, south, east, north in degrees (WGS 84).
    #[must_use]
    pub fn bbox(mut self, bbox: [f64; 4]) -> Self {
        self.bbox = Some(bbox);
        self
    }

    /// Other versions than the newest.
    #[must_use]
    pub fn version(mut self, version: VersionWish) -> Self {
        self.version = version;
        self
    }

    /// In words.
    pub(super) fn describe(&self) -> String {
        let times = self
            .times
            .as_ref()
            .map(|times| format!("from {} to {}", times.start(), times.end()));
        let bbox = self
            .bbox
            .map(|[west, south, east, north]| format!("within {west}, {south}, {east}, {north}"));
        let version = (self.version != VersionWish::Newest)
            .then(|| format!("in the version {}", self.version));
        let words: Vec<String> = [times, bbox, version].into_iter().flatten().collect();
        if words.is_empty() {
            "at all".to_owned()
        } else {
            words.join(" ")
        }
    }

    fn admits(&self, product: &Product) -> bool {
        let in_time = self.times.as_ref().is_none_or(|times| {
            product.period.start() <= times.end() && product.period.end() >= times.start()
        });
        let in_place = match (self.bbox, product.bbox) {
            (Some(wanted), Some(bbox)) => touches(wanted, bbox),
            // Nothing is said of where it lies: it may be here.
            _ => true,
        };
        in_time && in_place
    }
}

/// Whether two boxes have a place in common; the edges are not enough.
fn touches(wanted: [f64; 4], bbox: [f64; 4]) -> bool {
    let [west, south, east, north] = wanted;
    if west > east {
        return touches([west, south, 180.0, north], bbox)
            || touches([-180.0, south, east, north], bbox);
    }
    west < bbox[2] && east > bbox[0] && south < bbox[3] && north > bbox[1]
}

/// The wanted products of a list, by time and tile. Memory holds those, and one row of the others.
pub(super) async fn select(
    path: PathBuf,
    collection: &str,
    query: &ProductQuery,
) -> Result<Vec<Product>, CdseError> {
    let (collection, query) = (collection.to_owned(), query.clone());
    let wanted = CancellationToken::new();
    let _stop_when_dropped = wanted.clone().drop_guard();
    let work = move || select_blocking(&path, &collection, &query, &wanted);
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| CdseError::Cancelled)?
}

fn select_blocking(
    path: &Path,
    collection: &str,
    query: &ProductQuery,
    wanted: &CancellationToken,
) -> Result<Vec<Product>, CdseError> {
    let file = File::open(path).map_err(|why| CdseError::io(path, why))?;
    let mut rows = csv::ReaderBuilder::new()
        .delimiter(b';')
        .flexible(true)
        .from_reader(RowLimit::new(file));
    let bad = |why: csv::Error| CdseError::List {
        list: path.display().to_string(),
        reason: why.to_string(),
    };
    let headers = rows.headers().map_err(bad)?.clone();
    if let Some(missing) = ["name", "s3_path"]
        .iter()
        .find(|name| !headers.iter().any(|header| header == **name))
    {
        return Err(CdseError::List {
            list: path.display().to_string(),
            reason: format!("it has no column {missing}"),
        });
    }
    let mut winners: HashMap<(Timestamp, Tile), (Product, Option<ProductName>)> = HashMap::new();
    let mut record = csv::StringRecord::new();
    let mut count = 0;
    while rows.read_record(&mut record).map_err(bad)? {
        rows.get_mut().begin_row();
        count += 1;
        if count % ROWS_PER_LOOK == 0 && wanted.is_cancelled() {
            return Err(CdseError::Cancelled);
        }
        let row: Row<'_> = match record.deserialize(Some(&headers)) {
            Ok(row) => row,
            Err(why) => {
                tracing::warn!(%why, list = %path.display(), "a row of the list can't be read");
                continue;
            }
        };
        let name = ProductName::parse(row.name);
        let Some(product) = row.product(name.as_ref()) else {
            tracing::warn!(name = row.name, list = %path.display(), "a product of the list has no date");
            continue;
        };
        if !query.admits(&product) || !query.version.admits(name.as_ref()) {
            continue;
        }
        let key = (product.time, product.tile.clone());
        match winners.get_mut(&key) {
            None => {
                winners.insert(key, (product, name));
            }
            Some((other, _)) if query.version == VersionWish::All => {
                return Err(CdseError::Doubles {
                    first: other.name.clone(),
                    second: product.name,
                });
            }
            Some(best) => {
                if rank(name.as_ref(), product.modified) > rank(best.1.as_ref(), best.0.modified) {
                    *best = (product, name);
                }
            }
        }
        if winners.len() > MOST {
            return Err(CdseError::TooMany {
                collection: collection.to_owned(),
                most: MOST,
                asked: query.describe(),
            });
        }
    }
    let mut products: Vec<Product> = winners.into_values().map(|(product, _)| product).collect();
    products.sort_by(|a, b| (a.time, &a.tile).cmp(&(b.time, &b.tile)));
    if products.is_empty() {
        return Err(CdseError::NothingFound {
            collection: collection.to_owned(),
            asked: query.describe(),
        });
    }
    Ok(products)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_across_the_antimeridian_are_two() {
        let fiji = [177.0, -19.0, -178.0, -16.0];
        assert!(touches(fiji, [-180.0, -20.0, -175.0, -10.0]));
        assert!(touches(fiji, [174.0, -20.0, 178.0, -10.0]));
        assert!(!touches(fiji, [0.0, -20.0, 10.0, -10.0]));
        assert!(!touches([0.0, 0.0, 1.0, 1.0], [1.0, 0.0, 2.0, 1.0]));
    }
}
