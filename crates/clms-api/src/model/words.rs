//! Words of the portal that come from short lists: one enum for each list, and every one
//! holds a word that is not on it.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! words {
    (
        $(#[$doc:meta])*
        $name:ident {
            $( $(#[$variant_doc:meta])* $variant:ident = $word:literal, )+
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$variant_doc])* $variant, )+
            /// A word that this crate does not know, as the portal spells it.
            Unknown(String),
        }

        impl $name {
            /// The words that this crate knows.
            pub const KNOWN: &'static [&'static str] = &[$( $word, )+];

            /// The portal's spelling.
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $word, )+
                    Self::Unknown(word) => word,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word.trim() {
                    $( $word => Self::$variant, )+
                    other => Self::Unknown(other.to_owned()),
                }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                Self::from(word.as_str())
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> Self {
                word.as_str().to_owned()
            }
        }
    };
}

words! {
    /// Where the portal takes a dataset's bytes from (`full_source`, `source`).
    Source {
        /// The agency's own store: prepackaged files, and subsets that its engine cuts.
        Eea = "EEA",
        /// The former global land service; the portal moved its data to CDSE.
        Legacy = "LEGACY",
        /// The Copernicus Data Space Ecosystem.
        Cdse = "CDSE",
        /// CDSE, with a list of products in a CSV file.
        CdseCsv = "CDSE_CSV",
        /// WEkEO; the query is in `wekeo_choices`.
        Wekeo = "WEKEO",
        /// The global land cover bucket, closed since June 2025.
        Landcover = "LANDCOVER",
        /// The global hot spots.
        Hotspots = "HOTSPOTS",
        /// GeoTIFF files at VITO.
        VitoGeotiff = "VITO_geotiff",
        /// Land cover GeoTIFF files at VITO.
        VitoGeotiffLandCover = "VITO_Geotiff_LandCover",
        /// Land surface phenology GeoTIFF files at VITO.
        VitoGeotiffLsp = "VITO_Geotiff_LSP",
    }
}

words! {
    /// A file format, spelled as the portal's format conversion table does.
    Format {
        /// GeoTIFF.
        Geotiff = "Geotiff",
        /// NetCDF.
        Netcdf = "Netcdf",
        /// ESRI file geodatabase.
        Gdb = "GDB",
        /// ESRI shapefile.
        Shapefile = "Shapefile",
        /// GeoPackage.
        Gpkg = "GPKG",
        /// GeoJSON.
        Geojson = "Geojson",
        /// Geography Markup Language.
        Gml = "GML",
        /// Web feature service.
        Wfs = "WFS",
    }
}

words! {
    /// What a prepackaged file holds.
    FileKind {
        /// Rasters.
        Raster = "Raster",
        /// Vectors.
        Vector = "Vector",
    }
}

words! {
    /// The status of a download task. The portal compares case: `QUEUED` is not `Queued` but
    /// the word on the child of a CDSE task, which never leaves it.
    TaskStatus {
        /// Waits for the engine.
        Queued = "Queued",
        /// The engine works on it.
        InProgress = "In_progress",
        /// Done; the task has a link.
        FinishedOk = "Finished_ok",
        /// Failed; the task may have a message.
        FinishedNok = "Finished_nok",
        /// Cancelled. The portal also sets this when a finished task is deleted.
        Cancelled = "Cancelled",
        /// Refused by the engine.
        Rejected = "Rejected",
    }
}

words! {
    /// The part that a task plays in a CDSE request.
    CdseRole {
        /// The task to watch.
        Parent = "parent",
        /// One batch of it; its status stays `QUEUED` for ever.
        Child = "child",
    }
}
