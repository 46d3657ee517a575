//! `@datarequest_search`, `@datarequest_status_get` and `@datarequest_delete`.

use axum::response::Response;
use serde_json::{Map, Value};

use super::task::Role;
use crate::answer;
use crate::call::Call;
use crate::habits::Cancel;
use crate::state::{App, State};

/// The statuses that can be searched for; not `QUEUED`, which only CDSE children have (point 35).
const STATUSES: [&str; 6] = [
    "Queued",
    "In_progress",
    "Finished_ok",
    "Finished_nok",
    "Cancelled",
    "Rejected",
];

/// The user's own tasks as an object keyed by TaskID (point 38).
pub(crate) fn search(app: &App, state: &mut State, call: &Call, user: &str) -> Response {
    let mut wanted = call
        .parameters("status")
        .filter(|status| !status.is_empty());
    let (status, more) = (wanted.next(), wanted.next().is_some());
    if more || status.is_some_and(|status| !STATUSES.contains(&status)) {
        return answer::tool_error(400, "Error, status not recognized");
    }
    let now = state.now();
    let mut found = Map::new();
    for task in state.tasks.visible(now).filter(|task| task.user == user) {
        if status.is_none_or(|status| task.status(now) == status) {
            let shown = task.shown(now, &state.habits, &app.packages, &app.base_url);
            found.insert(task.id.clone(), shown);
        }
    }
    answer::json(200, Value::Object(found))
}

/// Any user's task, without its id inside (point 39).
pub(crate) fn status_get(app: &App, state: &mut State, call: &Call) -> Response {
    let Some(id) = call.parameter("TaskID").filter(|id| !id.is_empty()) else {
        return answer::tool_error(400, "Error, TaskID not defined");
    };
    let now = state.now();
    match state.tasks.by_id(id, now) {
        Some(task) => answer::json(
            200,
            task.shown(now, &state.habits, &app.packages, &app.base_url),
        ),
        None => answer::tool_error(404, "Error, the task does not exist"),
    }
}

/// Cancels a task whatever its state; the statuses of refusals are swapped (points 42 and 43).
pub(crate) fn delete(state: &mut State, call: &Call, user: &str) -> Response {
    let body = call.json_body().unwrap_or_default();
    let id = match &body["TaskID"] {
        Value::Null => return answer::tool_error(400, "Error, TaskID not defined"),
        Value::String(id) if id.is_empty() => {
            return answer::tool_error(400, "Error, TaskID not defined");
        }
        Value::String(id) => id.clone(),
        other => other.to_string(),
    };
    if state.habits.cancel == Cancel::FirewallPage {
        return answer::html(403, "Request Rejected");
    }
    let swallowed = state.habits.cancel == Cancel::Swallowed;
    let now = state.now();
    let Some(task) = state.tasks.by_id(&id, now) else {
        return answer::tool_error(403, "Error, TaskID not registered");
    };
    if task.user != user {
        return answer::tool_error(404, "Error, permission denied");
    }
    if !swallowed {
        task.cancel(now);
        if task.role == Role::Parent {
            let group = task.extra["cdse_task_group_id"].clone();
            state.tasks.retain(|task| {
                task.role != Role::Child || task.extra["cdse_task_group_id"] != group
            });
        }
    }
    answer::empty(204)
}
