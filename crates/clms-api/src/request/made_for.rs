//! Which of the portal's tasks was made for a request.
//!
//! The portal says so only when it answers, and not even then of CDSE. Its tasks show what they
//! are for, with keys of their own and without the collection's identifier.

use super::part::PartRequest;
use super::{DataRequest, TaskKind};
use crate::model::{CdseRole, FileRequest, Task, TaskDataset};

impl DataRequest {
    /// Whether a task holds exactly what of this request ends in a task of that kind. The
    /// children of a CDSE request never do: their parent is the task to watch.
    ///
    /// Whether the task was made *by* this request is another question: see
    /// [`Client::request_once`](crate::Client::request_once).
    pub fn is_whole_of(&self, kind: TaskKind, task: &Task) -> bool {
        let is_cdse = task.cdse_role == Some(CdseRole::Parent);
        if task.cdse_role.is_some() && !is_cdse || is_cdse != (kind == TaskKind::CdseParts) {
            return false;
        }
        match kind {
            TaskKind::Files => matched(&self.files, &task.datasets, is_file),
            TaskKind::Parts | TaskKind::CdseParts => {
                let parts: Vec<_> = self
                    .parts
                    .iter()
                    .filter(|part| part.kind() == kind)
                    .collect();
                matched(&parts, &task.datasets, |part, item| is_part(part, item))
            }
        }
    }
}

/// Whether each of `wanted` is one of `found` and none is left over, in any order.
fn matched<T>(wanted: &[T], found: &[TaskDataset], is: impl Fn(&T, &TaskDataset) -> bool) -> bool {
    if wanted.is_empty() || wanted.len() != found.len() {
        return false;
    }
    let mut left: Vec<&TaskDataset> = found.iter().collect();
    wanted.iter().all(|one| {
        let place = left.iter().position(|item| is(one, item));
        place.map(|place| left.swap_remove(place)).is_some()
    })
}

fn is_file(file: &FileRequest, item: &TaskDataset) -> bool {
    item.dataset_uid.as_ref() == Some(&file.dataset_uid)
        && item.file_id.as_ref() == Some(&file.file_id)
}

fn is_part(part: &PartRequest, item: &TaskDataset) -> bool {
    let shown = item.part_content();
    shown.is_some_and(|shown| part.content().may_be(&shown))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::{BBox, Source};
    use crate::request::part::tests::part_for;
    use crate::request::{Area, Days};

    fn task(datasets: Value) -> Task {
        Task::from_portal(
            "1".into(),
            json!({"Status": "Queued", "Datasets": datasets}),
        )
        .unwrap()
    }

    fn shown(code: &str) -> Value {
        // "/Land/x"
        json!({"DatasetID": "d", "DatasetPath": "L0xhbmQveA==", "OutputFormat": "Geotiff", "OutputGCS": "EPSG:3035", "NUTSID": code})
    }

    #[test]
    fn parts_in_any_order_and_nothing_else() {
        let request = DataRequest::new().part(part_for("LU")).part(part_for("AT"));
        let is_whole = |datasets| request.is_whole_of(TaskKind::Parts, &task(datasets));
        assert!(is_whole(json!([shown("AT"), shown("LU")])));
        assert!(!is_whole(json!([shown("AT")])));
        assert!(!is_whole(json!([shown("AT"), shown("LU"), shown("BE")])));
        assert!(!is_whole(json!([shown("AT"), shown("AT")])));
        assert!(!request.is_whole_of(TaskKind::Files, &task(json!([shown("AT"), shown("LU")]))));
    }

    #[test]
    fn each_choice_counts() {
        let request = DataRequest::new().part(part_for("LU"));
        let with = |key: &str, value: Value| {
            let mut item = shown("LU");
            item[key] = value;
            request.is_whole_of(TaskKind::Parts, &task(json!([item])))
        };
        assert!(with("DatasetTitle", json!("any")));
        for (key, value) in [
            ("DatasetID", json!("other")),
            ("DatasetPath", json!("eA==")),
            ("OutputFormat", json!("Netcdf")),
            ("OutputGCS", json!("EPSG:4326")),
            ("NUTSID", json!("LU0")),
            ("Layer", json!("TCD")),
            ("FileID", json!("f")),
            (
                "TemporalFilter",
                json!({"StartDate": "2021-01-01 00:00:00", "EndDate": "2021-01-02 00:00:00"}),
            ),
        ] {
            assert!(!with(key, value), "{key}");
        }
    }

    /// Text that jobs keep, and find their tasks by: it must not change from version to version.
    #[test]
    fn request_and_task_have_the_same_content() {
        use jiff::civil::date;
        let part = PartRequest {
            area: Some(Area::BBox(BBox::new(6.1, 49.0, 7.0, 50.3).unwrap())),
            days: Some(Days::new(date(2021, 1, 1), date(2021, 1, 20)).unwrap()),
            layer: Some("TCD ".to_owned()),
            ..part_for("LU")
        };
        let task = task(json!([{
            "DatasetID": "d", "DatasetPath": "L0xhbmQveA==", "DatasetSource": "EEA",
            "OutputFormat": "Geotiff", "OutputGCS": "EPSG:3035", "BoundingBox": [6.1, 50.3, 7, 49], "Layer": "TCD",
            "TemporalFilter": {"StartDate": "2021-01-01 00:00:00", "EndDate": "2021-01-20 00:00:00"},
        }]));
        let shown = task.datasets[0].part_content().unwrap();
        assert_eq!(part.content(), shown);
        assert_eq!(
            shown.to_string(),
            r#"["d","/Land/x","Geotiff","EPSG:3035","bbox [6100000000, 49000000000, 7000000000, 50300000000]e-9","2021-01-01/2021-01-20","TCD"]"#
        );
    }

    #[test]
    fn of_cdse_only_the_parent() {
        use jiff::civil::date;
        let part = PartRequest {
            source: Source::Cdse,
            path: None,
            area: Some(Area::BBox(BBox::new(6.0, 49.0, 6.2, 49.2).unwrap())),
            days: Some(Days::new(date(2021, 1, 1), date(2021, 1, 5)).unwrap()),
            ..part_for("LU")
        };
        let request = DataRequest::new().part(part);
        let item = json!({
            "DatasetID": "d", "BoundingBox": [6.0, 49.0, 6.2, 49.2], "OutputFormat": "Geotiff", "OutputGCS": "EPSG:3035",
            "TemporalFilter": {"EndDate": "2021-01-05T23:59:59Z", "StartDate": "2021-01-01T00:00:00Z"},
        });
        let with_role = |role: &str, datasets: Value| {
            let value = json!({"Status": "Queued", "Datasets": datasets, "cdse_task_role": role});
            let task = Task::from_portal("1".into(), value).unwrap();
            request.is_whole_of(TaskKind::CdseParts, &task)
        };
        assert!(with_role("parent", json!([item])));
        assert!(!with_role("child", item.clone()));
        assert!(!request.is_whole_of(TaskKind::CdseParts, &task(json!([item]))));
    }
}
