//! `clms export`.

use std::path::Path;

use clms_store::{
    DataId, DayRange, OpenOptions, StoreError,
    cube::{ExportOptions, ExportProgress, ExportReport, ExportState},
};

use super::{Context, Done, Stop};
use crate::{
    args::Export,
    exit,
    progress::{Doing, Work},
    text,
};

/// The CRS of boxes and points unless another one is named; sources choose files by it.
const DEGREES: &str = "EPSG:4326";

/// Around a point, so that sources find the file that it lies in.
const A_LITTLE: f64 = 1e-6;

pub(crate) async fn run(context: &Context, export: Export) -> Done {
    let data_id: DataId = export.data_id.parse().map_err(StoreError::from)?;
    let opened = OpenOptions {
        time: export.time,
        bbox: (export.bbox_crs == DEGREES)
            .then(|| place(&export))
            .flatten(),
        ..OpenOptions::default()
    };
    let dataset = tokio::select! {
        dataset = context.store.open_part(&data_id, &opened) => dataset?,
        () = context.stop.cancelled() => return Err(stopped(context, &export.out)),
    };
    let options = ExportOptions {
        group: export.group,
        variable: export.variable,
        bbox: export.bbox,
        bbox_crs: Some(export.bbox_crs),
        time: export.time.map(DayRange::instants),
        crs: export.crs,
        resolution: export.resolution,
        resampling: export.resampling,
        points: export.point,
        polygon: export.polygon,
        max_side: export.max_side,
        overwrite: export.overwrite,
    };
    let (progress, screen) = (context.progress, &context.screen);
    let work = Work::begin(Doing::Exporting, progress, screen, &data_id.to_string());
    let outcome = dataset
        .export(&export.out, &options, &work, &context.stop)
        .await;
    if outcome.is_ok() {
        work.done();
    } else {
        drop(work);
    }
    let report = match outcome {
        Err(_) if context.stop.is_cancelled() => return Err(stopped(context, &export.out)),
        outcome => outcome.map_err(|why| StoreError::of_export(&data_id, why))?,
    };
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

/// The box that holds all that is wanted.
fn place(export: &Export) -> Option<[f64; 4]> {
    export.bbox.or_else(|| {
        let sides = |[x, y]: &[f64; 2]| [x - A_LITTLE, y - A_LITTLE, x + A_LITTLE, y + A_LITTLE];
        export.point.iter().map(sides).reduce(|a, b| {
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
