//! For `fuzz/`, which sees public items only: the readers of side-cars as the planner calls them.

use crate::Class;
use crate::aux_xml::{AuxXml, world_file};
use crate::classes::{self, SideCarFormat};

/// A kind of side-car.
#[derive(Debug, Clone, Copy)]
pub enum SideCarKind {
    /// An attribute table in dBASE III.
    Dbf,
    /// GDAL's `.aux.xml`.
    AuxXml,
    /// `.clr` and QGIS colour maps, QML and SLD.
    Legend,
    /// A world file.
    WorldFile,
}

impl SideCarKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Dbf, Self::AuxXml, Self::Legend, Self::WorldFile];

    /// The classes that these bytes give; none for bytes that are no such file.
    #[must_use]
    pub fn classes(self, bytes: &[u8]) -> Vec<Class> {
        let format = match self {
            Self::Dbf => SideCarFormat::Dbf,
            Self::AuxXml => {
                let _ = AuxXml::parse(&classes::decode_text(bytes));
                SideCarFormat::AuxXml
            }
            Self::Legend => SideCarFormat::Legend,
            Self::WorldFile => {
                let _ = world_file(&classes::decode_text(bytes));
                return Vec::new();
            }
        };
        classes::merge(&[format.classes(bytes).unwrap_or_default()])
    }
}

/// The words that the classes become in `flag_meanings`.
#[must_use]
pub fn flag_meanings(classes: &[Class]) -> Vec<String> {
    crate::metadata::flag_meanings(classes)
}
