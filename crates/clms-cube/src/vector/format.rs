//! Which files of a package are vector data sets, told by their names.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::package::folder;
use crate::{CubeError, gdal_version};

/// The formats in which CLMS delivers vector data, and their neighbours.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum VectorFormat {
    /// An Esri file geodatabase: a folder `*.gdb` of tables.
    FileGeodatabase,
    /// A GeoPackage: one SQLite file.
    GeoPackage,
    /// An Esri Shapefile: a `.shp` with its side-cars.
    Shapefile,
    /// A FlatGeobuf file.
    FlatGeobuf,
    /// A GeoJSON file.
    GeoJson,
    /// A GML file, with its schema if there is one.
    Gml,
    /// A (Geo)Parquet file.
    Parquet,
}

/// The tables of a file geodatabase.
const GDB_TABLE: &str = ".gdbtable";

impl VectorFormat {
    /// Endings of the main file, in lower case; a file geodatabase has none.
    fn endings(self) -> &'static [&'static str] {
        match self {
            Self::FileGeodatabase => &[],
            Self::GeoPackage => &[".gpkg"],
            Self::Shapefile => &[".shp"],
            Self::FlatGeobuf => &[".fgb"],
            Self::GeoJson => &[".geojson"],
            Self::Gml => &[".gml"],
            Self::Parquet => &[".parquet", ".geoparquet"],
        }
    }

    /// Endings of the files beside the main one that belong to it, in lower case.
    pub(super) fn side_cars(self) -> &'static [&'static str] {
        match self {
            Self::Shapefile => &[
                ".shx", ".dbf", ".prj", ".cpg", ".qpj", ".cst", ".sbn", ".sbx", ".qix",
            ],
            Self::Gml => &[".xsd"],
            _ => &[],
        }
    }

    /// GDAL's name of the driver that reads it.
    pub(super) fn driver(self) -> &'static str {
        match self {
            Self::FileGeodatabase => "OpenFileGDB",
            Self::GeoPackage => "GPKG",
            Self::Shapefile => "ESRI Shapefile",
            Self::FlatGeobuf => "FlatGeobuf",
            Self::GeoJson => "GeoJSON",
            Self::Gml => "GML",
            Self::Parquet => "Parquet",
        }
    }

    /// The format of a file, and the name of its data set: that of the file, or of the folder of a file geodatabase.
    fn of(name: &str) -> Option<(Self, &str)> {
        let lower = name.to_ascii_lowercase();
        if lower.ends_with(GDB_TABLE) {
            return Some((Self::FileGeodatabase, folder(name)));
        }
        [
            Self::GeoPackage,
            Self::Shapefile,
            Self::FlatGeobuf,
            Self::GeoJson,
            Self::Gml,
            Self::Parquet,
        ]
        .into_iter()
        .find(|format| {
            format
                .endings()
                .iter()
                .any(|ending| lower.ends_with(ending))
        })
        .map(|format| (format, name))
    }

    /// Whether a file of that name is a vector data set, or a table of one.
    pub(crate) fn is_vector(name: &str) -> bool {
        Self::of(name).is_some()
    }
}

impl fmt::Display for VectorFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

impl VectorFormat {
    /// What people call it.
    fn label(self) -> &'static str {
        match self {
            Self::FileGeodatabase => "Esri file geodatabase",
            Self::GeoPackage => "GeoPackage",
            Self::Shapefile => "Shapefile",
            Self::FlatGeobuf => "FlatGeobuf",
            Self::GeoJson => "GeoJSON",
            Self::Gml => "GML",
            Self::Parquet => "Parquet",
        }
    }

    pub(super) fn no_driver(self, file: &str) -> CubeError {
        CubeError::NoDriver {
            file: file.to_owned(),
            format: self.label(),
            drivers: self.driver().to_owned(),
            gdal: gdal_version(),
        }
    }
}

/// A vector data set among the files of a package.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The name of the main file or folder inside the package; empty for a file geodatabase whose tables lie at the root.
    pub(super) name: String,
    pub(super) format: VectorFormat,
    /// The positions of its files among the names.
    pub(super) files: Vec<usize>,
}

/// All vector data sets among files of these names, sorted by name.
pub(super) fn find(names: &[&str]) -> Vec<Found> {
    let mut found: BTreeMap<(&str, VectorFormat), Vec<usize>> = BTreeMap::new();
    for (index, name) in names.iter().enumerate() {
        if let Some((format, name)) = VectorFormat::of(name) {
            found.entry((name, format)).or_default().push(index);
        }
    }
    found
        .into_iter()
        .map(|((name, format), mut files)| {
            let all = names.iter().enumerate();
            match format {
                VectorFormat::FileGeodatabase => {
                    let prefix = if name.is_empty() {
                        String::new()
                    } else {
                        format!("{name}/")
                    };
                    // Beside the tables: indexes, and a few files without an ending.
                    files = all
                        .filter(|(_, file)| {
                            file.strip_prefix(&prefix)
                                .is_some_and(|rest| !rest.contains('/'))
                        })
                        .map(|(index, _)| index)
                        .collect();
                }
                _ => files.extend(
                    all.filter(|(_, file)| {
                        let stem = stem(name);
                        file.get(..stem.len())
                            .is_some_and(|start| start.eq_ignore_ascii_case(stem))
                            && format
                                .side_cars()
                                .contains(&file[stem.len()..].to_ascii_lowercase().as_str())
                    })
                    .map(|(index, _)| index),
                ),
            }
            Found {
                name: name.to_owned(),
                format,
                files,
            }
        })
        .collect()
}

/// A name without its last ending.
pub(super) fn stem(name: &str) -> &str {
    let file = name.rfind('/').map_or(0, |slash| slash + 1);
    match name.rfind('.') {
        Some(dot) if dot > file => &name[..dot],
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(names: &[&str]) -> Vec<(String, VectorFormat, Vec<String>)> {
        find(names)
            .into_iter()
            .map(|found| {
                let files = found.files.iter().map(|index| names[*index].to_owned());
                (found.name, found.format, files.collect())
            })
            .collect()
    }

    #[test]
    fn each_format_with_all_of_its_files() {
        let names = [
            "X/DATA/clc.gdb/a00000001.gdbtable",
            "X/DATA/clc.gdb/a00000001.gdbtablx",
            "X/DATA/clc.gdb/gdb",
            "X/DATA/Ünits.SHP",
            "X/DATA/Ünits.dbf",
            "X/DATA/ünits_other.dbf",
            "X/DATA/Ünits.Cpg",
            "X/DATA/b.gpkg",
            "X/readme.txt",
            "X/DATA/raster.tif.vat.dbf",
        ];
        let text = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let expected: [(String, VectorFormat, Vec<String>); 3] = [
            (
                names[7].to_owned(),
                VectorFormat::GeoPackage,
                text(&names[7..8]),
            ),
            (
                "X/DATA/clc.gdb".to_owned(),
                VectorFormat::FileGeodatabase,
                text(&names[..3]),
            ),
            (
                names[3].to_owned(),
                VectorFormat::Shapefile,
                text(&[names[3], names[4], names[6]]),
            ),
        ];
        assert_eq!(found(&names), expected);
    }

    #[test]
    fn a_geodatabase_whose_folder_is_named_otherwise() {
        let names = ["a00000001.gdbtable", "a00000001.gdbtablx", "timestamps"];
        assert_eq!(
            found(&names),
            [(
                String::new(),
                VectorFormat::FileGeodatabase,
                names.map(str::to_owned).to_vec()
            )]
        );
        assert_eq!(found(&["d/e/a00000001.gdbtable", "d/x.txt"])[0].0, "d/e");
    }

    #[test]
    fn other_files_are_none() {
        assert!(found(&["a.tif", "b.shp.xml", "c.gpkg.txt", "d.gdbx/e", "f.json"]).is_empty());
    }
}
