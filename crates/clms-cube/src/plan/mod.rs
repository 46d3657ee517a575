//! From the headers of a package's rasters to grids, variables and tiles; no pixel is read. By the [rules](crate#rules).
//!
//! Memory grows with the number of rasters, by a few kilobytes for each, and not with their size.

mod fill;
mod layout;
mod levels;
mod naming;
mod period;
mod placement;
mod planner;
mod series;
mod source_attributes;
mod tiles;
mod variable;

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

pub(crate) use fill::{Fill, FillOrigin};
pub(crate) use layout::ChunkLayout;
pub(crate) use levels::{FINE as FINE_LEVELS, Level, OVERVIEWS, Resampling, halved};
pub(crate) use tiles::Tile;

use planner::Planner;

use crate::classes::{Class, SideCars};
use crate::products::Product;
use crate::reading_log::ReadingLog;
use crate::{BuildOptions, CubeError, DataType, Grid, Package, PackageFiles};

/// Times of one cube. More are no product, and each has shards of its own.
const MOST_TIMES: usize = 4096;

/// Something that a person should know about a cube, and that is no error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// The file that it is about.
    pub file: Option<String>,
    /// What was found and what was done about it.
    pub message: String,
}

impl Note {
    /// So many notes, and one that says how many more there would be: a million odd tiles are one fact.
    pub(crate) fn bounded(mut notes: Vec<Self>) -> Vec<Self> {
        const MOST: usize = 200;
        let more = notes.len().saturating_sub(MOST);
        if more > 0 {
            notes.truncate(MOST);
            notes.push(Self {
                file: None,
                message: format!("and {more} more like these"),
            });
        }
        notes
    }

    pub(crate) fn on(file: &str, message: impl Into<String>) -> Self {
        Self {
            file: Some(file.to_owned()),
            message: message.into(),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{file}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// What a cube will be: groups, grids and variables, with the tiles of each. Build it with [`crate::build`].
#[derive(Debug, Clone)]
pub struct CubePlan {
    pub(crate) groups: Vec<GroupPlan>,
    pub(crate) files: PackageFiles,
    pub(crate) notes: Vec<Note>,
    pub(crate) options: BuildOptions,
    pub(crate) reading: ReadingLog,
}

/// One group of a planned cube: variables on one grid.
#[derive(Debug, Clone)]
pub struct GroupPlan {
    pub(crate) path: String,
    pub(crate) grid: Grid,
    /// Sorted; none if no variable has a dimension `time`. The same in all groups that have it.
    pub(crate) times: Vec<Timestamp>,
    pub(crate) dtype: DataType,
    pub(crate) layout: ChunkLayout,
    pub(crate) variables: Vec<VariablePlan>,
    /// Overviews, the finest first.
    pub(crate) levels: Vec<Level>,
    pub(crate) period: Option<period::Period>,
    /// The sources' own.
    pub(crate) attributes: Map<String, Value>,
}

/// What the pixels of a variable are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// Those of the sources.
    Sources,
    /// 1 where another variable has data, 0 where it has none.
    Validity,
}

/// One variable: a band of the tiles of one layer, at one time or at several.
#[derive(Debug, Clone)]
pub(crate) struct VariablePlan {
    pub(crate) name: String,
    pub(crate) product: Option<&'static Product>,
    /// Whether it has the dimension `time` of its group.
    pub(crate) has_times: bool,
    /// By time, and of one time in the order of the files' names.
    pub(crate) tiles: Vec<Tile>,
    pub(crate) content: Content,
    pub(crate) fill: Fill,
    /// The variable that tells where this one has data, if no fill value does.
    pub(crate) validity: Option<String>,
    pub(crate) classes: Vec<Class>,
    pub(crate) description: Option<String>,
    pub(crate) unit: Option<String>,
    pub(crate) scale: Option<f64>,
    pub(crate) offset: Option<f64>,
    /// The sources' own.
    pub(crate) attributes: Map<String, Value>,
}

impl VariablePlan {
    /// The tiles of one of its times; all of a variable without.
    pub(crate) fn tiles_at(&self, step: u64) -> &[Tile] {
        let first = self.tiles.partition_point(|tile| tile.step < step);
        let end = self.tiles.partition_point(|tile| tile.step <= step);
        &self.tiles[first..end]
    }
}

impl CubePlan {
    /// The groups, the root group first.
    #[must_use]
    pub fn groups(&self) -> &[GroupPlan] {
        &self.groups
    }

    /// Which files go into the cube.
    #[must_use]
    pub fn files(&self) -> &PackageFiles {
        &self.files
    }

    /// What a person should know.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Pixels of all grids and variables, gaps included.
    #[must_use]
    pub fn pixels(&self) -> u64 {
        self.groups.iter().map(GroupPlan::pixels).sum()
    }

    /// Bytes of all pixels without compression; the cube on disk is smaller.
    #[must_use]
    pub fn uncompressed_bytes(&self) -> u64 {
        self.groups
            .iter()
            .map(|group| group.pixels() * group.dtype.itemsize() as u64)
            .sum()
    }
}

impl GroupPlan {
    /// Path in the hierarchy: empty for the root group.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where its pixels lie.
    #[must_use]
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// The type of its pixels.
    #[must_use]
    pub fn dtype(&self) -> DataType {
        self.dtype
    }

    /// The names of its variables.
    #[must_use]
    pub fn variable_names(&self) -> Vec<&str> {
        self.variables
            .iter()
            .map(|variable| variable.name.as_str())
            .collect()
    }

    /// The value for pixels without data of a variable, if it has one. Where headers don't decide ([the rules](crate#pixels-without-data)), this
    /// is the value that is tried first, and [`crate::build`] may find that it occurs as data and take another one.
    #[must_use]
    pub fn fill_value(&self, variable: &str) -> Option<f64> {
        self.variables
            .iter()
            .find(|known| known.name == variable)?
            .fill
            .value
    }

    /// The classes of a variable; empty for one of quantities, or of which nothing is known.
    #[must_use]
    pub fn classes(&self, variable: &str) -> &[Class] {
        self.variables
            .iter()
            .find(|known| known.name == variable)
            .map_or(&[], |known| &known.classes)
    }

    /// The names of the dimensions, rows first: `y`, `x` in the root group. In other groups they carry the group's name,
    /// because xarray's trees want dimensions of one name to be the same all the way down.
    #[must_use]
    pub fn dims(&self) -> [String; 2] {
        ["y", "x"].map(|name| {
            if self.path.is_empty() {
                name.to_owned()
            } else {
                format!("{name}_{}", self.path.replace('/', "_"))
            }
        })
    }

    /// The number of overviews, each with half the resolution of the one before.
    #[must_use]
    pub fn overviews(&self) -> usize {
        self.levels.len()
    }

    /// A level as a group of its own, as far as metadata go.
    pub(crate) fn level_group(&self, level: &Level) -> Self {
        let mut variables = self.variables.clone();
        variables
            .iter_mut()
            .for_each(|variable| variable.tiles.clear());
        Self {
            path: crate::metadata::node_path(&self.path, &level.path()),
            grid: level.grid.clone(),
            times: self.times.clone(),
            dtype: self.dtype,
            layout: level.layout,
            variables,
            levels: Vec::new(),
            period: self.period,
            attributes: self.attributes.clone(),
        }
    }

    /// The first and the last year that the names of its files tell; the same year twice for a map of one year.
    #[must_use]
    pub fn period(&self) -> Option<(u16, u16)> {
        self.period
    }

    /// The times of those variables that have a dimension `time`, sorted; none if all are of one time.
    #[must_use]
    pub fn times(&self) -> &[Timestamp] {
        &self.times
    }

    /// The number of rasters that a variable consists of: one for each time.
    pub(crate) fn steps(&self, variable: &VariablePlan) -> u64 {
        if variable.has_times {
            self.times.len() as u64
        } else {
            1
        }
    }

    fn pixels(&self) -> u64 {
        let rasters: u64 = self
            .variables
            .iter()
            .map(|variable| self.steps(variable))
            .sum();
        self.grid.width * self.grid.height * rasters
    }
}

/// Decides what the cube of a package will be. Reads headers and side-cars, and blocks while it does.
///
/// # Errors
/// [`CubeError::NoRaster`], [`CubeError::VectorOnly`], or what is wrong with a raster: [`CubeError::DamagedPackage`] when it is not what its
/// archive says. A file that is named like a raster
/// and can't be opened is an error, because leaving it out would look like a gap.
pub fn plan(package: &Package, options: &BuildOptions) -> Result<CubePlan, CubeError> {
    planned(package, options).map_err(|error| package.damage().unwrap_or(error))
}

fn planned(package: &Package, options: &BuildOptions) -> Result<CubePlan, CubeError> {
    let mut planner = Planner::new(package);
    let reading = ReadingLog::open(options.reading_log.as_deref(), &mut planner.notes);
    let side_cars = SideCars::new(package);
    let headers = planner.headers(package, &side_cars, &reading)?;
    let placed = placement::place(headers, &mut planner.notes)?;
    let layers: Vec<_> = placed
        .iter()
        .map(|group| naming::layers(&group.rasters))
        .collect();
    let times = times_of(&layers, &mut planner.notes)?;
    let mut groups = Vec::new();
    for (placed, layers) in placed.into_iter().zip(layers) {
        groups.push(planner.group(placed, layers, &times, &side_cars, options)?);
    }
    naming::name_groups(&mut groups);
    Ok(CubePlan {
        groups: groups.into_iter().map(|(_, group)| group).collect(),
        files: planner.files(package),
        notes: Note::bounded(planner.notes),
        options: options.clone(),
        reading,
    })
}

/// The times of a cube, which all its groups share, as xarray's trees want dimensions of one name: those at which rasters would lie on top of
/// each other otherwise.
fn times_of(
    layers: &[Vec<naming::Layer>],
    notes: &mut Vec<Note>,
) -> Result<Vec<Timestamp>, CubeError> {
    let series = layers.iter().flatten().filter(|layer| layer.is_series);
    let times: BTreeSet<Timestamp> = series
        .flat_map(|layer| layer.times.iter().copied())
        .collect();
    if times.len() > MOST_TIMES {
        return Err(CubeError::TooManyTimes { most: MOST_TIMES });
    }
    if let (Some(first), Some(last)) = (times.first(), times.last()) {
        notes.push(Note {
            file: None,
            message: format!("rasters of one place are of {} times, from {first} to {last}, as they or their names say", times.len()),
        });
    }
    Ok(times.into_iter().collect())
}

/// A planned group with the stems of its rasters' names, which it will be named by.
pub(crate) type StemsAndGroup = (Vec<String>, GroupPlan);
