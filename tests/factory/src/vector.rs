//! Vector package members, written by GDAL in the formats that CLMS delivers and in their neighbours.

use std::path::Path;

use gdal::spatial_ref::SpatialRef;
use gdal::vector::{
    Defn, Feature, FieldDefn, Geometry, Layer, LayerOptions, OGRFieldType, OGRwkbGeometryType,
};
use gdal::{Dataset, DriverManager};

use crate::error::{AtPath, Error, Result};

/// A vector file. Its ending decides the format: `.gpkg`, `.gdb` (a folder), `.shp` (with its side-cars, texts in Latin-1), `.fgb`, `.geojson` or
/// `.gml`. All but the first two hold one layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VectorSpec {
    /// File name, with its ending.
    pub name: String,
    /// Its layers.
    pub layers: Vec<VectorLayer>,
}

/// A layer of features, each with an `id`, a `code_18` (a text, as in CORINE), its `area_ha`, a `count` beyond 32 bits, the day `prod_date` (as time
/// in a file geodatabase, as text in GeoJSON), and a `comment` that holds letters beyond ASCII in the first feature and nothing in the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VectorLayer {
    /// Its name; that of a Shapefile is the file's.
    pub name: String,
    /// The codes of the features, of 1 km from 4000000, 3000000 eastwards.
    pub codes: Vec<String>,
    /// What they look like.
    pub shape: VectorShape,
    /// Their CRS, in whose units the coordinates are; none if `None`.
    pub epsg: Option<u32>,
}

/// The geometries of a [`VectorLayer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum VectorShape {
    /// Squares.
    Squares,
    /// A square and a smaller one to the north of it, as one geometry.
    Pairs,
    /// Squares in 3D, each 10 m higher than the one before.
    Tilted,
    /// Polygons that are circles, not drawn with straight lines.
    Circles,
    /// Points in the middle.
    Points,
    /// None: a table.
    Nothing,
}

impl VectorLayer {
    /// Three squares in EPSG:3035.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            codes: ["111", "311", "523"].map(str::to_owned).to_vec(),
            shape: VectorShape::Squares,
            epsg: Some(3035),
        }
    }

    /// Sets what the features look like.
    #[must_use]
    pub fn shape(mut self, shape: VectorShape) -> Self {
        self.shape = shape;
        self
    }

    /// Sets how many features there are.
    #[must_use]
    pub fn features(mut self, count: usize) -> Self {
        let codes = ["111", "112", "211", "231", "311", "312", "523"];
        self.codes = (0..count)
            .map(|k| codes[k % codes.len()].to_owned())
            .collect();
        self
    }

    /// Sets the CRS.
    #[must_use]
    pub fn epsg(mut self, epsg: Option<u32>) -> Self {
        self.epsg = epsg;
        self
    }
}

impl VectorSpec {
    /// A layer `clc18` of three squares.
    pub fn new(name: impl Into<String>) -> Self {
        Self::of(name, [VectorLayer::new("clc18")])
    }

    /// A file of these layers.
    pub fn of(name: impl Into<String>, layers: impl IntoIterator<Item = VectorLayer>) -> Self {
        Self {
            name: name.into(),
            layers: layers.into_iter().collect(),
        }
    }

    /// Writes it into the folder `dir`: a file, several, or a folder.
    ///
    /// # Errors
    /// When GDAL refuses it, or has no driver for it.
    pub fn write(&self, dir: &Path) -> Result<()> {
        let ending = self.name.rsplit('.').next().unwrap_or_default();
        let (driver, options): (&str, &[&str]) = match ending.to_ascii_lowercase().as_str() {
            "gpkg" => ("GPKG", &[]),
            "gdb" => ("OpenFileGDB", &[]),
            "shp" => ("ESRI Shapefile", &["ENCODING=ISO-8859-1"]),
            "fgb" => ("FlatGeobuf", &[]),
            "geojson" => ("GeoJSON", &["RFC7946=NO"]),
            "gml" => ("GML", &[]),
            _ => {
                return Err(Error::spec(&self.name, "no such vector format"));
            }
        };
        let path = dir.join(&self.name);
        let write = || {
            let mut dataset =
                DriverManager::get_driver_by_name(driver)?.create_vector_only(&path)?;
            for layer in &self.layers {
                layer.write(&mut dataset, driver, options)?;
            }
            dataset.close()
        };
        write().at(&path)
    }
}

impl VectorLayer {
    fn write(
        &self,
        dataset: &mut Dataset,
        driver: &str,
        options: &[&str],
    ) -> gdal::errors::Result<()> {
        let srs = self.epsg.map(SpatialRef::from_epsg).transpose()?;
        let layer = dataset.create_layer(LayerOptions {
            name: &self.name,
            srs: srs.as_ref(),
            ty: self.shape.kind(driver),
            options: Some(options),
        })?;
        let day = match driver {
            "GeoJSON" => OGRFieldType::OFTString,
            "OpenFileGDB" => OGRFieldType::OFTDateTime,
            _ => OGRFieldType::OFTDate,
        };
        let count = match driver {
            // Whole numbers of file geodatabases have 32 bits.
            "OpenFileGDB" => OGRFieldType::OFTReal,
            _ => OGRFieldType::OFTInteger64,
        };
        for (name, kind) in [
            ("id", OGRFieldType::OFTString),
            ("code_18", OGRFieldType::OFTString),
            ("area_ha", OGRFieldType::OFTReal),
            ("count", count),
            ("prod_date", day),
            ("comment", OGRFieldType::OFTString),
        ] {
            FieldDefn::new(name, kind)?.add_to_layer(&layer)?;
        }
        // SQLite writes every feature through to the disk unless they go together.
        for (k, code) in self.codes.iter().enumerate() {
            self.feature(&layer, k, code)?;
        }
        Ok(())
    }

    fn feature(&self, layer: &Layer<'_>, k: usize, code: &str) -> gdal::errors::Result<()> {
        let definition = Defn::from_layer(layer);
        let mut feature = Feature::new(&definition)?;
        if let Some(text) = self.shape.wkt(k) {
            feature.set_geometry(Geometry::from_wkt(&text)?)?;
        }
        let index = |name: &str| definition.field_index(name);
        feature.set_field_string(index("id")?, &format!("EU_{}", k + 1))?;
        feature.set_field_string(index("code_18")?, code)?;
        feature.set_field_double(index("area_ha")?, 100.0 + k as f64 / 8.0)?;
        if self.is_integer(&definition)? {
            feature.set_field_integer64(index("count")?, (1 << 40) + k as i64)?;
        } else {
            feature.set_field_double(index("count")?, (1_i64 << 40) as f64 + k as f64)?;
        }
        feature.set_field_string(index("prod_date")?, &format!("2018/06/{:02}", 1 + k % 28))?;
        if k == 0 {
            feature.set_field_string(index("comment")?, COMMENT)?;
        } else {
            feature.set_field_null(index("comment")?)?;
        }
        feature.create(layer)
    }

    fn is_integer(&self, definition: &Defn) -> gdal::errors::Result<bool> {
        let index = definition.field_index("count")?;
        let field = definition.fields().nth(index);
        Ok(field.is_some_and(|field| field.field_type() == OGRFieldType::OFTInteger64))
    }
}

/// The first feature's comment: letters that Latin-1 has and ASCII has not.
const COMMENT: &str = "Forêt près de Schäßburg";

impl VectorShape {
    fn kind(self, driver: &str) -> OGRwkbGeometryType::Type {
        match self {
            // Where a type has to hold both.
            Self::Squares if driver == "OpenFileGDB" => OGRwkbGeometryType::wkbMultiPolygon,
            Self::Pairs if driver == "ESRI Shapefile" => OGRwkbGeometryType::wkbPolygon,
            Self::Squares => OGRwkbGeometryType::wkbPolygon,
            Self::Pairs => OGRwkbGeometryType::wkbMultiPolygon,
            Self::Tilted => OGRwkbGeometryType::wkbPolygon25D,
            Self::Circles => OGRwkbGeometryType::wkbCurvePolygon,
            Self::Points => OGRwkbGeometryType::wkbPoint,
            Self::Nothing => OGRwkbGeometryType::wkbNone,
        }
    }

    fn wkt(self, k: usize) -> Option<String> {
        let (west, south) = (4_000_000.0 + k as f64 * 1000.0, 3_000_000.0);
        let (east, north) = (west + 1000.0, south + 1000.0);
        let ring = |west: f64, south: f64, east: f64, north: f64| {
            format!(
                "(({west} {south},{west} {north},{east} {north},{east} {south},{west} {south}))"
            )
        };
        Some(match self {
            Self::Squares => format!("POLYGON {}", ring(west, south, east, north)),
            Self::Pairs => format!(
                "MULTIPOLYGON ({},{})",
                ring(west, south, east, north),
                ring(west, north + 500.0, west + 500.0, north + 1000.0)
            ),
            Self::Tilted => {
                let z = k as f64 * 10.0;
                format!(
                    "POLYGON Z (({west} {south} {z},{west} {north} {z},{east} {north} {z},{east} {south} {z},{west} {south} {z}))"
                )
            }
            Self::Circles => format!(
                "CURVEPOLYGON (CIRCULARSTRING ({west} {0},{east} {0},{west} {0}))",
                south + 500.0
            ),
            Self::Points => format!("POINT ({} {})", west + 500.0, south + 500.0),
            Self::Nothing => return None,
        })
    }
}
