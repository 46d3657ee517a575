//! `clms report`.

use clms_store::{CachedCubeDetails, DataId, StoreError, cube::Style};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{
    Context, Done,
    cache::{readable, size_in_files},
    open::crs_name,
    shown::{CREDIT, Shown, check_out, open_raster, write_out},
};
use crate::{
    args::Report,
    failure::Failure,
    report::{self, Map},
    text,
};

/// A report that was written.
#[derive(Serialize, JsonSchema)]
pub(super) struct Written {
    /// The HTML file.
    path: String,
    /// What it is about.
    data_id: String,
    /// The path of the group; empty for the root group.
    group: String,
    /// The variable on its map.
    variable: String,
    /// Of a variable of several times, the one that is drawn (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    /// The file's size in bytes.
    bytes: u64,
}

/// Columns and rows of the map, at most.
const SIDE: u32 = 1200;

pub(crate) async fn run(context: &Context, asked: Report) -> Done {
    let data_id: DataId = asked.data_id.parse().map_err(StoreError::from)?;
    check_out(&asked.out, "html", "reports are pages")?;
    let cube = open_raster(context, &data_id).await?;
    let shown = Shown::of(&cube, &data_id, asked.time).await?;
    let details = context.store.cached_details(&data_id).await?;
    let overview = shown.overview(SIDE, SIDE).await?;
    let statistics = shown.statistics().await?;
    let style = Style::new(shown.variable, &overview);
    let origin = |name: &str| details.origin.get(name).and_then(Value::as_str);
    let page = report::Report {
        title: shown.title(),
        data_id: &data_id.to_string(),
        map: Map {
            width: overview.width,
            rgba: &style.render(&overview),
            time: shown.time.as_deref(),
            scale: shown
                .ground(&overview)
                .scale_bar(f64::from(overview.width) / 4.0),
        },
        legend: &style.legend(&overview),
        statistics: statistics.as_ref(),
        facts: &facts(&shown),
        provenance: &provenance(&details),
        licence: origin("licence"),
        citation: origin("citation"),
        credit: CREDIT,
        location: &details.cube.cube,
        variable: &shown.variable.name,
        group: &shown.group.path,
        made: &format!(
            "Report of {} by clms {}.",
            text::time(Timestamp::now()),
            env!("CARGO_PKG_VERSION")
        ),
    };
    let html = page
        .html()
        .map_err(|why| Failure::io("draw the map", &why))?;
    write_out(&asked.out, html.as_bytes())?;
    let written = Written {
        path: asked.out.display().to_string(),
        data_id: data_id.to_string(),
        group: shown.group.path.clone(),
        variable: shown.variable.name.clone(),
        time: shown.time.clone(),
        bytes: html.len() as u64,
    };
    context.result(&written, || {
        format!("{}  ({})", written.path, text::bytes(written.bytes))
    })
}

/// What the cube is.
fn facts(shown: &Shown<'_>) -> Vec<(&'static str, String)> {
    let variable = shown.variable;
    let name = match variable.long_name() {
        Some(long_name) if long_name != variable.name => format!("{} ({long_name})", variable.name),
        _ => variable.name.clone(),
    };
    let mut facts = vec![("variable", name)];
    if !shown.group.path.is_empty() {
        facts.push(("group", shown.group.path.clone()));
    }
    let sizes = variable.dims.iter().zip(&variable.shape);
    let sizes: Vec<String> = sizes
        .map(|(dim, size)| format!("{dim}: {}", text::grouped(*size)))
        .collect();
    facts.push(("size", sizes.join(", ")));
    facts.push(("type", variable.dtype.name().to_owned()));
    if let Some(units) = variable.units() {
        facts.push(("units", units.to_owned()));
    }
    if let Some(grid) = &shown.group.grid {
        let [width, height] = grid.pixel_size().map(text::number);
        facts.push(("CRS", crs_name(&grid.crs)));
        let unit = if grid.crs.is_geographic() { "°" } else { " m" };
        facts.push(("pixel", format!("{width} x {height}{unit}")));
        facts.push(("extent", text::bbox(grid.bbox())));
    }
    if let Some(time) = &shown.time {
        facts.push(("time of the map", time.clone()));
    }
    facts
}

/// Where the cube came from, but for what has a section of its own.
fn provenance(details: &CachedCubeDetails) -> Vec<(String, String)> {
    let cube = &details.cube;
    let mut pairs = vec![
        ("data id".to_owned(), cube.data_id.clone()),
        ("cube".to_owned(), cube.cube.clone()),
        ("size".to_owned(), size_in_files(cube.bytes, cube.objects)),
        ("built".to_owned(), text::time(cube.committed_at)),
    ];
    if let Some(committed) = details.committed {
        let files = text::count(committed.objects, "file");
        let checksums = format!("of {files}, in the cache's manifest");
        pairs.push(("checksums".to_owned(), checksums));
    }
    let elsewhere = ["data_id", "licence", "citation", "kind", "created_at"];
    let origin = details
        .origin
        .iter()
        .filter(|(name, _)| !elsewhere.contains(&name.as_str()));
    pairs.extend(
        origin.filter_map(|(name, value)| Some((name.replace('_', " "), readable(value)?))),
    );
    pairs
}
