//! Where pixels lie, told by coordinates.

use super::source::{Request, Source};
use super::{ArrayStructure, GroupStructure};
use crate::{Crs, CubeError, Grid};

/// Steps between coordinates may differ by this part: they are often written with single precision.
const TOLERANCE: f64 = 0.05;

/// Places a group by the coordinates of its last two dimensions, of which three values each are read. What the attributes say holds where
/// it agrees with them: GDAL writes a north-up geotransform beside rows that run from south to north. Blocks.
pub(super) fn place(source: &dyn Source, group: &mut GroupStructure) -> Result<(), CubeError> {
    let dims = group
        .widest()
        .filter(|variable| variable.dims.len() >= 2)
        .map(|variable| variable.dims[variable.dims.len() - 2..].to_vec());
    let Some([y, x]) = dims.as_deref() else {
        return Ok(());
    };
    let find = |name: &String| group.coordinates.iter().find(|known| known.name == *name);
    let (Some(y), Some(x)) = (find(y), find(x)) else {
        return Ok(());
    };
    let crs = group
        .crs()
        .or_else(|| is_longitude_latitude(y, x).then(|| Crs::from_definition("EPSG:4326"))?);
    let axes = (Axis::read(source, group, y)?, Axis::read(source, group, x)?);
    let (Some(crs), (Some(y), Some(x))) = (crs, axes) else {
        group.grid = None;
        return Ok(());
    };
    let told = group.grid.take();
    group.grid = (x.step > 0.0).then(|| Grid {
        crs,
        geotransform: [x.edge(), x.step, 0.0, y.edge(), 0.0, y.step],
        width: x.size,
        height: y.size,
    });
    if let (Some(told), Some(found)) = (told, &group.grid)
        && agree(&told, found)
    {
        group.grid = Some(told);
    }
    Ok(())
}

/// Whether no pixel lies elsewhere by more than a small part of it.
fn agree(a: &Grid, b: &Grid) -> bool {
    let corners = |grid: &Grid| {
        let [west, dx, _, north, _, dy] = grid.geotransform;
        [
            west,
            west + dx * grid.width as f64,
            north,
            north + dy * grid.height as f64,
        ]
    };
    let [dx, dy] = b.pixel_size();
    corners(a)
        .iter()
        .zip(corners(b))
        .zip([dx, dx, dy, dy])
        .all(|((a, b), pixel)| (a - b).abs() <= pixel * TOLERANCE)
}

fn is_longitude_latitude(y: &ArrayStructure, x: &ArrayStructure) -> bool {
    y.units().is_some_and(|units| units.starts_with("degree"))
        && x.units().is_some_and(|units| units.starts_with("degree"))
}

/// Evenly spaced coordinates of pixel centres.
struct Axis {
    first: f64,
    step: f64,
    size: u64,
}

impl Axis {
    /// `None` when they are too few or not evenly spaced.
    fn read(
        source: &dyn Source,
        group: &GroupStructure,
        coordinate: &ArrayStructure,
    ) -> Result<Option<Self>, CubeError> {
        let [size] = coordinate.shape[..] else {
            return Ok(None);
        };
        if size < 2 {
            return Ok(None);
        }
        let read = |range: std::ops::Range<u64>| {
            let pixels = source.read(Request {
                group: &group.path,
                array: coordinate,
                ranges: &[range],
            })?;
            Ok::<_, CubeError>(super::Decoding::of(coordinate).values(&pixels))
        };
        let (start, end) = (read(0..2)?, read(size - 1..size)?);
        let [first, second] = start[..] else {
            return Ok(None);
        };
        let step = (end[0] - first) / (size - 1) as f64;
        // Not `>`: NaN must give none.
        let even = ((second - first) - step).abs() <= step.abs() * TOLERANCE && step != 0.0;
        Ok(even.then_some(Self { first, step, size }))
    }

    fn edge(&self) -> f64 {
        self.first - self.step / 2.0
    }
}
