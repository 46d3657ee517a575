//! From products to one dataset that is read lazily.
//!
//! The products of one place are stacked along `time`: their nominal dates, as the list has them (of ten days, products of the global
//! vegetation have the last one, those of evapotranspiration the first one; [`Product::period`] has begin and end), or the moment of
//! observation where names have one. GeoTIFFs make a stack for each variable.

use std::{collections::BTreeMap, sync::Arc};

use clms_cube::{Dataset, Duplicates, FileOptions, StackFile};
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt, TryStreamExt};
use serde_json::{Map, Value, json};

use super::bucket::{Bucket, ProductFile, Recognise};
use super::files::FilePattern;
use super::versions::stem;
use super::{CdseError, Collection, Freshness, Product, ProductQuery, RasterFormat, Tile};

/// Datasets that are opened at the same time.
const OPENED_AT_ONCE: usize = 4;

/// Places of one dataset: the header of a file of each is read.
const MOST_TILES: usize = 400;

/// What to open of a collection.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct OpenOptions {
    /// Which products.
    pub query: ProductQuery,
    /// In which format, where there are two; NetCDF unless it is said.
    pub format: Option<RasterFormat>,
    /// Which variables; all unless it is said. Of GeoTIFFs each has files of its own, whose headers are read.
    pub variables: Option<Vec<String>>,
    /// When kept lists of products may be used without asking; within a day unless it is said.
    pub freshness: Freshness,
}

impl OpenOptions {
    /// Everything that a query finds.
    #[must_use]
    pub fn new(query: ProductQuery) -> Self {
        Self {
            query,
            ..Self::default()
        }
    }

    /// Only this format.
    #[must_use]
    pub fn format(mut self, format: RasterFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// Only these variables.
    #[must_use]
    pub fn variables<T: Into<String>>(mut self, variables: impl IntoIterator<Item = T>) -> Self {
        self.variables = Some(variables.into_iter().map(Into::into).collect());
        self
    }

    /// How old a list of products may be.
    #[must_use]
    pub fn freshness(mut self, freshness: Freshness) -> Self {
        self.freshness = freshness;
        self
    }
}

/// Opens products of a collection, sorted by time.
pub(super) async fn open(
    bucket: &Bucket,
    collection: &Collection,
    products: Vec<Product>,
    format: RasterFormat,
    options: &OpenOptions,
) -> Result<Dataset, CdseError> {
    let sample = products.first().cloned();
    let mut places: BTreeMap<Tile, Vec<Product>> = BTreeMap::new();
    for product in products {
        places
            .entry(product.tile.clone())
            .or_default()
            .push(product);
    }
    if places.len() > MOST_TILES {
        return Err(CdseError::TooManyTiles {
            collection: collection.id.clone(),
            tiles: places.len(),
            most: MOST_TILES,
        });
    }
    let patterns = match (format, &sample) {
        (RasterFormat::Cog, Some(sample)) => patterns(bucket, collection, sample, options).await?,
        _ => Vec::new(),
    };
    // In boxes, because the compiler can't tell of closures that borrow whether what they return may go to another thread.
    let mut opening: Vec<BoxFuture<'_, _>> = Vec::new();
    for products in places.into_values() {
        opening.push(match format {
            RasterFormat::NetCdf => netcdf(bucket, products).boxed(),
            RasterFormat::Cog => geotiffs(bucket, collection, &patterns, products).boxed(),
        });
    }
    let opened = futures::stream::iter(opening).buffered(OPENED_AT_ONCE);
    let mut tiles: Vec<Dataset> = opened.try_collect().await?;
    let mut dataset = match tiles.len() {
        1 => tiles.remove(0),
        _ => Dataset::mosaic(tiles).await?,
    };
    dataset = with_facts(dataset, collection)?;
    Ok(dataset)
}

/// Files that hold all variables: one for each time.
async fn netcdf(bucket: &Bucket, products: Vec<Product>) -> Result<Dataset, CdseError> {
    let file = |product: &Product| {
        let name = format!("{}.nc", stem(&product.name));
        let recognise: Recognise = Arc::new(|name| name.ends_with(".nc"));
        let folder = bucket.folder(&product.s3_path);
        StackFile {
            time: product.time,
            reader: Arc::new(ProductFile::new(bucket, folder, Some(name), recognise)),
        }
    };
    let files = products.iter().map(file).collect();
    Ok(Dataset::open_stack(files, Duplicates::Refuse, &FileOptions::default()).await?)
}

/// Files that hold one variable each.
async fn geotiffs(
    bucket: &Bucket,
    collection: &Collection,
    patterns: &[FilePattern],
    products: Vec<Product>,
) -> Result<Dataset, CdseError> {
    let mut opening: Vec<BoxFuture<'static, _>> = Vec::new();
    for pattern in patterns {
        let files = products
            .iter()
            .map(|product| geotiff(bucket, collection, pattern, product))
            .collect();
        let options = FileOptions {
            variable: Some(pattern.variable.clone()),
            ..FileOptions::default()
        };
        let stack = async move { Dataset::open_stack(files, Duplicates::Refuse, &options).await };
        opening.push(stack.boxed());
    }
    let stacks = futures::stream::iter(opening).buffered(OPENED_AT_ONCE);
    let mut stacks: Vec<Dataset> = stacks.try_collect().await?;
    Ok(match stacks.len() {
        1 => stacks.remove(0),
        _ => Dataset::merge(stacks).await?,
    })
}

fn geotiff(
    bucket: &Bucket,
    collection: &Collection,
    pattern: &FilePattern,
    product: &Product,
) -> StackFile {
    let (wanted, collection, of) = (pattern.clone(), collection.clone(), product.name.clone());
    let recognise: Recognise = Arc::new(move |name| wanted.is_of(&collection, &of, name));
    let folder = bucket.folder(&product.s3_path);
    let guess = pattern.file_of(&product.name);
    StackFile {
        time: product.time,
        reader: Arc::new(ProductFile::new(bucket, folder, guess, recognise)),
    }
}

/// How the files of the wanted variables are named, by a look into the folder of one product.
async fn patterns(
    bucket: &Bucket,
    collection: &Collection,
    sample: &Product,
    options: &OpenOptions,
) -> Result<Vec<FilePattern>, CdseError> {
    let folder = bucket.folder(&sample.s3_path);
    let names = bucket
        .files(&folder)
        .await
        .map_err(|why| CdseError::Bucket {
            folder: folder.to_string(),
            source: Box::new(why),
        })?;
    let mut found: Vec<FilePattern> = names
        .iter()
        .filter_map(|name| FilePattern::of(collection, &sample.name, name))
        .collect();
    found.sort_by(|a, b| a.variable.cmp(&b.variable));
    found.dedup_by(|b, a| a.variable == b.variable);
    let none = |variable: &str| CdseError::NoSuchVariable {
        collection: collection.id.clone(),
        variable: variable.to_owned(),
        available: found
            .iter()
            .map(|pattern| pattern.variable.clone())
            .collect(),
    };
    match &options.variables {
        None if found.is_empty() => Err(none("")),
        None => Ok(found),
        Some(wanted) => wanted
            .iter()
            .map(|name| {
                found
                    .iter()
                    .find(|pattern| pattern.variable == *name)
                    .cloned()
                    .ok_or_else(|| none(name))
            })
            .collect(),
    }
}

/// What is known of the variables where their files say nothing.
fn with_facts(mut dataset: Dataset, collection: &Collection) -> Result<Dataset, CdseError> {
    let groups = dataset.structure().groups.iter();
    let variables = groups.flat_map(|group| {
        let names = group.variables.iter().map(|known| known.name.clone());
        names.map(|name| (group.path.clone(), name))
    });
    let variables: Vec<(String, String)> = variables.collect();
    for (group, name) in variables {
        let Some(facts) = collection.facts_of(&name) else {
            continue;
        };
        let known = [
            ("units", facts.unit.as_ref().map(|unit| json!(unit))),
            ("scale_factor", facts.scale.map(|scale| json!(scale))),
            ("add_offset", facts.offset.map(|offset| json!(offset))),
        ];
        let known: Map<String, Value> = known
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect();
        let says_scale = |dataset: &Dataset| {
            let variable = dataset.variable(&group, &name).ok();
            variable.is_some_and(|known| {
                ["scale_factor", "add_offset"]
                    .iter()
                    .any(|key| known.attributes.contains_key(*key))
            })
        };
        // Scale and offset belong together: half of them from the file and half from here would be neither.
        let known = if says_scale(&dataset) {
            known
                .into_iter()
                .filter(|(name, _)| name == "units")
                .collect()
        } else {
            known
        };
        dataset = dataset.with_default_attributes(&group, &name, &known)?;
    }
    Ok(dataset)
}
