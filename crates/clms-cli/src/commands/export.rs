//! `clms export`.

use std::path::Path;

use clms_store::{
    DataId, DayRange, OpenOptions, StoreError,
    cube::{Dataset, ExportOptions, ExportProgress, ExportReport, ExportState, Format},
};
use jiff::civil::Date;

use super::{Context, Done, Stop};
use crate::{
    args::Export,
    exit,
    failure::Failure,
    progress::{Doing, Work},
    request_file::{ExportRequest, Numbers},
    text,
};

/// The CRS of boxes and points unless another one is named; sources choose files by it.
const DEGREES: &str = "EPSG:4326";

/// No longitude or latitude is that large, whichever way round the world it is counted.
const MOST_DEGREES: f64 = 720.0;

/// Around a point, so that sources find the file that it lies in.
const A_LITTLE: f64 = 1e-6;

pub(crate) async fn run(context: &Context, export: Export) -> Done {
    let request = ExportRequest::of(&export)?;
    // Before anything is opened: a name that says no format is a slip of the keyboard.
    let _ = Format::of_path(&request.out).map_err(|why| {
        let failure = Failure::usage(why.to_string());
        failure.with_hint("its ending says the format: .tif, .nc, .zarr, .csv or .png")
    })?;
    Failure::unless_folder_of(&request.out)?;
    let data_id: DataId = request.data_id.parse().map_err(StoreError::from)?;
    let bbox_crs = request.bbox_crs.clone().unwrap_or(DEGREES.to_owned());
    let in_degrees = [DEGREES, "4326"].contains(&bbox_crs.to_uppercase().trim());
    if in_degrees {
        check_degrees(context, &data_id, &request).await?;
    }
    let opened = OpenOptions {
        time: request.time,
        bbox: in_degrees.then(|| place(&request)).flatten(),
        ..OpenOptions::default()
    };
    let dataset = tokio::select! {
        dataset = context.store.open_part(&data_id, &opened) => dataset?,
        () = context.stop.cancelled() => return Err(stopped(context, &request.out)),
    };
    let is_of_days = match request.time {
        Some(days) => covers(&dataset, &data_id, &request, days)?,
        None => true,
    };
    let options = ExportOptions {
        group: request.group.unwrap_or_default(),
        variable: request.variable,
        bbox: request.bbox.map(|bbox| bbox.0),
        bbox_crs: Some(bbox_crs),
        time: request.time.map(DayRange::instants),
        crs: request.crs,
        resolution: request.resolution.map(|sides| sides.0),
        resampling: request.resampling,
        points: request.point.iter().map(|point| point.0).collect(),
        polygon: request.polygon,
        max_side: request.max_side,
        overwrite: export.overwrite,
    };
    let (progress, screen) = (context.progress, &context.screen);
    let work = Work::begin(Doing::Exporting, progress, screen, &data_id.to_string());
    let outcome = dataset
        .export(&request.out, &options, &work, &context.stop)
        .await;
    if outcome.is_ok() {
        work.done();
    } else {
        drop(work);
    }
    let report = match outcome {
        Err(_) if context.stop.is_cancelled() => return Err(stopped(context, &request.out)),
        outcome => outcome.map_err(|why| StoreError::of_export(&data_id, why))?,
    };
    if !is_of_days && report.time.is_none() {
        let note =
            format!("note: what was written of {data_id} has no times, and --time chose none");
        context.printer.note(&note);
    }
    context.result(&report, || page(&report))
}

impl ExportProgress for Work {
    fn advanced(&self, state: ExportState) {
        self.at(state.done, state.total);
    }
}

/// The end of an export by Ctrl-C or SIGTERM.
fn stopped(context: &Context, out: &Path) -> Stop {
    let out = out.display();
    let note = format!("stopped; nothing was written, {out} is as it was before");
    context.printer.note(&note);
    Stop::Code(exit::INTERRUPTED)
}

/// An error if what should be degrees is none, with the CRS that it may be in.
async fn check_degrees(
    context: &Context,
    data_id: &DataId,
    request: &ExportRequest,
) -> Result<(), Stop> {
    let sides = request.bbox.iter().flat_map(|bbox| bbox.0);
    let points = request.point.iter().flat_map(|point| point.0);
    if sides.chain(points).all(|side| side.abs() <= MOST_DEGREES) {
        return Ok(());
    }
    // Only of what is cached the CRS is known without a look at files elsewhere.
    let own = match context.store.cached_at(data_id).await? {
        Some(_) => context.store.open(data_id).await.ok(),
        None => None,
    };
    let group = own
        .as_ref()
        .and_then(|own| own.group(request.group.as_deref().unwrap_or_default()).ok());
    let crs = group.and_then(|group| group.grid.as_ref()?.crs.code.clone());
    let hint = match crs {
        Some(crs) => format!("for metres name their CRS; that of the cube is --bbox-crs {crs}"),
        None => "for metres name their CRS, such as --bbox-crs EPSG:3035".to_owned(),
    };
    let what = match request.bbox {
        Some(bbox) => format!("the box {bbox}"),
        None => "the point".to_owned(),
    };
    Err(Failure::usage(format!("{what} is not in degrees"))
        .with_hint(hint)
        .into())
}

/// Whether what is wanted of a dataset is known to be of the wanted days; an error if it is known not to be. What has times of its own is chosen from later.
fn covers(
    dataset: &Dataset,
    data_id: &DataId,
    request: &ExportRequest,
    days: DayRange,
) -> Result<bool, Failure> {
    let structure = dataset.structure();
    let Ok(group) = dataset.group(request.group.as_deref().unwrap_or_default()) else {
        return Ok(false);
    };
    let wanted = request.variable.as_ref();
    let mut variables = group.variables.iter();
    if variables.any(|it| wanted.is_none_or(|name| it.name == *name) && it.steps().is_some()) {
        return Ok(false);
    }
    let day = |end: &str| -> Option<Date> {
        let name = format!("time_coverage_{end}");
        let told = group.attributes.get(&name);
        let told = told.or_else(|| structure.attributes.get(&name))?.as_str()?;
        told.get(..10)?.parse().ok()
    };
    let (Some(first), Some(last)) = (day("start"), day("end")) else {
        return Ok(false);
    };
    if days.overlaps(Some(first), Some(last)) {
        return Ok(true);
    }
    let is_whole_years = first.day_of_year() == 1 && last.day_of_year() == last.days_in_year();
    let told = match (is_whole_years, first.year() == last.year()) {
        (true, true) => first.year().to_string(),
        (true, false) => format!("{} to {}", first.year(), last.year()),
        (false, _) => format!("{first} to {last}"),
    };
    Err(Failure::usage(format!(
        "the data of {data_id} are of {told}: --time {days} chooses nothing"
    ))
    .with_hint("leave --time away, or export the data of another time"))
}

/// The box that holds all that is wanted.
fn place(request: &ExportRequest) -> Option<[f64; 4]> {
    request.bbox.map(|bbox| bbox.0).or_else(|| {
        let sides =
            |Numbers([x, y]): &Numbers<2>| [x - A_LITTLE, y - A_LITTLE, x + A_LITTLE, y + A_LITTLE];
        request.point.iter().map(sides).reduce(|a, b| {
            [
                a[0].min(b[0]),
                a[1].min(b[1]),
                a[2].max(b[2]),
                a[3].max(b[3]),
            ]
        })
    })
}

fn page(report: &ExportReport) -> String {
    let joined = |sizes: &[u64]| {
        let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
        sizes.join(" x ")
    };
    let mut pairs = vec![
        ("written", report.path.display().to_string()),
        ("format", report.format.to_string()),
        ("size", text::bytes(report.bytes)),
        ("variables", report.variables.join(", ")),
        (
            "shape",
            format!("{} ({})", joined(&report.shape), report.dims.join(", ")),
        ),
    ];
    if let Some(crs) = report.crs.as_ref().filter(|crs| crs.len() < 40) {
        pairs.push(("crs", crs.clone()));
    }
    if let Some(bbox) = report.bbox {
        pairs.push(("bbox", text::bbox(bbox)));
    }
    if let Some([first, last]) = &report.time {
        pairs.push(("time", format!("{first} to {last}")));
    }
    text::pairs(&pairs)
}
