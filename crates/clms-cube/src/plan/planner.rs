//! Puts a plan together: headers, groups, variables, classes, files.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    GroupPlan, Note, OVERVIEWS, StemsAndGroup, VariablePlan, naming, period, placement,
    source_attributes,
};
use crate::classes::SideCars;
use crate::dataset::TIME;
use crate::gdal_source::RasterSource;
use crate::package::EntryKind;
use crate::plan::ChunkLayout;
use crate::raster_header::RasterHeader;
use crate::reading_log::ReadingLog;
use crate::{BuildOptions, CubeError, LeftOut, Package, PackageFiles};

/// Variables of one group. More are no product: a raster can't have so many bands, nor a place so many maps.
const MOST_VARIABLES: usize = 4096;

/// From the first year to the last year that any of the names tells.
fn period_of(stems: &[String]) -> Option<period::Period> {
    let periods = stems.iter().filter_map(|stem| period::of_name(stem));
    periods.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// Inflates what the headers of deflated entries need, on a few threads: a header may stand at the end.
fn prepare(sources: &[RasterSource]) {
    let threads = std::thread::available_parallelism()
        .map_or(2, usize::from)
        .min(8);
    let deflated: Vec<_> = sources
        .iter()
        .filter(|source| source.inflating().is_some())
        .collect();
    std::thread::scope(|scope| {
        for part in deflated.chunks(deflated.len().div_ceil(threads).max(1)) {
            scope.spawn(move || {
                for source in part {
                    // An error comes again when the header is read.
                    let _ = source.directory();
                }
            });
        }
    });
}

/// Collects groups, files and notes of a plan.
#[derive(Default)]
pub(super) struct Planner {
    pub(super) used: BTreeSet<String>,
    left_out: BTreeMap<String, &'static str>,
    vectors: Vec<String>,
    pub(super) notes: Vec<Note>,
}

impl Planner {
    pub(super) fn new(package: &Package) -> Self {
        let mut planner = Self::default();
        for entry in &package.entries {
            match EntryKind::of(&entry.name) {
                EntryKind::Raster => {}
                EntryKind::Vector => {
                    planner.vectors.push(entry.name.clone());
                    planner.left_out.insert(entry.name.clone(), "vector data");
                }
                EntryKind::Other(reason) => {
                    planner.left_out.insert(entry.name.clone(), reason);
                }
            }
        }
        planner
    }

    /// The headers of all rasters that say where they lie, by name.
    pub(super) fn headers(
        &mut self,
        package: &Package,
        side_cars: &SideCars<'_>,
        reading: &ReadingLog,
    ) -> Result<Vec<RasterHeader>, CubeError> {
        let mut entries: Vec<_> = package
            .entries
            .iter()
            .filter(|entry| EntryKind::of(&entry.name) == EntryKind::Raster)
            .collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        if entries.is_empty() {
            let found = std::mem::take(&mut self.vectors);
            let entries = package.names();
            return Err(if found.is_empty() {
                CubeError::NoRaster { entries }
            } else {
                CubeError::VectorOnly { found }
            });
        }
        let mut headers: Vec<RasterHeader> = Vec::new();
        let mut known_crs = Vec::new();
        let mut unplaced = None;
        let sources: Vec<_> = entries
            .iter()
            .map(|entry| RasterSource::new(entry))
            .collect();
        prepare(&sources);
        let mut of_variables = Vec::with_capacity(sources.len());
        for (entry, source) in entries.iter().zip(sources) {
            let _reading = reading.begin(&entry.name);
            let sources = source.variables()?;
            let whole = sources.len() == 1;
            of_variables.extend(sources.into_iter().map(|source| (entry, whole, source)));
        }
        for (entry, whole, source) in of_variables {
            let mut header = {
                let _reading = reading.begin(&entry.name);
                source.header()?
            };
            self.complete(&mut header, side_cars);
            if let Some(crs) = header.crs.take() {
                header.crs = Some(crs.shared(&mut known_crs));
            }
            if let Some(before) = headers.last() {
                header.share_palettes(before);
            }
            let missing = match (&header.crs, header.geotransform) {
                (Some(_), Some(_)) => {
                    headers.extend(header.steps());
                    continue;
                }
                (None, _) => "coordinate reference system",
                (_, None) => "geotransform",
            };
            // Of a file with several variables the others may be in the cube.
            self.left_out
                .insert(entry.name.clone(), "not georeferenced");
            let what = match (whole, source.key()) {
                (false, (_, Some(variable))) => format!("{variable} is left out"),
                _ => "left out".to_owned(),
            };
            self.notes.push(Note::on(
                &entry.name,
                format!("{what}: it has no {missing}"),
            ));
            unplaced.get_or_insert(CubeError::NotGeoreferenced {
                file: entry.name.clone(),
                missing,
            });
        }
        match unplaced {
            // A picture beside vector data is none of the data.
            Some(_) if headers.is_empty() && !self.vectors.is_empty() => {
                Err(CubeError::VectorOnly {
                    found: std::mem::take(&mut self.vectors),
                })
            }
            Some(error) if headers.is_empty() => Err(error),
            _ => Ok(headers),
        }
    }

    /// Adds to a header what the side-cars say.
    fn complete(&mut self, header: &mut RasterHeader, side_cars: &SideCars<'_>) {
        let found = side_cars.complete(header);
        self.used.extend(found.used);
        self.notes.extend(found.notes);
    }

    pub(super) fn group(
        &mut self,
        placed: placement::PlacedGroup,
        layers: Vec<naming::Layer>,
        times: &[Timestamp],
        side_cars: &SideCars<'_>,
        options: &BuildOptions,
    ) -> Result<StemsAndGroup, CubeError> {
        let first = &placed.rasters[0].header;
        let (dtype, bands, block) = (first.dtype, first.bands.len(), first.block);
        let mut variables = Vec::new();
        for layer in layers {
            for band in 1..=bands {
                let mut name = layer.variable_name(band, bands, &placed.rasters);
                while ["x", "y", "spatial_ref", OVERVIEWS].contains(&name.as_str())
                    || (name == TIME && !times.is_empty())
                    || variables
                        .iter()
                        .any(|known: &VariablePlan| known.name == name)
                {
                    name.push('_');
                }
                if variables.len() >= MOST_VARIABLES {
                    return Err(CubeError::TooManyVariables {
                        most: MOST_VARIABLES,
                    });
                }
                variables
                    .push(self.variable(name, band, &layer, &placed, times, side_cars, options)?);
            }
        }
        let layout = ChunkLayout::choose(
            placed.grid.height,
            placed.grid.width,
            dtype,
            block,
            options.tile_size,
        );
        let items = || placed.rasters.iter().map(|raster| &raster.header.items);
        let mut attributes = source_attributes::of_group(&source_attributes::common(items()));
        if let Some(date) = source_attributes::date_created(items()) {
            attributes.entry("date_created").or_insert(date.into());
        }
        let stems: Vec<String> = placed
            .rasters
            .iter()
            .map(|raster| raster.stem().to_owned())
            .collect();
        self.used.extend(
            placed
                .rasters
                .iter()
                .map(|raster| raster.header.source.name.clone()),
        );
        let has_times = variables.iter().any(|variable| variable.has_times);
        let mut group = GroupPlan {
            path: String::new(),
            grid: placed.grid,
            times: if has_times {
                times.to_vec()
            } else {
                Vec::new()
            },
            dtype,
            layout,
            variables,
            levels: Vec::new(),
            period: period_of(&stems),
            attributes,
        };
        group.levels = super::levels::levels(options.levels, &group, &mut self.notes);
        Ok((stems, group))
    }

    pub(super) fn files(&self, package: &Package) -> PackageFiles {
        let used: Vec<String> = self.used.iter().cloned().collect();
        let unused = package
            .entries
            .iter()
            .filter(|entry| !self.used.contains(&entry.name));
        let unused = unused.map(|entry| {
            let reason = self.left_out.get(&entry.name).unwrap_or(&"not needed");
            (&entry.name, *reason)
        });
        let skipped = package
            .skipped
            .iter()
            .map(|name| match EntryKind::of(name) {
                EntryKind::Other(reason) => (name, reason),
                EntryKind::Raster | EntryKind::Vector => (name, "not unpacked"),
            });
        let left_out = unused.chain(skipped).map(|(name, reason)| LeftOut {
            name: name.clone(),
            reason: reason.to_owned(),
        });
        let left_out = left_out.collect();
        PackageFiles { used, left_out }
    }
}
