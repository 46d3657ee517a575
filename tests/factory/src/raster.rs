//! The specification of one raster file.

use std::path::{Path, PathBuf};

use crate::classes::ClassTable;
use crate::error::Result;
use crate::geotiff;
use crate::noise::Row;
use crate::pattern::Pattern;
use crate::sidecars::{self, Sidecar};

/// Data type of the pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DType {
    /// Unsigned byte.
    U8,
    /// Signed byte (the TIFF's SampleFormat is 2): GDAL before 3.7 calls it Byte with `PIXELTYPE=SIGNEDBYTE`, later ones Int8.
    I8,
    /// Unsigned 16 bits.
    U16,
    /// Signed 16 bits.
    I16,
    /// Unsigned 32 bits.
    U32,
    /// Signed 32 bits.
    I32,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

impl DType {
    /// What is stored for a value, as a number: integers are truncated and wrap around.
    #[must_use]
    pub fn cast(self, value: f64) -> f64 {
        let whole = value as i64;
        match self {
            Self::U8 => f64::from(whole as u8),
            Self::I8 => f64::from(whole as i8),
            Self::U16 => f64::from(whole as u16),
            Self::I16 => f64::from(whole as i16),
            Self::U32 => f64::from(whole as u32),
            Self::I32 => f64::from(whole as i32),
            Self::F32 => f64::from(value as f32),
            Self::F64 => value,
        }
    }
}

/// A coordinate reference system, as it is written into a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Crs {
    /// An EPSG code.
    Epsg(u32),
    /// WKT, or whatever else GDAL's `SetFromUserInput` takes.
    Definition(String),
}

/// One raster file: a GeoTIFF with its side-cars.
///
/// ```
/// use clms_factory::{DType, Pattern, RasterSpec};
///
/// let odd = RasterSpec::new("HEIGHT.TIF", 300, 200)
///     .dtype(DType::U16)
///     .nodata("65535")
///     .epsg(32632)
///     .corner(500_000.0, 5_200_000.0, 10.0)
///     .pattern(Pattern::Constant(7.0));
/// assert_eq!(odd.value_at_pixel(0, 0), 7.0);
/// ```
#[derive(Debug, Clone)]
pub struct RasterSpec {
    /// File name, with its ending.
    pub name: String,
    /// Folder within the package's root; `None`: the layout's data folder.
    pub folder: Option<String>,
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// The CRS; `None` writes none.
    pub crs: Option<Crs>,
    /// GDAL's geotransform, in the axis order easting, northing (longitude, latitude): x of the upper left corner, pixel width, row rotation,
    /// y of the upper left corner, column rotation, negative pixel height. `None` writes none (then pixels are the world).
    pub geotransform: Option<[f64; 6]>,
    /// Data type of all bands.
    pub dtype: DType,
    /// The text of the TIFF tag `GDAL_NODATA`, however odd; `None` writes none.
    pub nodata: Option<String>,
    /// What each band shows; at least one.
    pub bands: Vec<Pattern>,
    /// GDAL's name of the compression, such as `LZW`, `DEFLATE` or `NONE`.
    pub compress: String,
    /// Edge of the square tiles, a multiple of 16; `None`: strips.
    pub block: Option<usize>,
    /// Whether the class colours are written as the file's palette (`U8` and `U16` only).
    pub palette: bool,
    /// Factor and offset that GDAL reports for all bands.
    pub scale_offset: Option<(f64, f64)>,
    /// More creation options of GDAL's GTiff driver, such as `PREDICTOR=2`, `SPARSE_OK=TRUE` or `BIGTIFF=YES`.
    pub options: Vec<String>,
    /// Names and colours of the values, for palette and side-cars.
    pub classes: ClassTable,
    /// The files beside it.
    pub sidecars: Vec<Sidecar>,
}

impl RasterSpec {
    /// A plain raster: EPSG:3035, upper left corner 4000000, 3000000, 10 m, unsigned bytes without nodata, LZW, tiles of 256 pixels
    /// (strips when it is smaller than that), [`Pattern::plane`] of 10 m.
    pub fn new(name: impl Into<String>, width: usize, height: usize) -> Self {
        Self {
            name: name.into(),
            folder: None,
            width,
            height,
            crs: Some(Crs::Epsg(3035)),
            geotransform: Some([4_000_000.0, 10.0, 0.0, 3_000_000.0, 0.0, -10.0]),
            dtype: DType::U8,
            nodata: None,
            bands: vec![Pattern::plane(10.0)],
            compress: "LZW".to_owned(),
            block: (width > 256 && height > 256).then_some(256),
            palette: false,
            scale_offset: None,
            options: Vec::new(),
            classes: ClassTable::default(),
            sidecars: Vec::new(),
        }
    }

    /// Puts it in another folder than the layout's data folder.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<String>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Sets the CRS by EPSG code.
    #[must_use]
    pub fn epsg(mut self, code: u32) -> Self {
        self.crs = Some(Crs::Epsg(code));
        self
    }

    /// Sets the CRS, or leaves it out.
    #[must_use]
    pub fn crs(mut self, crs: Option<Crs>) -> Self {
        self.crs = crs;
        self
    }

    /// Sets the upper left corner and the edge of the square pixels, in units of the CRS.
    #[must_use]
    pub fn corner(mut self, left: f64, top: f64, pixel: f64) -> Self {
        self.geotransform = Some([left, pixel, 0.0, top, 0.0, -pixel]);
        self
    }

    /// Sets the whole geotransform, or leaves it out.
    #[must_use]
    pub fn geotransform(mut self, geotransform: Option<[f64; 6]>) -> Self {
        self.geotransform = geotransform;
        self
    }

    /// Sets the data type.
    #[must_use]
    pub fn dtype(mut self, dtype: DType) -> Self {
        self.dtype = dtype;
        self
    }

    /// Sets the text of the nodata tag.
    #[must_use]
    pub fn nodata(mut self, text: impl Into<String>) -> Self {
        self.nodata = Some(text.into());
        self
    }

    /// Sets what the (only) band shows.
    #[must_use]
    pub fn pattern(mut self, pattern: Pattern) -> Self {
        self.bands = vec![pattern];
        self
    }

    /// Adds a band.
    #[must_use]
    pub fn band(mut self, pattern: Pattern) -> Self {
        self.bands.push(pattern);
        self
    }

    /// Sets the compression, by GDAL's name.
    #[must_use]
    pub fn compress(mut self, codec: impl Into<String>) -> Self {
        self.compress = codec.into();
        self
    }

    /// Sets the edge of the tiles, a multiple of 16; `None` for strips.
    #[must_use]
    pub fn block(mut self, block: Option<usize>) -> Self {
        self.block = block;
        self
    }

    /// Writes the class colours as the file's palette, too.
    #[must_use]
    pub fn palette(mut self) -> Self {
        self.palette = true;
        self
    }

    /// Sets factor and offset of all bands.
    #[must_use]
    pub fn scale_offset(mut self, scale: f64, offset: f64) -> Self {
        self.scale_offset = Some((scale, offset));
        self
    }

    /// Adds a creation option of GDAL's GTiff driver.
    #[must_use]
    pub fn option(mut self, option: impl Into<String>) -> Self {
        self.options.push(option.into());
        self
    }

    /// Sets the names and colours of the values.
    #[must_use]
    pub fn classes(mut self, classes: ClassTable) -> Self {
        self.classes = classes;
        self
    }

    /// Adds a file beside it.
    #[must_use]
    pub fn sidecar(mut self, sidecar: Sidecar) -> Self {
        self.sidecars.push(sidecar);
        self
    }

    /// Sets all the files beside it.
    #[must_use]
    pub fn sidecars(mut self, sidecars: Vec<Sidecar>) -> Self {
        self.sidecars = sidecars;
        self
    }

    /// The geotransform, or that of bare pixels.
    #[must_use]
    pub fn transform(&self) -> [f64; 6] {
        self.geotransform.unwrap_or([0.0, 1.0, 0.0, 0.0, 0.0, 1.0])
    }

    /// The world coordinate of a pixel's centre.
    #[must_use]
    pub fn centre(&self, col: usize, row: usize) -> (f64, f64) {
        let gt = self.transform();
        let (c, r) = (col as f64 + 0.5, row as f64 + 0.5);
        // A left-out zero term does not change a sum, so this agrees with `fill_row` to the last bit.
        (gt[0] + c * gt[1] + r * gt[2], gt[3] + c * gt[4] + r * gt[5])
    }

    /// The outer edges `[west, south, east, north]` (the hull, when rotated).
    #[must_use]
    pub fn bounds(&self) -> [f64; 4] {
        let gt = self.transform();
        let (w, h) = (self.width as f64, self.height as f64);
        let corners = [(0.0, 0.0), (w, 0.0), (0.0, h), (w, h)];
        let xs = corners.map(|(c, r)| gt[0] + c * gt[1] + r * gt[2]);
        let ys = corners.map(|(c, r)| gt[3] + c * gt[4] + r * gt[5]);
        let min = |v: &[f64; 4]| v.iter().copied().fold(f64::INFINITY, f64::min);
        let max = |v: &[f64; 4]| v.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        [min(&xs), min(&ys), max(&xs), max(&ys)]
    }

    /// The stored value of the first band at a pixel.
    #[must_use]
    pub fn value_at_pixel(&self, col: usize, row: usize) -> f64 {
        let (x, y) = self.centre(col, row);
        self.value_at(x, y)
    }

    /// The stored value of the first band at a pixel centre's world coordinate.
    #[must_use]
    pub fn value_at(&self, x: f64, y: f64) -> f64 {
        self.band_value_at(0, x, y)
    }

    /// The stored value of a band (counted from 0) at a pixel centre's world coordinate; NaN when there is no such band.
    #[must_use]
    pub fn band_value_at(&self, band: usize, x: f64, y: f64) -> f64 {
        let pattern = self.bands.get(band);
        pattern.map_or(f64::NAN, |pattern| self.dtype.cast(pattern.value_at(x, y)))
    }

    /// One row of a band, before the cast to the data type.
    pub(crate) fn fill_row(
        &self,
        band: &Pattern,
        row: usize,
        out: &mut [f64],
        scratch: &mut Vec<f64>,
    ) {
        let gt = self.transform();
        if gt[2] == 0.0 && gt[4] == 0.0 {
            let row = Row {
                origin: gt[0],
                step: gt[1],
                first: 0,
                y: gt[3] + (row as f64 + 0.5) * gt[5],
            };
            band.fill(&row, out, scratch);
        } else {
            for (col, value) in out.iter_mut().enumerate() {
                let (x, y) = self.centre(col, row);
                *value = band.value_at(x, y);
            }
        }
    }

    /// Writes the raster and its side-cars into a folder and returns the raster's path.
    ///
    /// # Errors
    /// When a file cannot be written, or GDAL refuses the raster.
    pub fn write(&self, dir: &Path) -> Result<PathBuf> {
        let path = dir.join(&self.name);
        let statistics = geotiff::write(self, &path)?;
        sidecars::write_all(self, &path, &statistics)?;
        Ok(path)
    }
}
