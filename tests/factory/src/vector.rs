//! A small vector package member: a GeoPackage written by GDAL.

use std::path::Path;

use gdal::DriverManager;
use gdal::spatial_ref::SpatialRef;
use gdal::vector::{
    Defn, Feature, FieldDefn, Geometry, LayerOptions, OGRFieldType, OGRwkbGeometryType,
};

use crate::error::{AtPath, Result};

/// A GeoPackage of squares in EPSG:3035, each with an `id`, a `code_18` (a text, as in CORINE) and its `area_ha`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VectorSpec {
    /// File name, with its ending `.gpkg`.
    pub name: String,
    /// Name of the layer.
    pub layer: String,
    /// The codes of the squares, of 1 km from 4000000, 3000000 eastwards.
    pub codes: Vec<String>,
}

impl VectorSpec {
    /// A layer `clc18` of three squares.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            layer: "clc18".into(),
            codes: ["111", "311", "523"].map(str::to_owned).to_vec(),
        }
    }
}

pub(crate) fn write(spec: &VectorSpec, path: &Path) -> Result<()> {
    create(spec, path).at(path)
}

fn create(spec: &VectorSpec, path: &Path) -> gdal::errors::Result<()> {
    let driver = DriverManager::get_driver_by_name("GPKG")?;
    let mut dataset = driver.create_vector_only(path)?;
    let layer = dataset.create_layer(LayerOptions {
        name: &spec.layer,
        srs: Some(&SpatialRef::from_epsg(3035)?),
        ty: OGRwkbGeometryType::wkbPolygon,
        ..Default::default()
    })?;
    let fields = [
        ("id", OGRFieldType::OFTString),
        ("code_18", OGRFieldType::OFTString),
        ("area_ha", OGRFieldType::OFTReal),
    ];
    for (name, kind) in fields {
        FieldDefn::new(name, kind)?.add_to_layer(&layer)?;
    }
    let definition = Defn::from_layer(&layer);
    for (k, code) in spec.codes.iter().enumerate() {
        let west = 4_000_000.0 + k as f64 * 1000.0;
        let mut feature = Feature::new(&definition)?;
        feature.set_geometry(Geometry::bbox(
            west,
            3_000_000.0,
            west + 1000.0,
            3_001_000.0,
        )?)?;
        feature.set_field_string(definition.field_index("id")?, &format!("EU_{}", k + 1))?;
        feature.set_field_string(definition.field_index("code_18")?, code)?;
        feature.set_field_double(definition.field_index("area_ha")?, 100.0)?;
        feature.create(&layer)?;
    }
    dataset.close()
}
