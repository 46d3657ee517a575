//! From the headers of a package's rasters to grids, variables and tiles; no pixel is read.

mod fill;
mod layout;
mod naming;
mod placement;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

pub(crate) use fill::Fill;
pub(crate) use layout::ChunkLayout;
pub(crate) use placement::Tile;

use crate::classes::{self, Class, SideCars};
use crate::gdal_source::{RasterHeader, RasterSource};
use crate::package::EntryKind;
use crate::products::{Product, Values};
use crate::{BuildOptions, CubeError, DataType, Grid, LeftOut, Package, PackageFiles};

/// Something that a person should know about a cube, and that is no error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// The file that it is about.
    pub file: Option<String>,
    /// What was found and what was done about it.
    pub message: String,
}

impl Note {
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
}

/// One group of a planned cube: variables on one grid.
#[derive(Debug, Clone)]
pub struct GroupPlan {
    pub(crate) path: String,
    pub(crate) grid: Grid,
    pub(crate) dtype: DataType,
    pub(crate) layout: ChunkLayout,
    pub(crate) variables: Vec<VariablePlan>,
}

/// One variable: a band of the tiles of one layer.
#[derive(Debug, Clone)]
pub(crate) struct VariablePlan {
    pub(crate) name: String,
    pub(crate) product: Option<&'static Product>,
    /// Counted from 1, as GDAL does.
    pub(crate) band: usize,
    /// In the order of the files' names.
    pub(crate) tiles: Vec<Tile>,
    pub(crate) fill: Fill,
    pub(crate) classes: Vec<Class>,
    pub(crate) description: Option<String>,
    pub(crate) unit: Option<String>,
    pub(crate) scale: Option<f64>,
    pub(crate) offset: Option<f64>,
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

    /// The value for pixels without data of a variable, if it has one.
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

    fn pixels(&self) -> u64 {
        self.grid.width * self.grid.height * self.variables.len() as u64
    }
}

/// Decides what the cube of a package will be. Reads headers and side-cars, and blocks while it does.
///
/// # Errors
/// [`CubeError::NoRaster`], [`CubeError::VectorOnly`], or what is wrong with a raster. A file that is named like a raster
/// and can't be opened is an error, because leaving it out would look like a gap.
pub fn plan(package: &Package, options: &BuildOptions) -> Result<CubePlan, CubeError> {
    let mut planner = Planner::new(package);
    let headers = planner.headers(package)?;
    let side_cars = SideCars::new(package);
    let mut groups = Vec::new();
    for placed in placement::place(headers)? {
        groups.push(planner.group(placed, &side_cars, options)?);
    }
    naming::name_groups(&mut groups);
    Ok(CubePlan {
        groups: groups.into_iter().map(|(_, group)| group).collect(),
        files: planner.files(package),
        notes: planner.notes,
        options: options.clone(),
    })
}

/// A planned group with the stems of its rasters' names, which it will be named by.
pub(crate) type StemsAndGroup = (Vec<String>, GroupPlan);

#[derive(Default)]
struct Planner {
    used: BTreeSet<String>,
    left_out: BTreeMap<String, &'static str>,
    vectors: Vec<String>,
    notes: Vec<Note>,
}

impl Planner {
    fn new(package: &Package) -> Self {
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
    fn headers(&mut self, package: &Package) -> Result<Vec<RasterHeader>, CubeError> {
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
        let mut headers = Vec::new();
        let mut unplaced = None;
        for entry in entries {
            let header = RasterSource::new(entry).header()?;
            let missing = match (&header.crs, header.geotransform) {
                (Some(_), Some(_)) => {
                    headers.push(header);
                    continue;
                }
                (None, _) => "coordinate reference system",
                (_, None) => "geotransform",
            };
            self.left_out
                .insert(entry.name.clone(), "not georeferenced");
            self.notes.push(Note::on(
                &entry.name,
                format!("left out: it has no {missing}"),
            ));
            unplaced.get_or_insert(CubeError::NotGeoreferenced {
                file: entry.name.clone(),
                missing,
            });
        }
        match unplaced {
            Some(error) if headers.is_empty() => Err(error),
            _ => Ok(headers),
        }
    }

    fn group(
        &mut self,
        placed: placement::PlacedGroup,
        side_cars: &SideCars<'_>,
        options: &BuildOptions,
    ) -> Result<StemsAndGroup, CubeError> {
        let first = &placed.rasters[0].header;
        let (dtype, bands, block) = (first.dtype, first.bands.len(), first.block);
        let mut variables = Vec::new();
        for layer in naming::layers(&placed.rasters) {
            for band in 1..=bands {
                let mut name = layer.variable_name(band, bands, &placed.rasters);
                while ["x", "y", "spatial_ref"].contains(&name.as_str())
                    || variables
                        .iter()
                        .any(|known: &VariablePlan| known.name == name)
                {
                    name.push('_');
                }
                variables.push(self.variable(name, band, &layer, &placed, side_cars, options)?);
            }
        }
        let layout = ChunkLayout::choose(
            placed.grid.height,
            placed.grid.width,
            dtype,
            block,
            options.tile_size,
        );
        let stems = placed
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
        Ok((
            stems,
            GroupPlan {
                path: String::new(),
                grid: placed.grid,
                dtype,
                layout,
                variables,
            },
        ))
    }

    fn variable(
        &mut self,
        name: String,
        band: usize,
        layer: &naming::Layer,
        placed: &placement::PlacedGroup,
        side_cars: &SideCars<'_>,
        options: &BuildOptions,
    ) -> Result<VariablePlan, CubeError> {
        let rasters: Vec<_> = layer
            .rasters
            .iter()
            .map(|index| &placed.rasters[*index])
            .collect();
        let dtype = rasters[0].header.dtype;
        let tiles = placement::tiles(&rasters, band, &mut self.notes);
        let gaps = placement::has_gaps(&tiles, placed.grid.height, placed.grid.width);
        let fill = Fill::choose(options.fill_value, &tiles, layer.product, dtype, gaps)?;
        fill.report(&name, &tiles, &mut self.notes);
        let header = &rasters[0].header.bands[band - 1];
        Ok(VariablePlan {
            classes: self.classes(&rasters, band, layer.product, side_cars),
            name,
            product: layer.product,
            band,
            tiles,
            fill,
            description: header.description.clone(),
            unit: header.unit.clone(),
            scale: header.scale,
            offset: header.offset,
        })
    }

    /// Classes by side-car, embedded palette and the product's own table, in this order. A table may list only what
    /// occurs in its tile, so the tables of all tiles are merged.
    fn classes(
        &mut self,
        rasters: &[&placement::PlacedRaster],
        band: usize,
        product: Option<&'static Product>,
        side_cars: &SideCars<'_>,
    ) -> Vec<Class> {
        let mut by_source: [Vec<Vec<Class>>; 3] = Default::default();
        // Side-cars speak of the first band.
        for raster in rasters.iter().filter(|_| band == 1) {
            let header = &raster.header;
            let found = side_cars.classes_of(&header.source.name, product, header.dtype);
            self.used.extend(found.used);
            found.notes.into_iter().for_each(|note| {
                if !self.notes.contains(&note) {
                    self.notes.push(note);
                }
            });
            by_source
                .iter_mut()
                .zip(found.sources)
                .for_each(|(all, classes)| all.push(classes));
        }
        let mut sources: Vec<Vec<Class>> = by_source.into_iter().flatten().collect();
        let palette = rasters
            .iter()
            .map(|raster| &raster.header.bands[band - 1].palette)
            .find(|p| !p.is_empty());
        let palette = palette.into_iter().flatten();
        // Unused entries of a palette are black.
        let used = palette.filter(|(_, colour)| *colour != [0; 3]);
        sources.push(
            used.map(|(value, colour)| Class {
                value: *value,
                name: None,
                colour: Some(*colour),
            })
            .collect(),
        );
        let quantity = match product.map(|product| product.values) {
            Some(Values::Classes(known)) => {
                let class = |(value, name): &(i64, &str)| Class {
                    value: *value,
                    name: Some((*name).to_owned()),
                    colour: None,
                };
                // Only names for what is otherwise nameless: the sources' own names win as a whole.
                if !sources.iter().flatten().any(|class| class.name.is_some()) {
                    sources.push(known.iter().map(class).collect());
                }
                None
            }
            Some(Values::Quantity { min, max, .. }) => Some((min, max)),
            None => None,
        };
        let mut classes = classes::merge(&sources);
        if let Some((min, max)) = quantity {
            // A table with a row for each percent: what is left are the codes beyond the range.
            classes.retain(|class| {
                !(min..=max).contains(&(class.value as f64)) && class.name.is_some()
            });
        }
        let dtype = rasters[0].header.dtype;
        classes.retain(|class| !dtype.is_float() && dtype.holds(class.value as f64));
        classes
    }

    fn files(&self, package: &Package) -> PackageFiles {
        let used: Vec<String> = self.used.iter().cloned().collect();
        let left_out = package
            .entries
            .iter()
            .filter(|entry| !self.used.contains(&entry.name))
            .map(|entry| LeftOut {
                name: entry.name.clone(),
                reason: (*self.left_out.get(&entry.name).unwrap_or(&"not needed")).to_owned(),
            })
            .collect();
        PackageFiles { used, left_out }
    }
}
