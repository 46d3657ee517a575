//! What is shown of a cube: its main variable at one of its times.

use std::path::Path;

use clms_store::{
    DataId, DayRange, StoreError,
    cube::{ArrayStructure, Dataset, GroupStructure, Overview, Statistics},
};
use jiff::Timestamp;

use super::{Context, Stop};
use crate::{failure::Failure, map::Ground, whole_file};

/// Whose data these are, below every map.
pub(super) const CREDIT: &str = "Contains data of the Copernicus Land Monitoring Service, European Environment Agency (EEA). Made with clms.";

/// An error unless `out` ends in `ending`, and there is a folder for it; `why` as in `maps are written as PNG`.
pub(super) fn check_out(out: &Path, ending: &str, why: &str) -> Result<(), Failure> {
    let fits = out
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case(ending));
    if !fits {
        let failure = Failure::usage(format!("--out {} is not a .{ending} file", out.display()));
        return Err(failure.with_hint(format!(
            "{why}: give the file a name that ends in .{ending}"
        )));
    }
    Failure::unless_folder_of(out)
}

/// Writes what was drawn.
pub(super) fn write_out(out: &Path, bytes: &[u8]) -> Result<(), Failure> {
    whole_file::write(out, bytes).map_err(|why| {
        Failure::io(&format!("write {}", out.display()), &why)
            .with_hint("choose another place with --out")
    })
}

/// A variable of a cube at one of its times.
pub(super) struct Shown<'a> {
    cube: &'a Dataset,
    data_id: &'a DataId,
    pub(super) group: &'a GroupStructure,
    pub(super) variable: &'a ArrayStructure,
    index: u64,
    /// That time in words; `None` if the variable has no times.
    pub(super) time: Option<String>,
}

impl<'a> Shown<'a> {
    /// The first variable of the first group that has one (the root group comes first), at its last time, or the last one of some days.
    pub(super) async fn of(
        cube: &'a Dataset,
        data_id: &'a DataId,
        days: Option<DayRange>,
    ) -> Result<Self, Failure> {
        let with_variable = |group: &'a GroupStructure| Some((group, group.variables.first()?));
        let found = cube.structure().groups.iter().find_map(with_variable);
        let (group, variable) = found.ok_or_else(|| {
            Failure::io(
                "draw a map",
                &std::io::Error::other(format!("{data_id} holds no raster")),
            )
        })?;
        let time = time_of(cube, data_id, group, variable, days).await?;
        Ok(Self {
            cube,
            data_id,
            group,
            variable,
            index: time.as_ref().map_or(0, |(index, _)| *index),
            time: time.map(|(_, time)| time),
        })
    }

    /// The cube's title, or else what the variable is called.
    pub(super) fn title(&self) -> &'a str {
        let title = self.cube.structure().attributes.get("title");
        title
            .and_then(|title| title.as_str())
            .or(self.variable.long_name())
            .unwrap_or(&self.variable.name)
    }

    /// Data id and time.
    pub(super) fn subtitle(&self) -> String {
        match &self.time {
            Some(time) => format!("{}, {time}", self.data_id),
            None => self.data_id.to_string(),
        }
    }

    /// A picture of all of it that is at most so large.
    pub(super) async fn overview(
        &self,
        max_width: u32,
        max_height: u32,
    ) -> Result<Overview, StoreError> {
        let (group, variable) = (&self.group.path, &self.variable.name);
        self.cube
            .overview_at(group, variable, self.index, max_width, max_height)
            .await
            .map_err(|why| StoreError::of_cube(self.data_id, why))
    }

    /// What its values are; `None` if that would mean to read too much.
    pub(super) async fn statistics(&self) -> Result<Option<Statistics>, StoreError> {
        self.cube
            .statistics_at(&self.group.path, &self.variable.name, self.index)
            .await
            .map_err(|why| StoreError::of_cube(self.data_id, why))
    }

    /// The ground under a pixel of a picture of it.
    pub(super) fn ground(&self, overview: &Overview) -> Ground {
        let per_pixel = overview.pixel_size[0].abs();
        let grid = self.group.grid.as_ref();
        match grid.is_some_and(|grid| grid.crs.is_geographic()) {
            true => Ground::Degrees(per_pixel),
            false => Ground::Metres(per_pixel),
        }
    }

    /// Pixels of the cube that a pixel of a picture stands for along a side.
    pub(super) fn reduction(&self, overview: &Overview) -> f64 {
        self.variable
            .shape
            .last()
            .map_or(1.0, |width| *width as f64 / f64::from(overview.width))
    }
}

/// What the values of a cached cube are. What can't be read of them is worth a note, but no reason to fail.
pub(super) async fn statistics_of(
    context: &Context,
    cube: &Dataset,
    data_id: &DataId,
) -> Option<Statistics> {
    // Vectors and empty cubes have none.
    let shown = Shown::of(cube, data_id, None).await.ok()?;
    shown.statistics().await.unwrap_or_else(|why| {
        let note = format!("note: what values it has can't be read: {why}");
        context.printer.note(&note);
        None
    })
}

/// A cached cube that a map can be drawn of; an error for vectors.
pub(super) async fn open_raster(context: &Context, data_id: &DataId) -> Result<Dataset, Stop> {
    let cube = context.store.open(data_id).await?;
    let Some(vector) = cube.vector() else {
        return Ok(cube);
    };
    let location = context.store.cube_location(data_id)?;
    Err(Failure::vector_only(format!(
        "{data_id} holds vector data, and maps are drawn of rasters"
    ))
    .with_hint(format!(
        "open {location}/{} with QGIS or geopandas",
        vector.geopackage
    ))
    .into())
}

/// Which of a variable's times is shown, and that time in words: the last one, or the last one of some days. `None` if it has no times.
async fn time_of(
    cube: &Dataset,
    data_id: &DataId,
    group: &GroupStructure,
    variable: &ArrayStructure,
    wanted: Option<DayRange>,
) -> Result<Option<(u64, String)>, Failure> {
    if variable.steps().is_none() {
        let refused =
            |_| Failure::usage(format!("{data_id} is of one time")).with_hint("leave --time away");
        return wanted.map_or(Ok(None), |days| Err(refused(days)));
    }
    let times = cube.times(&group.path).await;
    let times = times.map_err(|why| StoreError::of_cube(data_id, why))?;
    let is_wanted = |time: &Timestamp| wanted.is_none_or(|days| days.instants().contains(time));
    let last = (0..).zip(&times).filter(|(_, time)| is_wanted(time)).last();
    let Some((index, time)) = last else {
        let ends = match times.as_slice() {
            [] => String::new(),
            [only] => format!(": it is of {only}"),
            [first, .., last] => format!(": it has {} times from {first} to {last}", times.len()),
        };
        let days = wanted.map_or_else(|| "any time".to_owned(), |days| days.to_string());
        return Err(Failure::usage(format!(
            "{data_id} has nothing of {days}{ends}"
        )));
    };
    Ok(Some((index, time.to_string())))
}
