//! Tables as CSV.

use std::fs::File;
use std::sync::Arc;

use super::staging::Staging;
use super::{ExportReport, Format};
use crate::CubeError;
use crate::export::scene::Scene;

/// A table that is being written.
pub(super) struct Table {
    writer: csv::Writer<File>,
    staging: Arc<Staging>,
    rows: u64,
}

impl Table {
    pub(super) fn new(staging: &Arc<Staging>, columns: &[&str]) -> Result<Self, CubeError> {
        let file = File::create(staging.result()).map_err(|error| staging.failed(&error))?;
        let mut table = Self {
            writer: csv::Writer::from_writer(file),
            staging: Arc::clone(staging),
            rows: 0,
        };
        table.write(columns)?;
        Ok(table)
    }

    pub(super) fn row(&mut self, cells: &[String]) -> Result<(), CubeError> {
        self.rows += 1;
        self.write(cells)
    }

    fn write(&mut self, cells: &[impl AsRef<str>]) -> Result<(), CubeError> {
        let cells = cells.iter().map(AsRef::as_ref);
        self.writer
            .write_record(cells.map(str::as_bytes))
            .map_err(|error| self.staging.failed(&error.into()))
    }

    /// Moves it to its place and tells of it.
    pub(super) fn publish(mut self, scene: &Scene) -> Result<ExportReport, CubeError> {
        let flushed = self.writer.flush();
        flushed.map_err(|error| self.staging.failed(&error))?;
        let bytes = self.staging.publish()?;
        Ok(ExportReport {
            path: self.staging.target().to_owned(),
            format: Format::Csv,
            bytes,
            variables: scene.variables(),
            dims: vec!["rows".to_owned()],
            shape: vec![self.rows],
            crs: None,
            bbox: None,
            pixel_size: None,
            time: scene.first_and_last_time(),
            resampling: None,
        })
    }
}

/// A number as text; nothing for none.
pub(super) fn number(value: f64) -> String {
    if value.is_nan() {
        String::new()
    } else {
        value.to_string()
    }
}
