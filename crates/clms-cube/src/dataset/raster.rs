//! GeoTIFFs, local or remote, read by GDAL.
//!
//! Each band is a variable (CLMS names bands, and files with several hold different measures), each overview that GDAL finds a group
//! `overview_1`, `overview_2`, ... of the same variables.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use gdal::raster::RasterBand;
use serde_json::{Map, Value, json};

use super::source::{Request, Source};
use super::{ArrayStructure, DatasetStructure, GroupStructure};
use crate::crs::SourceCrs;
use crate::dtype::{Element, SourceWindow, each_pixels, with_element};
use crate::gdal_source::{LocalConfig, open_gdal};
use crate::metadata::flags;
use crate::range::{FileBytes, VsiFile};
use crate::raster_format::RasterFormat;
use crate::raster_header::{BandHeader, band_dtype};
use crate::reference::StoredArray;
use crate::tiff;
use crate::{Class, CubeError, DataType, Grid, Pixels};

/// Opened datasets that are kept; more exist only while more threads read.
const KEPT_OPEN: usize = 4;

/// Names of the dimensions.
const DIMS: [&str; 2] = ["y", "x"];

/// A raster as a source of pixels.
pub(super) struct RasterSource {
    file: Arc<FileBytes>,
    vsi: VsiFile,
    /// GDAL's datasets, each of which one thread may use at a time.
    idle: Mutex<Vec<gdal::Dataset>>,
    /// Names of the bands, in their order.
    names: Vec<String>,
}

impl fmt::Debug for RasterSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RasterSource")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

/// Reads the header; no pixel. A variable's name is that of its band, or `variable` if there is one band only. Blocks.
pub(super) fn open(
    file: Arc<FileBytes>,
    variable: Option<&str>,
) -> Result<(DatasetStructure, RasterSource), CubeError> {
    let vsi = VsiFile::new(Arc::clone(&file))
        .ok_or_else(|| CubeError::internal("adding a file system to GDAL", "refused"))?;
    let mut source = RasterSource {
        file,
        vsi,
        idle: Mutex::default(),
        names: Vec::new(),
    };
    let dataset = source.dataset()?;
    let headers = source.headers(&dataset, variable)?;
    let mut root = source.level(&dataset, &headers, None)?;
    let levels = (0..headers.overviews)
        .filter_map(|number| source.level(&dataset, &headers, Some(number)).ok());
    root.overviews = levels.collect();
    source.names = headers.bands.into_iter().map(|band| band.name).collect();
    source.file.check()?;
    source.keep(dataset);
    let structure = DatasetStructure {
        attributes: root.attributes.clone(),
        groups: vec![root],
    };
    Ok((structure, source))
}

/// What the header says of all levels.
struct Headers {
    bands: Vec<Band>,
    overviews: usize,
    crs: Option<crate::Crs>,
    geotransform: Option<[f64; 6]>,
    size: [u64; 2],
}

struct Band {
    name: String,
    dtype: DataType,
    fill: Option<f64>,
    attributes: Map<String, Value>,
}

impl Source for RasterSource {
    fn read(&self, request: Request<'_>) -> Result<Pixels, CubeError> {
        let [rows, cols] = request.ranges else {
            return Err(self.unreadable("rasters have two dimensions"));
        };
        let dataset = self.dataset()?;
        let pixels = self.pixels(&dataset, &request, rows, cols);
        // After an error the dataset is not kept: GDAL remembers blocks that it could not read.
        let pixels = pixels.map_err(|error| self.failed(&error))?;
        self.file.check()?;
        self.keep(dataset);
        Ok(pixels)
    }

    fn files(&self) -> Vec<&str> {
        vec![self.file.name()]
    }

    fn stored(
        &self,
        _file: usize,
        group: &str,
        array: &ArrayStructure,
    ) -> Result<StoredArray, CubeError> {
        let refused = |reason| CubeError::NoReference {
            file: self.file.name().to_owned(),
            array: array.name.clone(),
            reason,
        };
        let band = self.names.iter().position(|name| *name == array.name);
        let stored = match (band, &array.shape[..]) {
            (Some(band), [height, width]) if overview_number(group).is_none() => tiff::stored(
                &mut &*self.file,
                [*height, *width],
                array.dtype,
                self.names.len(),
                band,
            ),
            _ => Err("it is no band of the full resolution".to_owned()),
        };
        self.file.check()?;
        let (mut stored, last_strip) = stored.map_err(refused)?;
        if let Some(strip) = last_strip {
            let ranges = [strip.rows.clone(), 0..array.shape[1]];
            let pixels = self.read(Request {
                group,
                array,
                ranges: &ranges,
            })?;
            let bytes = each_pixels!(&pixels, values => Element::bytes(values).to_vec());
            stored.chunks.push(strip.chunk(bytes).map_err(refused)?);
        }
        Ok(stored)
    }
}

impl RasterSource {
    fn pixels(
        &self,
        dataset: &gdal::Dataset,
        request: &Request<'_>,
        rows: &Range<u64>,
        cols: &Range<u64>,
    ) -> gdal::errors::Result<Pixels> {
        let number = self
            .names
            .iter()
            .position(|name| *name == request.array.name);
        let mut band = dataset.rasterband(number.map_or(0, |number| number + 1))?;
        if let Some(overview) = overview_number(request.group) {
            band = band.overview(overview)?;
        }
        let window = SourceWindow {
            col: cols.start as usize,
            row: rows.start as usize,
            width: (cols.end - cols.start) as usize,
            height: (rows.end - rows.start) as usize,
        };
        let dtype = request.array.dtype;
        with_element!(dtype, T => {
            let mut pixels = vec![T::from_f64(0.0); window.width * window.height];
            T::read(&band, window, &mut pixels)?;
            Ok(T::pixels(pixels))
        })
    }

    /// An idle dataset, or one more. Its header is in the file's cache.
    fn dataset(&self) -> Result<gdal::Dataset, CubeError> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        if let Some(dataset) = idle {
            return Ok(dataset);
        }
        let _config = LocalConfig::without_side_cars();
        open_gdal(&self.vsi.path(), RasterFormat::Tiff).map_err(|error| self.failed(&error))
    }

    fn keep(&self, dataset: gdal::Dataset) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT_OPEN {
            idle.push(dataset);
        }
    }

    /// The reader's own failure if there was one, else GDAL's words.
    fn failed(&self, error: &gdal::errors::GdalError) -> CubeError {
        match (self.file.take_failure(), error) {
            (Some(failure), _) => failure.into(),
            (None, gdal::errors::GdalError::CplError { msg, .. })
            | (None, gdal::errors::GdalError::NullPointer { msg, .. })
                if !msg.is_empty() =>
            {
                let path = self.vsi.path();
                self.unreadable(&msg.replace(&*path.to_string_lossy(), self.file.name()))
            }
            (None, error) => self.unreadable(&error.to_string()),
        }
    }

    fn unreadable(&self, reason: &str) -> CubeError {
        CubeError::Unreadable {
            file: self.file.name().to_owned(),
            reason: reason.to_owned(),
        }
    }

    fn headers(
        &self,
        dataset: &gdal::Dataset,
        variable: Option<&str>,
    ) -> Result<Headers, CubeError> {
        let count = dataset.raster_count();
        let mut bands: Vec<Band> = Vec::with_capacity(count);
        let mut overviews = 0;
        let mut taken = HashSet::new();
        for number in 1..=count {
            let band = dataset
                .rasterband(number)
                .map_err(|error| self.failed(&error))?;
            let dtype = band_dtype(&band).map_err(|dtype| CubeError::UnsupportedType {
                file: self.file.name().to_owned(),
                dtype,
            })?;
            if number == 1 {
                let found = band.overview_count().unwrap_or(0);
                overviews = usize::try_from(found).unwrap_or(0);
            }
            let header = BandHeader::read(&band);
            let mut name = match variable.filter(|_| count == 1) {
                Some(name) => name.to_owned(),
                None => header
                    .description
                    .clone()
                    .unwrap_or_else(|| format!("band_{number}")),
            };
            while !taken.insert(name.clone()) {
                name = format!("{name}_{number}");
            }
            let fill = header.nodata.filter(|nodata| dtype.holds(*nodata));
            bands.push(Band {
                attributes: attributes(&header, fill),
                name,
                dtype,
                fill,
            });
        }
        if bands.is_empty() {
            return Err(self.unreadable("no bands"));
        }
        let crs = dataset.spatial_ref().ok();
        let crs = crs.and_then(|srs| SourceCrs::new(srs).identified().to_crs().ok());
        let (width, height) = dataset.raster_size();
        Ok(Headers {
            bands,
            overviews,
            crs: crs.filter(|crs| !crs.wkt.is_empty()),
            geotransform: dataset.geo_transform().ok(),
            size: [height as u64, width as u64],
        })
    }

    /// The group of full resolution, or of an overview.
    fn level(
        &self,
        dataset: &gdal::Dataset,
        headers: &Headers,
        overview: Option<usize>,
    ) -> Result<GroupStructure, CubeError> {
        let mut arrays = Vec::with_capacity(headers.bands.len());
        for (number, known) in (1..).zip(&headers.bands) {
            let at = |band: RasterBand<'_>| -> gdal::errors::Result<_> {
                let block = band.block_size();
                Ok(([band.y_size() as u64, band.x_size() as u64], block))
            };
            let band = dataset.rasterband(number);
            let found = match overview {
                None => band.and_then(at),
                Some(overview) => band.and_then(|band| at(band.overview(overview)?)),
            };
            let (shape, (block_width, block_height)) =
                found.map_err(|error| self.failed(&error))?;
            arrays.push(ArrayStructure {
                name: known.name.clone(),
                dtype: known.dtype,
                dims: DIMS.map(str::to_owned).to_vec(),
                shape: shape.to_vec(),
                chunks: vec![block_height.max(1) as u64, block_width.max(1) as u64],
                shards: None,
                fill_value: known.fill,
                attributes: known.attributes.clone(),
            });
        }
        let path = overview.map_or(String::new(), |number| format!("{OVERVIEW}{}", number + 1));
        let shape = arrays.first().map(|array| array.shape.clone());
        let mut group = GroupStructure::new(&path, Map::new(), arrays);
        if let Some([height, width]) = shape.as_deref() {
            group.grid = headers.grid([*height, *width]);
        }
        Ok(group)
    }
}

const OVERVIEW: &str = "overview_";

/// Which of GDAL's overviews a group stands for.
fn overview_number(group: &str) -> Option<usize> {
    let number: usize = group.strip_prefix(OVERVIEW)?.parse().ok()?;
    number.checked_sub(1)
}

impl Headers {
    /// Where the pixels of a level lie: the whole, divided by its size. `None` for rotated rasters and those without a CRS.
    fn grid(&self, [height, width]: [u64; 2]) -> Option<Grid> {
        let [west, dx, rotated_x, north, rotated_y, dy] = self.geotransform?;
        let numbers = [west, dx, north, dy];
        let is_placed = dx > 0.0
            && dy != 0.0
            && rotated_x == 0.0
            && rotated_y == 0.0
            && numbers.iter().all(|number| number.is_finite());
        Some(Grid {
            crs: self.crs.clone().filter(|_| is_placed)?,
            geotransform: [
                west,
                dx * (self.size[1] as f64 / width as f64),
                0.0,
                north,
                0.0,
                dy * (self.size[0] as f64 / height as f64),
            ],
            width,
            height,
        })
    }
}

/// CF attributes of a band.
fn attributes(header: &BandHeader, fill: Option<f64>) -> Map<String, Value> {
    let mut attributes = Map::new();
    let optional = [
        (
            "long_name",
            header.description.as_ref().map(|text| json!(text)),
        ),
        ("units", header.unit.as_ref().map(|text| json!(text))),
        ("scale_factor", header.scale.map(|number| json!(number))),
        ("add_offset", header.offset.map(|number| json!(number))),
        ("_FillValue", fill.map(|number| json!(number))),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            attributes.insert(name.to_owned(), value);
        }
    }
    // Unused entries of a palette are black.
    let classes: Vec<Class> = header
        .palette
        .iter()
        .filter(|(value, colour)| *colour != [0; 3] && Some(*value as f64) != fill)
        .map(|(value, colour)| Class {
            value: *value,
            name: None,
            colour: Some(*colour),
        })
        .collect();
    if !classes.is_empty() {
        attributes.extend(flags(&classes));
    }
    attributes
}
