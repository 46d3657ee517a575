//! `clms preview`.

use std::{
    fs,
    io::{BufWriter, Write},
    path::Path,
};

use clms_store::{
    DataId, StoreError,
    cube::{ArrayStructure, Dataset, GroupStructure, Overview, Style},
};
use serde::Serialize;

use super::{Context, Done};
use crate::{
    args::Preview,
    failure::Failure,
    map::{Ground, Sheet},
    text,
};

#[derive(Serialize)]
struct Written {
    path: String,
    data_id: String,
    group: String,
    variable: String,
    /// Pixels of the map itself, without its frame.
    width: u32,
    height: u32,
    /// Pixels of the cube that one pixel of the map stands for.
    reduction: f64,
    bytes: u64,
}

pub(crate) async fn run(context: &Context, preview: Preview) -> Done {
    let data_id: DataId = preview.data_id.parse().map_err(StoreError::from)?;
    check_name(&preview.out)?;
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
    let overview = cube
        .overview(&group.path, &variable.name, preview.width, preview.width)
        .await
        .map_err(|why| StoreError::of_cube(&data_id, why))?;
    let png = draw(&cube, group, variable, &overview, &data_id)
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

fn draw(
    cube: &Dataset,
    group: &GroupStructure,
    variable: &ArrayStructure,
    overview: &Overview,
    data_id: &DataId,
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
        subtitle: &data_id.to_string(),
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
