//! Vector packages: what is kept of them, and what is said of those that can't be kept.

mod damaged;
mod formats;
mod keeping;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use clms_cube::vector::{self, VectorOptions, VectorPackage, VectorReport};
use clms_cube::{CancellationToken, CubeError, Package, Provenance};
use clms_factory::VectorSpec;
use gdal::Dataset as Opened;
use gdal::vector::LayerAccess;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use tempfile::TempDir;

/// A package in a folder, where it is kept, and a folder for temporary files.
pub(super) struct Kept {
    pub(super) package: TempDir,
    pub(super) store: TempDir,
    pub(super) scratch: TempDir,
}

impl Kept {
    pub(super) fn of(specs: &[VectorSpec]) -> Self {
        let kept = Self {
            package: TempDir::new().unwrap(),
            store: TempDir::new().unwrap(),
            scratch: TempDir::new().unwrap(),
        };
        fs::create_dir(kept.data()).unwrap();
        for spec in specs {
            spec.write(&kept.data()).unwrap();
        }
        kept
    }

    pub(super) fn data(&self) -> PathBuf {
        self.package.path().join("DATA")
    }

    pub(super) fn options(&self) -> VectorOptions {
        VectorOptions {
            provenance: Provenance {
                source_file: Some("the_file".to_owned()),
                title: Some("A title".to_owned()),
                ..Provenance::default()
            },
            ..VectorOptions::new(self.scratch.path())
        }
    }

    pub(super) fn sink(&self) -> Arc<dyn ObjectStore> {
        Arc::new(LocalFileSystem::new_with_prefix(self.store.path()).unwrap())
    }

    pub(super) async fn build(&self) -> Result<VectorReport, CubeError> {
        let package = Package::from_dir(self.package.path()).unwrap();
        let report = self.build_of(&package, self.options()).await;
        assert_eq!(
            fs::read_dir(self.scratch.path()).unwrap().count(),
            0,
            "temporary files are left behind"
        );
        report
    }

    pub(super) async fn build_of(
        &self,
        package: &Package,
        options: VectorOptions,
    ) -> Result<VectorReport, CubeError> {
        let cancel = CancellationToken::new();
        vector::build(package, options, self.sink(), &(), &cancel).await
    }

    /// What is kept, by what its own metadata say.
    pub(super) async fn described(&self) -> VectorPackage {
        let report = self.build().await.unwrap();
        let cube = clms_cube::Dataset::open_zarr(self.sink()).await.unwrap();
        let described = cube.vector().unwrap();
        assert_eq!(described, report.package);
        described
    }

    pub(super) fn copy(&self) -> Opened {
        Opened::open(self.store.path().join("the_file.gpkg")).unwrap()
    }
}

/// All values of a layer as texts, by the names of the fields, and its geometries as WKT.
pub(super) fn rows(dataset: &Opened, layer: &str) -> Vec<Vec<(String, String)>> {
    let mut layer = dataset.layer_by_name(layer).unwrap();
    layer
        .features()
        .map(|feature| {
            let geometry = feature.geometry().map(|geometry| geometry.wkt().unwrap());
            let values = feature
                .fields()
                .map(|(name, value)| (name, format!("{value:?}")));
            values
                .chain([("geometry".to_owned(), geometry.unwrap_or_default())])
                .collect()
        })
        .collect()
}
