//! Variables of NetCDF files along a time of their own, of which GDAL makes a band for each step.

use jiff::Timestamp;

use crate::dataset::TimeUnits;
use crate::raster_header::{Items, RasterHeader};

/// Of the items that GDAL makes of dimensions other than rows and columns; their names follow.
const DIMENSION: &str = "NETCDF_DIM_";

impl RasterHeader {
    /// A header for each step of its own time; itself if it has no such dimension, or another one beside.
    pub(crate) fn steps(self) -> Vec<Self> {
        let Some(times) = self.own_times() else {
            return vec![self];
        };
        let steps = times.into_iter().enumerate().map(|(step, time)| Self {
            bands: vec![self.bands[step].clone()],
            bands_before: step,
            time: Some(time),
            source: self.source.clone(),
            crs: self.crs.clone(),
            items: self.items.clone(),
            ..self
        });
        steps.collect()
    }

    /// The time of each band.
    fn own_times(&self) -> Option<Vec<Timestamp>> {
        let mut own = dimensions(&self.bands.first()?.items);
        let (name, _) = own.next()?;
        if own.next().is_some() {
            return None;
        }
        let item = |of: &str| {
            let mut items = self.items.iter();
            let found = items.find(|(known, _)| known.split_once('#') == Some((name, of)));
            found.map(|(_, text)| text.as_str())
        };
        let units = TimeUnits::parse(item("units")?, item("calendar"));
        let units = units
            .inspect_err(|reason| tracing::debug!(file = self.source.name, reason, "no times"));
        let units = units.ok()?;
        let time = |items: &Items| {
            let (_, number) = dimensions(items).find(|(known, _)| *known == name)?;
            units.timestamp(number.parse().ok()?)
        };
        self.bands.iter().map(|band| time(&band.items)).collect()
    }
}

/// Names of the dimensions of a band, and where along them it lies.
fn dimensions(items: &Items) -> impl Iterator<Item = (&str, &str)> {
    items
        .iter()
        .filter_map(|(name, text)| Some((name.strip_prefix(DIMENSION)?, text.as_str())))
}
