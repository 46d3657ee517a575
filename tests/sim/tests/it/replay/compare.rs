//! Comparing a recorded body with the sim's.

use serde_json::Value;

/// Values that are another at each run: only their JSON type is compared.
const VOLATILE: [&str; 22] = [
    "access_token",
    "CDSEBatchID",
    "CDSEBatchIDs",
    "DatasetPath of a parent",
    "DownloadURL",
    "FMETaskId",
    "FileSize",
    "FinalizationDateTime",
    "GpkgFileName",
    "GpkgFileNames",
    "RegistrationDateTime",
    "TaskID",
    "TranslationGroup",
    "cdse_task_group_id",
    "client_id",
    "issued",
    "key_id",
    "last_used",
    "private_key",
    "@id of a key",
    "ip_range",
    "title of a key",
];

/// A body with its tasks as a list in a stable order, and the ids in it in that order.
pub(super) fn normalised(name: &str, body: Value) -> (Value, Vec<String>) {
    let Value::Object(mut map) = body else {
        return (body, Vec::new());
    };
    let is_task_list = !map.is_empty()
        && map
            .values()
            .all(|value| value.get("RegistrationDateTime").is_some());
    if is_task_list {
        let mut tasks: Vec<(String, Value)> = map
            .into_iter()
            .map(|(id, task)| (id, named_apart(task)))
            .collect();
        tasks.sort_by_cached_key(|(_, task)| {
            let text = |key: &str| task.get(key).map(Value::to_string).unwrap_or_default();
            let area = task["Datasets"].get(0).unwrap_or(&task["Datasets"]);
            let area =
                ["FileID", "NUTSID", "BoundingBox"].map(|key| area.get(key).map(Value::to_string));
            (text("cdse_task_role"), text("Status"), format!("{area:?}"))
        });
        let (ids, tasks) = tasks.into_iter().unzip();
        return (Value::Array(tasks), ids);
    }
    if let (Some(Value::Array(accepted)), Some(Value::Array(failed))) =
        (map.get("TaskIds"), map.get("ErrorTaskIds"))
    {
        let ids = accepted
            .iter()
            .chain(failed)
            .map(|id| id["TaskID"].as_str().unwrap().to_owned())
            .collect();
        return (Value::Object(map), ids);
    }
    if name.starts_with("service-keys") {
        return service_keys(map);
    }
    if let Some(Value::Array(items)) = map
        .get_mut("items")
        .filter(|_| name == "search: SearchableText")
    {
        // The portal sorts by relevance, the sim does not.
        items.sort_by_cached_key(|item| item["@id"].to_string());
    }
    let message = map
        .get("message")
        .and_then(Value::as_str)
        .and_then(|text| text.split_once(" object at 0x"));
    if let Some((start, rest)) = message {
        let rest = rest.split_once('>').unwrap().1;
        let message = format!("{start} object>{rest}");
        map.insert("message".to_owned(), message.into());
    }
    (named_apart(Value::Object(map)), Vec::new())
}

/// Gives the volatile one of two equally named keys a name of its own.
fn named_apart(mut task: Value) -> Value {
    if task["cdse_task_role"] == "parent" {
        for item in task["Datasets"].as_array_mut().unwrap() {
            let path = item.as_object_mut().unwrap().remove("DatasetPath").unwrap();
            item["DatasetPath of a parent"] = path;
        }
    }
    task
}

/// One key stands for all of a list, since another number of them was made.
fn service_keys(mut map: serde_json::Map<String, Value>) -> (Value, Vec<String>) {
    let rename = |key: &mut Value| {
        if let Some(key) = key.as_object_mut() {
            for (from, to) in [("title", "title of a key"), ("@id", "@id of a key")] {
                if let Some(value) = key.remove(from) {
                    key.insert(to.to_owned(), value);
                }
            }
        }
    };
    let mut ids = Vec::new();
    if let Some(items) = map.get_mut("items").and_then(Value::as_array_mut) {
        items.truncate(1);
        items.iter_mut().for_each(rename);
    }
    if let Some(key) = map.get_mut("service_key") {
        ids.push(key["key_id"].as_str().unwrap().to_owned());
        rename(key);
    }
    let mut body = Value::Object(map);
    if body.get("service_key").is_some() {
        rename(&mut body);
    }
    (body, ids)
}

/// Adds a line for each place where the two differ in keys, types or values.
pub(super) fn differences(path: &str, expected: &Value, found: &Value, lines: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (key, value) in expected {
                match found.get(key) {
                    None => lines.push(format!("{path}/{key} is missing")),
                    Some(other) if VOLATILE.contains(&key.as_str()) => {
                        same_type(&format!("{path}/{key}"), value, other, lines);
                    }
                    Some(other) => differences(&format!("{path}/{key}"), value, other, lines),
                }
            }
            for key in found.keys().filter(|key| !expected.contains_key(*key)) {
                lines.push(format!("{path}/{key} is too much"));
            }
        }
        (Value::Array(expected), Value::Array(found)) => {
            if expected.len() != found.len() {
                lines.push(format!(
                    "{path} has {} elements instead of {}",
                    found.len(),
                    expected.len()
                ));
            }
            for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
                differences(&format!("{path}/{index}"), expected, found, lines);
            }
        }
        _ if expected == found => {}
        _ => lines.push(format!("{path} is {found} instead of {expected}")),
    }
}

fn same_type(path: &str, expected: &Value, found: &Value, lines: &mut Vec<String>) {
    let same = std::mem::discriminant(expected) == std::mem::discriminant(found);
    let same = same && expected.is_i64() == found.is_i64();
    if !same {
        lines.push(format!(
            "{path} is {found}, which is not of the type of {expected}"
        ));
    }
}
