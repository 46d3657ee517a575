//! Vector packages: recognised, described, and kept whole beside a GeoPackage that other software opens.
//!
//! What is built is no cube but has the outer shape of one, so that caches and object stores treat both alike: a Zarr root group without arrays,
//! whose attributes hold a [`VectorPackage`] (below `clms`, in `vector`), and below it
//!
//! ```text
//! zarr.json             the description, written last (`.zgroup`, `.zattrs`, `.zmetadata` in Zarr v2)
//! <file>.gpkg           all layers of all files, for geopandas, QGIS, R and GDAL
//! files/<name>          the files of the package as they were delivered
//! ```
//!
//! The copy is made by GDAL's vector translation, feature by feature: layers, fields, CRS, text encodings, dates, nulls, 3D and curve geometries
//! are what GDAL reads from the source. Only a CRS that the source does not name has a name there: the format calls it "undefined". A package that is one single GeoPackage needs no copy: the delivered file itself is `<file>.gpkg`.
//!
//! A package that holds rasters as well becomes a cube of its rasters ([`plan`](crate::plan)), whose provenance names the vector files among those
//! left out.
//!
//! ```no_run
//! use std::sync::Arc;
//! use clms_cube::vector::{self, VectorOptions};
//! use clms_cube::{CancellationToken, Dataset, Package};
//! use object_store::local::LocalFileSystem;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let package = Package::from_dir("unpacked/FR010L2_MONTPELLIER_UA2018_v013".as_ref())?;
//! std::fs::create_dir_all("montpellier.zarr")?;
//! let store = Arc::new(LocalFileSystem::new_with_prefix("montpellier.zarr")?);
//! let options = VectorOptions::new("scratch");
//! vector::build(&package, options, store.clone(), &(), &CancellationToken::new()).await?;
//!
//! let cube = Dataset::open_zarr(store).await?;
//! for layer in &cube.vector().ok_or("a cube of rasters")?.layers {
//!     println!("{}: {} features of type {}", layer.name, layer.features, layer.geometry_type);
//! }
//! # Ok(())
//! # }
//! ```

mod build;
mod copy;
mod format;
mod placed;
mod source;
mod spatial_index;
mod translate;
mod upload;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use build::{VectorOptions, VectorProgress, VectorReport, build};
pub use format::VectorFormat;

use crate::Crs;

/// Where the attributes of the root group hold the description, below [`CLMS`].
const VECTOR: &str = "vector";
/// Where the attributes of the root group hold what is this crate's own.
const CLMS: &str = "clms";

/// A vector package as it lies in a store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VectorPackage {
    /// The GeoPackage with all layers; its path below the root.
    pub geopackage: String,
    /// The data sets as they were delivered.
    pub sources: Vec<VectorSource>,
    /// The layers of the GeoPackage.
    pub layers: Vec<VectorLayer>,
}

/// A vector data set as it was delivered: a file with its side-cars, or a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VectorSource {
    /// The name inside the package of the main file, or of the folder of a file geodatabase.
    pub name: String,
    /// What it is.
    pub format: VectorFormat,
    /// Its path below the root.
    pub path: String,
}

/// A layer of a [`VectorPackage`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VectorLayer {
    /// Its name in the GeoPackage.
    pub name: String,
    /// The [`VectorSource::name`] of the data set that it comes from.
    pub source: String,
    /// Its name there.
    pub source_layer: String,
    /// GDAL's name of the type of its geometries, such as `Multi Polygon` or `3D Point`; `None` for a table without geometries,
    /// `Unknown (any)` for a mixture.
    pub geometry_type: String,
    /// Its coordinate reference system, if the source names one.
    pub crs: Option<Crs>,
    /// How many features it has.
    pub features: u64,
    /// West, south, east, north in the units of [`crs`](Self::crs) (x before y, whatever the definition says); nothing if there is no geometry.
    pub extent: Option<[f64; 4]>,
    /// Its fields, without geometry and feature id.
    pub fields: Vec<VectorField>,
}

/// A field (attribute, column) of a [`VectorLayer`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VectorField {
    /// Its name.
    pub name: String,
    /// GDAL's name of the type of its values, such as `String`, `Integer64`, `Real`, `DateTime`.
    #[serde(rename = "type")]
    pub kind: String,
}

impl VectorPackage {
    /// How many features all layers have together.
    #[must_use]
    pub fn features(&self) -> u64 {
        self.layers.iter().map(|layer| layer.features).sum()
    }

    /// Reads the description that the attributes of a root group may hold.
    pub(crate) fn of_attributes(attributes: &Map<String, Value>) -> Option<Self> {
        let described = attributes.get(CLMS)?.get(VECTOR)?;
        serde_json::from_value(described.clone())
            .inspect_err(
                |why| tracing::warn!(%why, "the description of a vector package can't be read"),
            )
            .ok()
    }

    /// Adds the description to the attributes of a root group.
    pub(crate) fn describe_in(&self, attributes: &mut Map<String, Value>) {
        let described = serde_json::to_value(self).unwrap_or_default();
        if let Some(Value::Object(details)) = attributes.get_mut(CLMS) {
            details.insert(VECTOR.to_owned(), described);
        }
    }
}
