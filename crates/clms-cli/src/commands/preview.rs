//! `clms preview`.

use std::{
    fs,
    io::{BufWriter, Write},
    path::Path,
};

use clms_store::{
    DataId, DayRange, StoreError,
    cube::{ArrayStructure, Dataset, GroupStructure, Overview, Style},
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, Done};
use crate::{
    args::Preview,
    failure::Failure,
    map::{Ground, Sheet},
    text,
};

/// A map that was written.
#[derive(Serialize, JsonSchema)]
pub(super) struct Written {
    /// The PNG file.
    path: String,
    /// What is drawn.
    data_id: String,
    /// The path of the group; empty for the root group.
    group: String,
    /// The variable.
    variable: String,
    /// Of a variable of several times, the one that is drawn (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    /// Columns of the map itself, without its frame.
    width: u32,
    /// Rows of the map itself, without its frame.
    height: u32,
    /// Pixels of the cube that one pixel of the map stands for.
    reduction: f64,
    /// The file's size in bytes.
    bytes: u64,
}

pub(crate) async fn run(context: &Context, preview: Preview) -> Done {
    let data_id: DataId = preview.data_id.parse().map_err(StoreError::from)?;
    check_name(&preview.out)?;
    Failure::unless_folder_of(&preview.out)?;
    let cube = context.store.open(&data_id).await?;
    if let Some(vector) = cube.vector() {
        let location = context.store.cube_location(&data_id)?;
        return Err(Failure::vector_only(format!(
            "{data_id} holds vector data, and maps are drawn of rasters"
        ))
        .with_hint(format!(
            "open {location}/{} with QGIS or geopandas",
            vector.geopackage
        ))
        .into());
    }
    let (group, variable) = main_variable(&cube).ok_or_else(|| {
        Failure::io(
            "draw a map",
            &std::io::Error::other(format!("{data_id} holds no raster")),
        )
    })?;
    let drawn = time_of(&cube, &data_id, group, variable, preview.time).await?;
    let index = drawn.as_ref().map_or(0, |(index, _)| *index);
    let time = drawn.map(|(_, time)| time);
    let side = preview.width;
    let overview = cube
        .overview_at(&group.path, &variable.name, index, side, side)
        .await
        .map_err(|why| StoreError::of_cube(&data_id, why))?;
    let subtitle = match &time {
        Some(time) => format!("{data_id}, {time}"),
        None => data_id.to_string(),
    };
    let png = draw(&cube, group, variable, &overview, &subtitle)
        .map_err(|why| Failure::io("draw the map", &why))?;
    write_whole(&preview.out, &png).map_err(|why| {
        Failure::io(&format!("write {}", preview.out.display()), &why)
            .with_hint("choose another place with --out")
    })?;
    let written = Written {
        path: preview.out.display().to_string(),
        data_id: data_id.to_string(),
        group: group.path.clone(),
        variable: variable.name.clone(),
        time,
        width: overview.width,
        height: overview.height,
        reduction: group
            .grid
            .as_ref()
            .map_or(1.0, |grid| grid.width as f64 / f64::from(overview.width)),
        bytes: png.len() as u64,
    };
    context.result(&written, || {
        format!(
            "{}  ({} x {} map pixels, each {:.0} of the cube; {})",
            written.path,
            written.width,
            written.height,
            written.reduction,
            text::bytes(written.bytes)
        )
    })
}

fn check_name(out: &Path) -> Result<(), Failure> {
    let is_png = out
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("png"));
    if is_png {
        Ok(())
    } else {
        Err(
            Failure::usage(format!("--out {} is not a .png file", out.display()))
                .with_hint("maps are written as PNG: give the file a name that ends in .png"),
        )
    }
}

/// The first variable of the first group that has one: the root group comes first.
fn main_variable(cube: &Dataset) -> Option<(&GroupStructure, &ArrayStructure)> {
    cube.structure()
        .groups
        .iter()
        .find_map(|group| Some((group, group.variables.first()?)))
}

/// Which of a variable's times is drawn, and that time in words: the last one, or the last one of some days. `None` if it has no times.
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
        let ends = times.first().zip(times.last());
        let ends = ends.map_or_else(String::new, |(first, last)| {
            format!(": it has {} times from {first} to {last}", times.len())
        });
        let days = wanted.map_or_else(|| "any time".to_owned(), |days| days.to_string());
        return Err(Failure::usage(format!(
            "{data_id} has nothing of {days}{ends}"
        )));
    };
    Ok(Some((index, time.to_string())))
}

fn draw(
    cube: &Dataset,
    group: &GroupStructure,
    variable: &ArrayStructure,
    overview: &Overview,
    subtitle: &str,
) -> std::io::Result<Vec<u8>> {
    let style = Style::new(variable, overview);
    let attribute = |name: &str| {
        let value = cube.structure().attributes.get(name)?.as_str()?;
        Some(value.to_owned())
    };
    let title = attribute("title")
        .unwrap_or_else(|| variable.long_name().unwrap_or(&variable.name).to_owned());
    let per_pixel = overview.pixel_size[0].abs();
    let geographic = group
        .grid
        .as_ref()
        .is_some_and(|grid| grid.crs.is_geographic());
    let sheet = Sheet {
        title: &title,
        subtitle,
        width: overview.width,
        rgba: &style.render(overview),
        ground: if geographic {
            Ground::Degrees(per_pixel)
        } else {
            Ground::Metres(per_pixel)
        },
        legend: &style.legend(overview),
        credit: "Contains data of the Copernicus Land Monitoring Service, European Environment Agency (EEA). Made with clms.",
    };
    let mut png = Vec::new();
    sheet.write_png(&mut png)?;
    Ok(png)
}

/// Writes beside the wanted place and renames, so that a picture is there whole or not at all.
fn write_whole(out: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = match out.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let name = out.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.{}.part", std::process::id()));
    let written = fs::File::create(&beside).and_then(|file| {
        let mut file = BufWriter::new(file);
        file.write_all(bytes)?;
        file.flush()?;
        fs::rename(&beside, out)
    });
    if written.is_err() {
        // The first failure is the one to tell.
        let _ = fs::remove_file(&beside);
    }
    written
}
