//! `@datarequest_post`: checks a request whole, makes its tasks, and hands
//! them to the engine.

use std::time::Duration;

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::Refusal;
use super::item::{Item, check_item};
use super::task::{Origin, Role};
use crate::answer;
use crate::call::Call;
use crate::catalogue::text;
use crate::habits::{Cdse, EngineFault, TaskOutcome};
use crate::state::{State, later};

/// Items other than prepackaged files that one request may have.
const ITEM_LIMIT: usize = 5;

/// Data sets, by id, that the engine cannot give as NetCDF.
const WITHOUT_NETCDF: [&str; 1] = ["water-bodies-global-v1-0-100m"];

/// The items of a request that passed all checks.
#[derive(Default)]
struct Accepted {
    prepackaged: Vec<Value>,
    packages: Vec<String>,
    areas: Vec<Value>,
    cdse: Vec<Value>,
}

/// Answers a post; the second value is how long the answer takes.
pub(crate) fn post(state: &mut State, call: &Call, user: &str) -> (Response, Duration) {
    match accept(state, call, user) {
        Ok(accepted) => make_tasks(state, accepted, user),
        Err(refusal) => (refusal.response(), Duration::ZERO),
    }
}

fn accept(state: &mut State, call: &Call, user: &str) -> Result<Accepted, Refusal> {
    let body = call
        .json_body()
        .or_else(|message| Refusal::exception("DeserializationError", message))?;
    let requests = match &body["Datasets"] {
        Value::Array(requests) => requests,
        Value::Null => return Refusal::exception("TypeError", "'NoneType' object is not iterable"),
        Value::Object(_) | Value::String(_) => {
            return Refusal::exception("AttributeError", "'str' object has no attribute 'get'");
        }
        Value::Bool(_) => return Refusal::exception("TypeError", "'bool' object is not iterable"),
        Value::Number(_) => return Refusal::exception("TypeError", "'int' object is not iterable"),
    };
    let mut accepted = Accepted::default();
    for request in requests {
        match check_item(&state.catalogue, request)? {
            Item::Ignored => {}
            Item::Prepackaged { shown, package } => {
                accepted.prepackaged.push(shown);
                accepted.packages.push(package);
            }
            Item::Area { shown } => accepted.areas.push(shown),
            Item::Cdse { shown } => accepted.cdse.push(shown),
        }
    }
    check_netcdf(state, &accepted.areas)?;
    let parts = accepted.areas.len() + accepted.cdse.len();
    let is_full = parts > 0 && state.counts.strikes(state.habits.full_queue, "full queue");
    if is_full || parts > ITEM_LIMIT {
        return Refusal::tool(
            "The download queue can only process 5 items at a time. Please try again with fewer items.",
        );
    }
    check_duplicates(state, &accepted.areas, user)?;
    Ok(accepted)
}

fn check_netcdf(state: &State, areas: &[Value]) -> Result<(), Refusal> {
    let refused: Vec<&str> = areas
        .iter()
        .filter(|area| area["OutputFormat"] == "Netcdf")
        .map(|area| text(&area["DatasetID"]))
        .filter(|uid| {
            state
                .catalogue
                .by_uid(uid)
                .is_some_and(|dataset| WITHOUT_NETCDF.contains(&dataset.id()))
        })
        .collect();
    if refused.is_empty() {
        return Ok(());
    }
    Err(Refusal::Tool(format!(
        "Please choose the Geotiff format as the NetCDF format is not allowed for the dataset(s) {}",
        refused.join(", ")
    )))
}

/// No two equal items among the request's areas and all that the user has
/// queued or running, so that two queued tasks for the same file spoil every
/// later post (point 23). CDSE items are left out (point 37).
fn check_duplicates(state: &State, areas: &[Value], user: &str) -> Result<(), Refusal> {
    let now = state.now();
    let pending = state.tasks.all().filter(|task| {
        let pending = matches!(task.status(now), "Queued" | "In_progress");
        pending && task.user == user && task.role == Role::None && task.origin == Origin::Posted
    });
    let pending = pending.flat_map(|task| task.datasets.as_array().into_iter().flatten());
    let mut seen: Vec<&Value> = Vec::new();
    for item in pending.chain(areas) {
        if seen.contains(&item) {
            return Refusal::tool(
                "You have requested to download the same thing at least twice. Please check your download cart and \
                 remove any duplicates.",
            );
        }
        seen.push(item);
    }
    Ok(())
}

fn make_tasks(state: &mut State, accepted: Accepted, user: &str) -> (Response, Duration) {
    let Accepted {
        prepackaged,
        packages,
        areas,
        cdse,
    } = accepted;
    if !cdse.is_empty() {
        make_cdse_tasks(state, &cdse, user);
    }
    let mut kinds = Vec::new();
    if !prepackaged.is_empty() {
        kinds.push((prepackaged, packages));
    }
    if !areas.is_empty() {
        kinds.push((areas, Vec::new()));
    }
    let fault = match state.habits.engine {
        Some(fault)
            if !kinds.is_empty() && state.counts.strikes(state.habits.engine_when, "engine") =>
        {
            Some(fault)
        }
        _ => None,
    };
    let (mut accepted_ids, mut failed_ids) = (Vec::new(), Vec::new());
    let mut exception = None;
    for (datasets, packages) in kinds {
        let is_area = packages.is_empty();
        let verdict = verdict(fault, is_area);
        let id = json!({"TaskID": make_task(state, datasets, packages, user, &verdict)});
        if verdict.failed {
            failed_ids.push(id);
        } else {
            accepted_ids.push(id);
        }
        exception = exception.or(verdict.exception);
    }
    let delay = match fault {
        Some(EngineFault::Slow(delay)) => delay,
        _ => Duration::ZERO,
    };
    let response = if let Some((kind, message)) = exception {
        answer::plone_error(500, kind, message)
    } else if accepted_ids.is_empty() && !failed_ids.is_empty() {
        answer::tool_error(500, "Error, all requests failed")
    } else {
        answer::json(
            201,
            json!({"TaskIds": accepted_ids, "ErrorTaskIds": failed_ids}),
        )
    };
    (response, delay)
}

/// What a fault of the engine means for one task.
#[derive(Default)]
struct Verdict {
    /// The task is among the failed ones.
    failed: bool,
    /// The engine has never heard of the task.
    stuck: bool,
    /// The whole request fails with a Python exception.
    exception: Option<(&'static str, &'static str)>,
}

fn verdict(fault: Option<EngineFault>, is_area: bool) -> Verdict {
    let exception = |kind, message| Verdict {
        failed: true,
        stuck: true,
        exception: Some((kind, message)),
    };
    match fault {
        Some(EngineFault::Refuses) => Verdict {
            failed: true,
            stuck: true,
            ..Verdict::default()
        },
        Some(EngineFault::RefusesAreas) if is_area => Verdict {
            failed: true,
            stuck: true,
            ..Verdict::default()
        },
        Some(EngineFault::AnswersHtml) => exception(
            "JSONDecodeError",
            "Expecting value: line 1 column 1 (char 0)",
        ),
        Some(EngineFault::Unreachable) => exception("ConnectionError", UNREACHABLE),
        Some(EngineFault::UnreachableForAreas) if is_area => {
            exception("ConnectionError", UNREACHABLE)
        }
        Some(EngineFault::Slow(_)) => Verdict {
            failed: true,
            ..Verdict::default()
        },
        Some(EngineFault::RefusesAreas | EngineFault::UnreachableForAreas) | None => {
            Verdict::default()
        }
    }
}

const UNREACHABLE: &str = "HTTPConnectionPool(host='127.0.0.1', port=1): Max retries exceeded with url: /x (Caused by \
    NewConnectionError('<urllib3.connection.HTTPConnection object>: Failed to establish a new connection: [Errno 111] \
    Connection refused'))";

fn make_task(
    state: &mut State,
    datasets: Vec<Value>,
    packages: Vec<String>,
    user: &str,
    verdict: &Verdict,
) -> String {
    let now = state.now();
    let habits = &state.habits;
    let outcome = match &habits.outcome {
        _ if verdict.stuck => TaskOutcome::Stuck,
        TaskOutcome::Ok => TaskOutcome::Ok,
        other if state.counts.strikes(habits.outcome_when, "outcome") => other.clone(),
        _ => TaskOutcome::Ok,
    };
    let dead_link = outcome == TaskOutcome::Ok
        && state.counts.strikes(
            habits.dead_links,
            format!("dead link of {}", packages.join(", ")),
        );
    let reported_early = habits.status_goes_back;
    let task = state
        .tasks
        .make(user, Value::Array(datasets), now, state.queue);
    task.packages = packages;
    task.outcome = outcome;
    task.dead_link = dead_link;
    task.reported_early = reported_early;
    if verdict.failed && !verdict.stuck {
        task.stay_unnumbered();
    }
    task.id.clone()
}

/// A child for each item and one parent, which appear after a while (point 34).
fn make_cdse_tasks(state: &mut State, items: &[Value], user: &str) {
    let (now, queue) = (state.now(), state.queue);
    if state.habits.cdse == Cdse::NoData {
        return;
    }
    let rejected = state.habits.cdse == Cdse::Rejected;
    let after = |time: Duration| later(now, time);
    let (appears, starts) = (after(queue.queued / 2), after(queue.queued));
    let ends = after(queue.queued.saturating_add(queue.running));
    let group: Vec<String> = (0..4)
        .map(|_| format!("{:04}", rand::random_range(0..10_000)))
        .collect();
    let common = |role: &str| {
        let mut keys = Map::new();
        keys.insert("cdse_task_group_id".to_owned(), json!(group.join("-")));
        keys.insert("cdse_task_role".to_owned(), json!(role));
        keys
    };
    let (mut batches, mut geopackages, mut parent_items) = (Vec::new(), Vec::new(), Vec::new());
    for item in items {
        let (batch, geopackage) = (random_uuid(), format!("{}.gpkg", random_uuid()));
        let child = state.tasks.make(user, item.clone(), now, queue);
        child.role = Role::Child;
        child.extra = common("child");
        child.extra.insert("CDSEBatchID".to_owned(), json!(batch));
        child
            .extra
            .insert("GpkgFileName".to_owned(), json!(geopackage));
        child.set_life(appears, ends);
        let mut parent_item = item.clone();
        parent_item["DatasetPath"] = json!(bucket_path(&batch));
        parent_items.push(parent_item);
        batches.push(batch);
        geopackages.push(geopackage);
    }
    let parent = state
        .tasks
        .make(user, Value::Array(parent_items), now, queue);
    parent.role = Role::Parent;
    parent.extra = common("parent");
    parent
        .extra
        .insert("CDSEBatchIDs".to_owned(), json!(batches));
    parent
        .extra
        .insert("GpkgFileNames".to_owned(), json!(geopackages));
    if rejected {
        parent.outcome = TaskOutcome::Rejected("Failed to create batches in CDSE.".to_owned());
        parent.set_life(starts, starts);
    } else {
        parent.registered = appears;
    }
}

/// Where the parent says that a batch's files are: a list in base64.
fn bucket_path(batch: &str) -> String {
    STANDARD.encode(format!("[\"s3://clms-stub/{batch}\"]"))
}

fn random_uuid() -> String {
    let hex = format!("{:032x}", rand::random::<u128>());
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}
