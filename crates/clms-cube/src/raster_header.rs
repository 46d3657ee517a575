//! What the headers of rasters say.

use std::sync::Arc;

use gdal::Metadata;
use gdal::raster::{GdalDataType, RasterBand};
use gdal::spatial_ref::SpatialRef;
use jiff::Timestamp;

use crate::DataType;
use crate::crs::SourceCrs;
use crate::gdal_source::RasterSource;

/// Metadata items: name and text.
pub(crate) type Items = Vec<(String, String)>;

/// What the header of a raster says.
#[derive(Debug, Clone)]
pub(crate) struct RasterHeader {
    pub(crate) source: RasterSource,
    pub(crate) width: u64,
    pub(crate) height: u64,
    /// The one type of all bands.
    pub(crate) dtype: DataType,
    pub(crate) bands: Vec<BandHeader>,
    /// Bands of the source that come before these.
    pub(crate) bands_before: usize,
    /// When it is of, if it says so itself.
    pub(crate) time: Option<Timestamp>,
    pub(crate) geotransform: Option<[f64; 6]>,
    pub(crate) crs: Option<SourceCrs>,
    /// Width and height of a block.
    pub(crate) block: (usize, usize),
    /// What else it says about itself.
    pub(crate) items: Items,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct BandHeader {
    pub(crate) nodata: Option<f64>,
    pub(crate) description: Option<String>,
    pub(crate) unit: Option<String>,
    pub(crate) scale: Option<f64>,
    pub(crate) offset: Option<f64>,
    /// Pixel value and colour.
    pub(crate) palette: Arc<Vec<(i64, [u8; 3])>>,
    /// What else it says about itself.
    pub(crate) items: Items,
}

impl RasterHeader {
    /// The name that the file gives to what it holds, if its format has names.
    pub(crate) fn variable(&self) -> Option<&str> {
        let mut items = self.bands.first()?.items.iter();
        items
            .find(|(name, _)| name == "NETCDF_VARNAME")
            .map(|(_, name)| name.as_str())
    }

    /// Keeps the palettes of its neighbour in place of its own, where they are the same.
    pub(crate) fn share_palettes(&mut self, neighbour: &Self) {
        for (band, other) in self.bands.iter_mut().zip(&neighbour.bands) {
            if band.palette == other.palette {
                band.palette = Arc::clone(&other.palette);
            }
        }
    }
}

/// The type of a band's pixels; GDAL's name of it when there is none for it here.
pub(crate) fn band_dtype(band: &RasterBand<'_>) -> Result<DataType, String> {
    Ok(match band.band_type() {
        // How GDAL up to 3.6 shows signed bytes.
        GdalDataType::UInt8
            if band
                .metadata_item("PIXELTYPE", "IMAGE_STRUCTURE")
                .as_deref()
                == Some("SIGNEDBYTE") =>
        {
            DataType::Int8
        }
        GdalDataType::UInt8 => DataType::UInt8,
        GdalDataType::UInt16 => DataType::UInt16,
        GdalDataType::Int16 => DataType::Int16,
        GdalDataType::UInt32 => DataType::UInt32,
        GdalDataType::Int32 => DataType::Int32,
        GdalDataType::Float32 => DataType::Float32,
        GdalDataType::Float64 => DataType::Float64,
        // By name: GDAL before 3.7 has no such type, so that it can't be named in code for both.
        other if other.name() == "Int8" => DataType::Int8,
        other => return Err(other.name()),
    })
}

impl BandHeader {
    pub(crate) fn read(band: &RasterBand<'_>) -> Self {
        let text = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let mut palette = Vec::new();
        if let Some(table) = band.color_table() {
            for index in 0..table.entry_count() {
                if let Some(rgba) = table.entry_as_rgb(index) {
                    let channel = |value: i16| value.clamp(0, 255) as u8;
                    palette.push((
                        index as i64,
                        [channel(rgba.r), channel(rgba.g), channel(rgba.b)],
                    ));
                }
            }
        }
        Self {
            nodata: band.no_data_value(),
            description: band.description().ok().and_then(text),
            unit: text(band.unit()),
            scale: band
                .scale()
                .filter(|scale| scale.is_finite() && *scale != 1.0 && *scale != 0.0),
            offset: band
                .offset()
                .filter(|offset| offset.is_finite() && *offset != 0.0),
            palette: Arc::new(palette),
            items: items(band),
        }
    }
}

/// Whether the axes are longitude and latitude, as CF says it. Nothing more is said about the CRS then.
pub(crate) fn has_degrees(items: &Items) -> bool {
    let has_unit = |unit: &str| {
        let mut axes = items.iter().filter(|(name, _)| name.ends_with("#units"));
        axes.any(|(_, text)| text == unit)
    };
    has_unit("degrees_north") && has_unit("degrees_east")
}

pub(crate) fn wgs84() -> Option<SpatialRef> {
    SpatialRef::from_epsg(4326).ok()
}

/// The items of the default domain; those of other domains are for GDAL's own use.
pub(crate) fn items(of: &impl Metadata) -> Items {
    let lines = of.metadata_domain("").unwrap_or_default();
    let item = |line: &String| {
        let (name, value) = line.split_once('=')?;
        Some((name.to_owned(), value.trim().to_owned()))
    };
    lines.iter().filter_map(item).collect()
}
