//! What errors mean for those who get them: people, machines, and who might try again.

use super::CubeError;

impl CubeError {
    /// Whether the same call can succeed later with the same input.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::DiskFull { .. } | Self::Cancelled => true,
            Self::Range(source) => source.is_retryable(),
            Self::Store { source, .. } => matches!(source, object_store::Error::Generic { .. }),
            _ => false,
        }
    }

    /// A stable word for machines.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NoRaster { .. } => "no_raster",
            Self::VectorOnly { .. } => "vector_only",
            Self::UnreadableVector { .. } => "unreadable_vector",
            Self::VectorCopy { .. } => "vector_copy",
            Self::Unreadable { .. } => "unreadable_raster",
            Self::NoDriver { .. } => "no_driver",
            Self::DamagedPackage { .. } => "damaged_package",
            Self::NotGeoreferenced { .. } => "not_georeferenced",
            Self::NotNorthUp { .. } => "not_north_up",
            Self::AbsurdGeotransform { .. } => "absurd_geotransform",
            Self::TooManyGrids { .. } => "too_many_grids",
            Self::TooManyVariables { .. } => "too_many_variables",
            Self::TooManyTimes { .. } => "too_many_times",
            Self::AbsurdGrid { .. } => "absurd_grid",
            Self::UnsupportedType { .. } => "unsupported_type",
            Self::FillOutOfRange { .. } => "fill_out_of_range",
            Self::FillClash { .. } => "fill_clash",
            Self::NotACube { .. } => "not_a_cube",
            Self::NoSuchGroup { .. } => "no_such_group",
            Self::NoSuchVariable { .. } => "no_such_variable",
            Self::OutOfBounds { .. } => "out_of_bounds",
            Self::WindowTooLarge { .. } => "window_too_large",
            Self::InvalidSelection { .. } => "invalid_selection",
            Self::Range(_) => "range",
            Self::UnknownFormat { .. } => "unknown_format",
            Self::Stack { .. } => "stack",
            Self::Differing { .. } => "differing",
            Self::NoReference { .. } => "no_reference",
            Self::SaveReference { .. } => "save_reference",
            Self::InvalidExport { .. } => "invalid_export",
            Self::FileExists { .. } => "file_exists",
            Self::WriteFile { .. } => "write_file",
            Self::DiskFull { .. } => "disk_full",
            Self::Store { .. } => "store",
            Self::Decode { .. } => "decode",
            Self::Cancelled => "cancelled",
            Self::Internal { .. } => "internal",
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoRaster { .. } => {
                "choose another file of the product: this one holds documents only"
            }
            Self::VectorOnly { .. } => "vector data are kept as files: `vector::build` stores them",
            Self::VectorCopy { .. } => {
                "another format of the product may be sound; --keep-downloads keeps this one for a look"
            }
            Self::Unreadable { .. } | Self::UnreadableVector { .. } => {
                "the file may be damaged: download the package again"
            }
            Self::NoDriver { .. } => {
                "link a GDAL that has one (the one compiled in with the feature bundled-gdal reads TIFF, NetCDF and the usual vector formats), or choose another format of the product"
            }
            Self::DamagedPackage { .. } => "download the package again",
            Self::FillOutOfRange { .. } => "choose a fill value that the data type can hold",
            Self::FillClash { .. } => "choose another fill value",
            Self::FileExists { .. } => "choose another name, or have it replaced (--overwrite)",
            Self::DiskFull { .. } => "make room, or choose another place",
            Self::NotACube { .. } => "build the cube again",
            Self::WindowTooLarge { .. } => {
                "choose a smaller part or a coarser resolution, or read it piece by piece"
            }
            Self::NoSuchGroup { .. } | Self::NoSuchVariable { .. } => {
                "`clms open` shows groups and variables"
            }
            Self::InvalidSelection { .. } => "`clms open` shows extents and times",
            Self::Range(source) => return source.hint().map(str::to_owned),
            Self::Differing { .. } => "open them one by one",
            Self::UnknownFormat { .. } => {
                "servers answer with a page when a file has moved: look where it is now"
            }
            Self::NoReference { .. } => "read it with this library, or export it to another format",
            Self::Decode { .. } => "the cube is damaged: build it again",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
