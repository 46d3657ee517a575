//! Whatever a server answers, reading it ends in a value or an error, and a value can be kept.
#![no_main]

use clms_api::{
    Dataset, DatasetSummary, DirectLinks, FormatTable, ServiceKey, Task, TimeSeriesMetadata, parse_size,
};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let _ = parse_size(&text);
    let _ = ServiceKey::from_json(&text);
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    if let Ok(dataset) = Dataset::from_portal(value.clone()) {
        let kept = serde_json::to_string(&dataset).expect("a dataset can be kept");
        let again: Dataset = serde_json::from_str(&kept).expect("and read again");
        assert_eq!(serde_json::to_string(&again).expect("twice"), kept);
    }
    if let Ok(task) = Task::from_portal("1".into(), value.clone()) {
        let kept = serde_json::to_string(&task).expect("a task can be kept");
        serde_json::from_str::<Task>(&kept).expect("and read again");
        assert!(!task.is_ready() || task.is_final());
    }
    let _ = DatasetSummary::from_portal(value.clone());
    let _ = DirectLinks::from_portal(value.clone());
    let _ = FormatTable::from_portal(value.clone());
    let _ = TimeSeriesMetadata::from_portal(value);
});
