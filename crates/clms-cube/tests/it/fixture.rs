//! Packages of the factory on disk, cubes of them in memory, and what their pixels must be.

use std::path::Path;
use std::sync::Arc;

use clms_cube::{
    BuildOptions, BuildReport, CancellationToken, CubeError, CubePlan, Dataset, Grid, Package,
};
use clms_factory::RasterSpec;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use tempfile::TempDir;

/// Files of rasters, in `DATA` or in the folder of the specification.
pub(crate) fn write(rasters: &[RasterSpec]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for raster in rasters {
        let folder = dir.path().join(raster.folder.as_deref().unwrap_or("DATA"));
        std::fs::create_dir_all(&folder).unwrap();
        raster.write(&folder).unwrap();
    }
    dir
}

pub(crate) fn add(dir: &TempDir, name: &str, bytes: &[u8]) {
    let path = dir.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

pub(crate) fn plan(dir: &Path, options: &BuildOptions) -> Result<CubePlan, CubeError> {
    clms_cube::plan(&Package::from_dir(dir).unwrap(), options)
}

/// A cube, the store that it is in, and the files that it came from.
pub(crate) struct Built {
    pub(crate) cube: Dataset,
    pub(crate) report: BuildReport,
    pub(crate) store: Arc<InMemory>,
    pub(crate) dir: TempDir,
}

pub(crate) async fn build(rasters: &[RasterSpec]) -> Built {
    build_dir(write(rasters), &BuildOptions::default())
        .await
        .unwrap()
}

pub(crate) async fn build_dir(dir: TempDir, options: &BuildOptions) -> Result<Built, CubeError> {
    let plan = plan(dir.path(), options)?;
    let store = Arc::new(InMemory::new());
    let sink: Arc<dyn ObjectStore> = Arc::clone(&store) as _;
    let report = clms_cube::build(plan, Arc::clone(&sink), &(), &CancellationToken::new()).await?;
    Ok(Built {
        cube: Dataset::open_zarr(sink).await?,
        report,
        store,
        dir,
    })
}

impl Built {
    pub(crate) fn grid(&self, group: &str) -> Grid {
        self.cube.group(group).unwrap().grid.clone().unwrap()
    }

    /// All pixels of a variable.
    pub(crate) async fn pixels(&self, group: &str, variable: &str) -> Vec<f64> {
        let grid = self.grid(group);
        self.cube
            .read_window(group, variable, 0..grid.height, 0..grid.width)
            .await
            .unwrap()
            .pixels
            .to_f64()
    }

    /// Compares all pixels of a variable with the rasters it is made of, in the order of their names.
    pub(crate) async fn assert_mosaic(
        &self,
        group: &str,
        variable: &str,
        rasters: &[RasterSpec],
        band: usize,
        fill: f64,
    ) {
        let found = self.pixels(group, variable).await;
        let expected = mosaic(&self.grid(group), rasters, band, fill);
        let wrong = found
            .iter()
            .zip(&expected)
            .position(|(a, b)| a != b && !(a.is_nan() && b.is_nan()));
        assert_eq!(found.len(), expected.len());
        if let Some(index) = wrong {
            let width = self.grid(group).width as usize;
            let (row, col) = (index / width, index % width);
            panic!(
                "row {row}, column {col}: {} instead of {}",
                found[index], expected[index]
            );
        }
    }
}

/// What the pixels of a grid must be: the first raster with a valid pixel, else fill. Own nodata of a raster is fill.
pub(crate) fn mosaic(grid: &Grid, rasters: &[RasterSpec], band: usize, fill: f64) -> Vec<f64> {
    let mut pixels = vec![fill; (grid.width * grid.height) as usize];
    for raster in rasters {
        let [west, dx, _, north, _, dy] = raster.transform();
        let first_col = ((west - grid.geotransform[0]) / dx).round() as usize;
        let first_row = ((north - grid.geotransform[3]) / dy).round() as usize;
        let nodata = raster
            .nodata
            .as_ref()
            .and_then(|text| text.parse::<f64>().ok());
        for row in 0..raster.height {
            for col in 0..raster.width {
                let (x, y) = raster.centre(col, row);
                let value = raster.band_value_at(band, x, y);
                let pixel = &mut pixels[(first_row + row) * grid.width as usize + first_col + col];
                let is_fill = *pixel == fill || (pixel.is_nan() && fill.is_nan());
                if is_fill && nodata != Some(value) {
                    *pixel = value;
                }
            }
        }
    }
    pixels
}
