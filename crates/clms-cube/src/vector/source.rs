//! Vector data sets as GDAL opens them.

use std::path::{Path, PathBuf};

use gdal::vector::{
    Defn, LayerAccess, OGRwkbGeometryType, field_type_to_name, geometry_type_to_name,
};
use gdal::{Dataset, DatasetOptions, DriverManager, GdalOpenFlags, errors::GdalError};

use super::{VectorField, VectorFormat};
use crate::crs::SourceCrs;
use crate::gdal_source::{LocalConfig, initialise};
use crate::gdal_words::gdal_words;
use crate::{Crs, CubeError};

/// A vector data set that has been laid out for its driver.
#[derive(Debug)]
pub(super) struct Source {
    /// Name inside the package.
    pub(super) name: String,
    pub(super) format: VectorFormat,
    /// What the driver opens.
    pub(super) path: PathBuf,
}

/// What the header of a layer says, and how many features it really has.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LayerHeader {
    pub(super) name: String,
    pub(super) geometry: OGRwkbGeometryType::Type,
    pub(super) crs: Option<Crs>,
    pub(super) features: u64,
    /// West, south, east, north.
    pub(super) extent: Option<[f64; 4]>,
    pub(super) fields: Vec<VectorField>,
}

impl Source {
    /// Opens it for reading with the one driver that its name calls for: none that follows references to other files or the network.
    pub(super) fn open(&self) -> Result<Dataset, CubeError> {
        let driver = self.format.driver();
        initialise();
        if DriverManager::get_driver_by_name(driver).is_err() {
            return Err(self.format.no_driver(&self.name));
        }
        // The index of a Shapefile can be made anew from the geometries.
        let _restore = LocalConfig::set("SHAPE_RESTORE_SHX", "YES");
        open(&self.path, driver, self.format).map_err(|error| self.unreadable(&error))
    }

    /// The headers of all layers. Counts features, for which some formats are read to their end.
    pub(super) fn layers(&self, dataset: &Dataset) -> Result<Vec<LayerHeader>, CubeError> {
        dataset
            .layers()
            .map(|layer| {
                LayerHeader::read(&layer).map_err(|reason| CubeError::UnreadableVector {
                    file: self.name.clone(),
                    reason: format!("layer {}: {reason}", layer.name()),
                })
            })
            .collect()
    }

    fn unreadable(&self, error: &GdalError) -> CubeError {
        let reason = gdal_words(error).replace(&*self.path.to_string_lossy(), &self.name);
        CubeError::UnreadableVector {
            file: self.name.clone(),
            reason,
        }
    }
}

/// Opens a vector data set for reading.
pub(super) fn open(
    path: &Path,
    driver: &str,
    format: VectorFormat,
) -> gdal::errors::Result<Dataset> {
    let options: &[&str] = match format {
        // Its schema may be an address.
        VectorFormat::Gml => &["DOWNLOAD_SCHEMA=NO"],
        _ => &[],
    };
    Dataset::open_ex(
        path,
        DatasetOptions {
            open_flags: GdalOpenFlags::GDAL_OF_READONLY
                | GdalOpenFlags::GDAL_OF_VECTOR
                | GdalOpenFlags::GDAL_OF_VERBOSE_ERROR,
            allowed_drivers: Some(&[driver]),
            open_options: Some(options),
            ..DatasetOptions::default()
        },
    )
}

/// A GeoPackage has to name a CRS for every layer, and has names for none.
fn is_undefined(crs: &str) -> bool {
    ["Undefined geographic SRS", "Undefined Cartesian SRS"].contains(&crs)
}

impl LayerHeader {
    pub(super) fn read(layer: &impl LayerAccess) -> Result<Self, String> {
        let definition = Defn::from_layer(layer);
        // What can't be counted is -1 in C.
        let features = layer.feature_count();
        if i64::try_from(features).is_err() {
            return Err("its features can't be counted".to_owned());
        }
        let crs = layer
            .spatial_ref()
            .filter(|srs| srs.to_wkt().is_ok_and(|wkt| !wkt.is_empty()))
            .filter(|srs| !srs.name().is_some_and(|name| is_undefined(&name)))
            .map(|srs| SourceCrs::new(srs).identified().to_crs())
            .transpose()
            .map_err(|error| gdal_words(&error))?;
        // There is none without geometries.
        let extent = layer
            .get_extent()
            .ok()
            .map(|found| [found.MinX, found.MinY, found.MaxX, found.MaxY])
            .filter(|found| features > 0 && found.iter().all(|number| number.is_finite()));
        let fields = definition.fields().map(|field| VectorField {
            name: field.name(),
            kind: field_type_to_name(field.field_type()),
        });
        Ok(Self {
            name: layer.name(),
            geometry: definition.geometry_type(),
            crs,
            features,
            extent,
            fields: fields.collect(),
        })
    }

    pub(super) fn geometry_name(&self) -> String {
        geometry_type_to_name(self.geometry)
    }
}
