//! All layers of all data sets in one GeoPackage.

use std::collections::BTreeSet;
use std::path::Path;

use gdal::DriverManager;
use gdal::errors::GdalError;
use gdal::vector::{OGRwkbGeometryType, geometry_type_flatten};

use super::format::stem;
use super::source::{LayerHeader, Source, open};
use super::translate::{Watch, translate};
use super::{VectorFormat, VectorLayer, spatial_index};
use crate::CubeError;
use crate::gdal_source::LocalConfig;
use crate::gdal_words::{gdal_words, says_disk_is_full};
use crate::reading_log::ReadingLog;

/// A layer on its way.
struct Copied {
    /// Its name in the GeoPackage.
    table: String,
    /// Position of its data set.
    source: usize,
    header: LayerHeader,
}

/// Describes the layers of a GeoPackage that needs no copy.
pub(super) fn describe(
    source: &Source,
    reading: &ReadingLog,
) -> Result<Vec<VectorLayer>, CubeError> {
    let _reading = reading.begin(&source.name);
    let layers = source.layers(&source.open()?)?;
    Ok(layers
        .into_iter()
        .map(|header| layer(header.name.clone(), source, &header.name, &header))
        .collect())
}

fn layer(name: String, source: &Source, source_layer: &str, header: &LayerHeader) -> VectorLayer {
    VectorLayer {
        name,
        source: source.name.clone(),
        source_layer: source_layer.to_owned(),
        geometry_type: header.geometry_name(),
        crs: header.crs.clone(),
        features: header.features,
        extent: header.extent,
        fields: header.fields.clone(),
    }
}

/// Writes all layers into the new GeoPackage `target`, compares what came to lie there with the sources, and describes it.
///
/// Features are streamed; `counted` hears how many there are before the first one is copied.
pub(super) fn copy(
    sources: &[Source],
    target: &Path,
    reading: &ReadingLog,
    counted: impl FnOnce(u64),
    watch: &Watch<'_>,
) -> Result<Vec<VectorLayer>, CubeError> {
    let mut names = TableNames::default();
    let mut layers = Vec::new();
    for (index, source) in sources.iter().enumerate() {
        let _reading = reading.begin(&source.name);
        // Opened twice, because all at once would be too many for a package of hundreds of files.
        for header in source.layers(&source.open()?)? {
            layers.push(Copied {
                table: names.choose(&header.name, &source.name),
                source: index,
                header,
            });
        }
        stop_if_cancelled(watch)?;
    }
    counted(layers.iter().map(|layer| layer.header.features).sum());

    // What is written here is thrown away after any failure, so that it need not survive one.
    let _config = LocalConfig::set("OGR_SQLITE_SYNCHRONOUS", "OFF");
    let created = DriverManager::get_driver_by_name(VectorFormat::GeoPackage.driver())
        .map_err(|_| VectorFormat::GeoPackage.no_driver("the copy"))?
        .create_vector_only(target)
        .map_err(|error| CubeError::internal("creating a GeoPackage", gdal_words(&error)))?;
    let mut before = 0;
    for of_source in layers.chunk_by(|a, b| a.source == b.source) {
        let source = &sources[of_source[0].source];
        let _reading = reading.begin(&source.name);
        let dataset = source.open()?;
        for layer in of_source {
            let arguments = arguments(source.format, layer, of_source.len() == 1);
            let counts = (before, layer.header.features);
            let copied = translate(&dataset, &created, &arguments, watch, counts);
            stop_if_cancelled(watch)?;
            copied.map_err(|reason| failed(source, &layer.header, reason))?;
            before += layer.header.features;
        }
    }
    let with_geometries: Vec<&str> = layers
        .iter()
        .filter(|layer| layer.header.geometry != OGRwkbGeometryType::wkbNone)
        .map(|layer| layer.table.as_str())
        .collect();
    let finishing = |error: GdalError| {
        let words = gdal_words(&error);
        if says_disk_is_full(&words) {
            CubeError::disk_full("the copy of the vector data", words)
        } else {
            CubeError::internal("finishing a GeoPackage", words)
        }
    };
    // Closed in between: GDAL writes what it has not written yet.
    created.close().map_err(finishing)?;
    stop_if_cancelled(watch)?;
    spatial_index::create(target, &with_geometries, watch).map_err(finishing)?;
    stop_if_cancelled(watch)?;
    check(sources, &layers, target)
}

fn stop_if_cancelled(watch: &Watch<'_>) -> Result<(), CubeError> {
    if watch.cancel.is_cancelled() {
        Err(CubeError::Cancelled)
    } else {
        Ok(())
    }
}

fn failed(source: &Source, header: &LayerHeader, reason: String) -> CubeError {
    if says_disk_is_full(&reason) {
        return CubeError::disk_full(format!("the copy of {}", source.name), reason);
    }
    CubeError::VectorCopy {
        file: source.name.clone(),
        layer: header.name.clone(),
        reason,
    }
}

/// The arguments of `ogr2ogr` for a layer, which may be the `only` one of its data set.
fn arguments(format: VectorFormat, layer: &Copied, only: bool) -> Vec<String> {
    let (header, table) = (&layer.header, layer.table.as_str());
    let mut words: Vec<String> = [
        // Asks GDAL to call back.
        "-progress",
        // Values are kept as they are: no rule of the source refuses or completes them.
        "-forceNullable",
        "-unsetDefault",
        "-nln",
        table,
    ]
    .map(str::to_owned)
    .to_vec();
    let mut option = |text: String| words.extend(["-lco".to_owned(), text]);
    // Where the source has a column for feature ids, GDAL takes its name over.
    if !matches!(
        format,
        VectorFormat::FileGeodatabase | VectorFormat::GeoPackage
    ) {
        option(format!("FID={}", header.free_column("fid")));
    }
    if header.geometry != OGRwkbGeometryType::wkbNone {
        option(format!("GEOMETRY_NAME={}", header.free_column("geom")));
        // Made in the end, in steps between which the work can be stopped.
        option("SPATIAL_INDEX=NO".to_owned());
    }
    // Shapefiles don't tell polygons from multipolygons, GeoPackages do.
    let simple = [
        OGRwkbGeometryType::wkbPolygon,
        OGRwkbGeometryType::wkbLineString,
    ];
    if format == VectorFormat::Shapefile && simple.contains(&geometry_type_flatten(header.geometry))
    {
        words.extend(["-nlt", "PROMOTE_TO_MULTI"].map(str::to_owned));
    }
    // The only one needs no name, which could be mistaken for an option.
    if !only {
        words.push(header.name.clone());
    }
    words
}

impl LayerHeader {
    /// A name like `wanted` that no field has; SQLite does not tell cases apart.
    fn free_column(&self, wanted: &str) -> String {
        let is_taken = |name: &str| {
            self.fields
                .iter()
                .any(|field| field.name.eq_ignore_ascii_case(name))
        };
        let mut name = wanted.to_owned();
        while is_taken(&name) {
            name.push('_');
        }
        name
    }
}

/// Gives each layer a name of its own in the GeoPackage, its own one wherever possible.
#[derive(Default)]
struct TableNames {
    /// In lower case: SQLite does not tell cases apart.
    taken: BTreeSet<String>,
}

impl TableNames {
    fn choose(&mut self, layer: &str, source: &str) -> String {
        // Prefixes of tables that are not a person's.
        const RESERVED: [&str; 3] = ["gpkg_", "sqlite_", "rtree_"];
        let layer: String = layer
            .chars()
            .filter(|character| !character.is_control())
            .collect();
        // What GDAL takes in the middle of a name but not at its beginning.
        let begins_oddly =
            layer.starts_with(|first: char| first.is_ascii_punctuation() && first != '_');
        let lower = layer.to_lowercase();
        let layer = if layer.trim().is_empty() {
            "layer".to_owned()
        } else if begins_oddly || RESERVED.iter().any(|prefix| lower.starts_with(prefix)) {
            format!("layer_{layer}")
        } else {
            layer
        };
        if self.taken.insert(layer.to_lowercase()) {
            return layer;
        }
        let file = source.rsplit('/').next().unwrap_or(source);
        let of_file = format!("{layer}_{}", stem(file));
        let numbered = (2..).map(|number| format!("{of_file}_{number}"));
        std::iter::once(of_file.clone())
            .chain(numbered)
            .find(|name| self.taken.insert(name.to_lowercase()))
            .unwrap_or(of_file)
    }
}

/// Opens the copy as others will, and compares it with the sources.
fn check(
    sources: &[Source],
    layers: &[Copied],
    target: &Path,
) -> Result<Vec<VectorLayer>, CubeError> {
    let format = VectorFormat::GeoPackage;
    let dataset = open(target, format.driver(), format)
        .map_err(|error| CubeError::internal("opening the copy", gdal_words(&error)))?;
    layers
        .iter()
        .map(|copied| {
            let (source, header) = (&sources[copied.source], &copied.header);
            let lost = |reason: String| failed(source, header, reason);
            let found = dataset
                .layer_by_name(&copied.table)
                .map_err(|_| lost("it is not in the copy".to_owned()))?;
            let found = LayerHeader::read(&found).map_err(lost)?;
            if found.features != header.features {
                return Err(lost(format!(
                    "{} of {} features are in the copy",
                    found.features, header.features
                )));
            }
            if found.fields.len() != header.fields.len() {
                return Err(lost(format!(
                    "{} of {} fields are in the copy",
                    found.fields.len(),
                    header.fields.len()
                )));
            }
            if found.crs.is_some() != header.crs.is_some() {
                return Err(lost("its CRS is not in the copy".to_owned()));
            }
            Ok(layer(copied.table.clone(), source, &header.name, &found))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_names_of_their_own() {
        let mut names = TableNames::default();
        let mut choose = |layer: &str, source: &str| names.choose(layer, source);
        assert_eq!(choose("clc18", "a/x.gpkg"), "clc18");
        assert_eq!(choose("CLC18", "b/y.gpkg"), "CLC18_y");
        assert_eq!(choose("clc18", "c/y.shp"), "clc18_y_2");
        assert_eq!(choose("gpkg_contents", "x"), "layer_gpkg_contents");
        assert_eq!(choose("\n \t", "x"), "layer");
        assert_eq!(choose("", "x.gml"), "layer_x");
        assert_eq!(choose("-where", "x"), "layer_-where");
        assert_eq!(choose("_a", "x"), "_a");
        assert_eq!(choose("rivers & \"lakes\"", "x"), "rivers & \"lakes\"");
    }
}
