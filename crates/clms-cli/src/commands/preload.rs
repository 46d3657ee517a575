//! `clms preload`.

use std::path::Path;

use clms_store::{
    DataId, JobOutcome, JobStatus, PlannedAction, PlannedPreload, PreloadOptions, ProblemKind,
    StoreError, cube::ZarrFormat,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, Done, Stop, again, data_ids};
use crate::{args::Preload, exit, failure::Failure, progress, request_file::PreloadRequest, text};

pub(crate) async fn run(context: &Context, preload: Preload) -> Done {
    let request = PreloadRequest::of(&preload)?;
    let data_ids = wanted(context, &request).await?;
    let options = PreloadOptions {
        force: preload.force,
        detach: preload.detach,
        ..request.options()
    };
    if preload.dry_run {
        let plans = context.store.plan_preload(&data_ids, &options).await?;
        return context.result(&plans, || plan(&plans));
    }
    let listener = progress::listener(context.progress, &context.screen);
    let outcomes = match context
        .store
        .preload(&data_ids, &options, listener, &context.stop)
        .await
    {
        Err(StoreError::Interrupted) => {
            let note =
                "stopped before anything was requested. To go on, type the same command again";
            context.printer.note(note);
            return Err(Stop::Code(exit::INTERRUPTED));
        }
        outcomes => outcomes?,
    };
    let shown: Vec<Outcome> = outcomes.iter().map(Outcome::of).collect();
    context.result(&shown, || summary(&outcomes))?;
    if let Some(wanted) = preload.zarr_format {
        tell_other_formats(context, &outcomes, wanted);
    }
    conclude(context, &outcomes)
}

/// A cube that is there stays as it is; whoever wants another format for other software must know.
fn tell_other_formats(context: &Context, outcomes: &[JobOutcome], wanted: ZarrFormat) {
    let [wanted_root, other_root, number, other] = match wanted {
        ZarrFormat::V2 => [".zgroup", "zarr.json", "2", "3"],
        _ => ["zarr.json", ".zgroup", "3", "2"],
    };
    for outcome in outcomes {
        let (JobStatus::Cached, Some(cube)) = (outcome.status, &outcome.cube) else {
            continue;
        };
        let cube = Path::new(cube);
        if cube.join(other_root).exists() && !cube.join(wanted_root).exists() {
            context.printer.note(&format!(
                "note: {} is cached as Zarr {other}; --force builds it anew as Zarr {number}",
                outcome.data_id
            ));
        }
    }
}

/// The data ids as typed or, with options that choose a subset, those of that subset of them.
async fn wanted(context: &Context, request: &PreloadRequest) -> Result<Vec<DataId>, Stop> {
    let subset = request.subset()?;
    let data_ids = data_ids(&request.data_ids)?;
    if subset.is_empty() {
        return Ok(data_ids);
    }
    Ok(context.store.subsets_of(&data_ids, &subset).await?)
}

/// What became of a data id that was to be preloaded.
#[derive(Serialize, JsonSchema)]
pub(super) struct Outcome<'a> {
    /// What was asked for.
    data_id: &'a str,
    /// How it ended.
    status: JobStatus,
    /// The path or URL under which other software opens the cube, if it is there.
    cube: Option<&'a str>,
    /// The cube's size in bytes.
    bytes: Option<u64>,
    /// The task of the portal that gave it, or will.
    task_id: Option<String>,
    /// The job; none for what was cached.
    job: Option<String>,
    /// Why it failed, if it did.
    error: Option<Failure>,
}

impl<'a> Outcome<'a> {
    pub(super) fn of(outcome: &'a JobOutcome) -> Self {
        Self {
            data_id: &outcome.data_id,
            status: outcome.status,
            cube: outcome.cube.as_deref(),
            bytes: outcome.bytes,
            task_id: outcome.task_id.as_ref().map(ToString::to_string),
            job: (outcome.status != JobStatus::Cached).then(|| outcome.job.to_string()),
            error: outcome.error.as_ref().map(Failure::from),
        }
    }
}

fn plan(plans: &[PlannedPreload]) -> String {
    let mut out = String::new();
    for plan in plans {
        let pairs = [
            ("data id", plan.data_id.to_string()),
            (
                "would",
                match plan.action {
                    PlannedAction::Cached => {
                        "do nothing: the cube is there (--force builds it anew)".to_owned()
                    }
                    PlannedAction::Resume => "go on with an unfinished job".to_owned(),
                    _ => "request it, unless the portal has a task for it already".to_owned(),
                },
            ),
            ("request", plan.request.to_string()),
            (
                "download",
                plan.size.map_or_else(
                    || "of unknown size".to_owned(),
                    |size| format!("about {}", text::bytes(size)),
                ),
            ),
            ("job", plan.job.to_string()),
            ("cube", plan.cube.clone()),
        ];
        out.push_str(&text::pairs(&pairs));
        out.push('\n');
    }
    let new = || {
        plans
            .iter()
            .filter(|plan| plan.action != PlannedAction::Cached)
    };
    let known: u64 = new().filter_map(|plan| plan.size).sum();
    let unknown = new().filter(|plan| plan.size.is_none()).count();
    let unknown = match unknown {
        0 => None,
        1 => Some("1 download of unknown size".to_owned()),
        several => Some(format!("{several} downloads of unknown size")),
    };
    let known = (known > 0 || unknown.is_none())
        .then(|| format!("about {} to download", text::bytes(known)));
    let all: Vec<String> = known.into_iter().chain(unknown).collect();
    let all = all.join(" and ");
    out.push_str(&format!("{all}; nothing was requested\n"));
    out
}

pub(super) fn summary(outcomes: &[JobOutcome]) -> String {
    if outcomes.is_empty() {
        return String::new();
    }
    let rows = outcomes.iter().map(|outcome| {
        vec![
            outcome.data_id.clone(),
            progress::ending(outcome.status).to_owned(),
            outcome.bytes.map_or_else(String::new, text::bytes),
            outcome.cube.clone().unwrap_or_default(),
        ]
    });
    text::table(&["data id", "status", "size", "cube"], rows, &[2])
}

/// Says why what failed has failed, and finds the exit code.
pub(super) fn conclude(context: &Context, outcomes: &[JobOutcome]) -> Done {
    let mut codes = Vec::new();
    for outcome in outcomes {
        let Some(problem) = &outcome.error else {
            continue;
        };
        let mut failure = Failure::from(problem);
        if problem.kind == ProblemKind::Timeout {
            failure.hint = Some(format!("go on with: clms preload '{}'", outcome.data_id));
        }
        failure.message = format!("{}: {}", outcome.data_id, failure.message);
        if !context.printer.is_json() && outcome.status == JobStatus::Failed {
            context.printer.failure(&failure);
        }
        codes.push(failure.code);
    }
    let stopped = outcomes
        .iter()
        .any(|outcome| outcome.status == JobStatus::Cancelled);
    if stopped && context.stop.is_cancelled() {
        context.printer.note(&format!(
            "stopped; what was requested stays at the portal. To go on: {}",
            again::as_typed().unwrap_or_else(|| "type the same command again".to_owned())
        ));
        return Err(Stop::Code(exit::INTERRUPTED));
    }
    match codes.as_slice() {
        [] => Ok(()),
        codes if codes.len() < outcomes.len() => Err(Stop::Code(exit::PARTLY)),
        [first, rest @ ..] if rest.iter().all(|code| code == first) => Err(Stop::Code(*first)),
        _ => Err(Stop::Code(exit::FAILED)),
    }
}
