//! Server-side subsets: cut out by the portal, brought into the cache under data ids of their own.

use std::{process::Stdio, thread, time::Duration};

use clms_sim::{Cdse, Fault, FaultKind, Habits, QueueTimes, Sim, When};
use clms_tests::{Scene, cut};
use serde_json::Value;

const NDVI: &str = "normalised-difference-vegetation-index-v2-0-300m";

/// A service that cuts out what is asked for.
fn scene(habits: Habits) -> Scene {
    Scene::of(Sim::builder().habits(habits).parts(cut))
}

fn posts(scene: &Scene) -> usize {
    let requests = scene.sim.requests();
    let is_post = |path: &str| path.ends_with("@datarequest_post");
    requests.iter().filter(|it| is_post(&it.path)).count()
}

/// The outer edges of a cube as it says itself: west, south, east, north in its CRS.
fn bounds(opened: &Value) -> [f64; 4] {
    let found = find(opened, "spatial:bbox").unwrap();
    let numbers: Vec<f64> = found
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_f64)
        .collect();
    numbers.try_into().unwrap()
}

fn find<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    match value {
        Value::Object(map) => map
            .get(key)
            .or_else(|| map.values().find_map(|inner| find(inner, key))),
        Value::Array(items) => items.iter().find_map(|inner| find(inner, key)),
        _ => None,
    }
}

#[test]
fn a_subset_is_cut_out_cached_and_opened_by_its_data_id() {
    let scene = scene(Habits::default());
    let options = [
        "--bbox",
        "5.9,49.50,6.1,49.6",
        "--time",
        "2021-01-01/2021-01-20",
        "--crs",
        "epsg:3035",
        "--format",
        "geotiff",
        "-o",
        "json",
    ];
    let preload = |more: &[&str]| {
        let args = [&["preload", NDVI][..], &options, more].concat();
        scene.clms(&args).well().json()
    };

    let planned = preload(&["--dry-run"]);
    let body = &planned[0]["request"]["Datasets"][0];
    assert_eq!(
        body["BoundingBox"],
        serde_json::json!([5.9, 49.6, 6.1, 49.5])
    );
    assert_eq!(body["TemporalFilter"]["EndDate"], 1_611_100_800_000_i64);
    assert_eq!(
        (&body["OutputGCS"], &body["OutputFormat"]),
        (&"EPSG:3035".into(), &"Geotiff".into())
    );
    assert_eq!(posts(&scene), 0, "nothing was requested");

    let done = preload(&[]);
    let data_id = format!(
        "{NDVI}|300m?bbox=5.9,49.5,6.1,49.6&time=2021-01-01/2021-01-20&crs=EPSG:3035&format=Geotiff"
    );
    assert_eq!(
        (&done[0]["data_id"], &done[0]["status"]),
        (&data_id.as_str().into(), &"completed".into())
    );

    // What the portal was asked for is what it made, and what is in the cube.
    let cached = scene.clms(&["cache", "list", "-o", "json"]).well().json();
    let shown = cached[0]["data_id"].as_str().unwrap();
    assert_eq!(shown, data_id);
    let opened = scene.clms(&["open", shown, "-o", "json"]).well().json();
    assert_eq!(opened["data_id"], data_id.as_str());
    let part = clms_factory::PartSpec {
        bbox: [5.9, 49.5, 6.1, 49.6],
        epsg: 3035,
        netcdf: false,
        days: Some(("2021-01-01".to_owned(), "2021-01-20".to_owned())),
    };
    let expected = part.rasters().unwrap()[0].bounds();
    assert_eq!(bounds(&opened), expected);
    assert!(opened.to_string().contains("3035"));

    assert_eq!(preload(&[])[0]["status"], "cached");
    let typed = data_id.replacen('|', "/", 1).replace("EPSG:3035", "3035");
    assert_eq!(
        scene.clms(&["preload", &typed, "-o", "json"]).well().json()[0]["status"],
        "cached"
    );
    assert_eq!(posts(&scene), 1);
    let _ = scene.clms(&["cache", "verify", shown]).well();
    let _ = scene.clms(&["cache", "remove", shown]).well();
}

#[test]
fn the_usual_way_of_a_collection_is_its_own_format_and_crs() {
    let scene = scene(Habits::default());
    let data_id = format!("{NDVI}/300m?nuts=lu&time=2021-01-01");
    let preload = scene.clms(&["preload", &data_id, "-o", "json"]).well();
    assert!(!preload.stderr.contains("HDF5"), "{}", preload.stderr);
    let done = preload.json();
    let shown = done[0]["data_id"].as_str().unwrap();
    assert_eq!(
        shown,
        format!("{NDVI}|300m?nuts=LU&time=2021-01-01/2021-01-01")
    );
    let opened = scene.clms(&["open", shown, "-o", "json"]).well().json();
    let [west, south, east, north] = bounds(&opened);
    assert!(
        (5.72..5.74).contains(&west) && (6.53..6.55).contains(&east),
        "{west} {east}"
    );
    assert!(
        (49.43..49.45).contains(&south) && (50.18..50.2).contains(&north),
        "{south} {north}"
    );
}

#[test]
fn what_the_portal_would_refuse_is_never_asked_of_it() {
    let scene = scene(Habits::default());
    let time = "--time=2021-01-01/2021-01-20";
    for (args, code, words) in [
        (
            &["clc2018", "--bbox=1,40,2,41"][..],
            3,
            &["'VECTOR', '100 m'", "clms describe"][..],
        ),
        (
            &["clc2018|10 m", "--nuts=LU"],
            3,
            &["no collection '10 m'", "'100 m'"],
        ),
        (
            &["clc2018|100 m", "--nuts=LU", "--format=nc"],
            3,
            &["'Netcdf'", "'Geotiff'"],
        ),
        (
            &["clc2018|100 m", "--nuts=LU", "--crs=EPSG:32632"],
            3,
            &["'EPSG:3857'"],
        ),
        (
            &["clc2018|100 m", "--nuts=LU", "--layer=x"],
            3,
            &["none to choose from"],
        ),
        (&["clc2018|100 m", "--bbox=-30,30,40,72"], 3, &["1.6e12"]),
        (
            &["clc2018|100 m", "--crs=EPSG:4326"],
            3,
            &["needs a bounding box or a NUTS code"],
        ),
        (&[NDVI, "--nuts=LU"], 3, &["needs days", "30"]),
        (
            &[NDVI, "--nuts=LU", "--time=2021-01-01/2021-03-01"],
            3,
            &["allows 30"],
        ),
        (
            &["fractional-snow-cover", "--nuts=LU", time],
            3,
            &["a bbox"],
        ),
        (&["nothing-like-that", "--nuts=LU"], 3, &["no data id"]),
        (
            &["clc2018|100 m?nuts=LU", "--crs=EPSG:4326"],
            3,
            &["subset already"],
        ),
        (
            &["clc2018|100 m", "--bbox=2,40,1,41"],
            2,
            &["west must be less"],
        ),
        (
            &["clc2018|100 m", "--bbox=2,40"],
            2,
            &["WEST,SOUTH,EAST,NORTH"],
        ),
        (&["clc2018|100 m", "--nuts=XX"], 2, &["no country XX"]),
        (&["clc2018|100 m", "--time=yesterday"], 2, &["FIRST/LAST"]),
    ] {
        let run = scene.clms(&[&["preload"], args].concat());
        let _ = run.with_code(code).saying(words);
    }
    assert_eq!(posts(&scene), 0);
    assert!(!scene.cache().exists(), "nothing was done");
}

#[test]
fn a_product_tells_what_can_be_cut_out_of_it() {
    let scene = Scene::new();
    let clc = scene
        .clms(&["describe", "clc2018", "-o", "json"])
        .well()
        .json();
    let collections = clc["collections"].as_array().unwrap();
    let names: Vec<_> = collections
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["VECTOR", "100 m"]);
    assert_eq!(collections[1]["formats"], serde_json::json!(["Geotiff"]));
    assert_eq!(collections[1]["default_crs"], "EPSG:3035");
    assert_eq!(collections[0]["formats"][2], "GPKG");
    let ndvi = scene.clms(&["describe", NDVI]).well();
    assert!(ndvi.stdout.contains("needed, up to 30 days"), "{ndvi:#?}");
    let subset = format!("{NDVI}|300m?nuts=LU&time=2021-01-01");
    let subset = scene
        .clms(&["describe", &subset, "-o", "json"])
        .well()
        .json();
    assert_eq!(
        (&subset["available"], &subset["format"]),
        (&true.into(), &"Netcdf".into())
    );
}

/// What the portal has CDSE cut out gets no task's id when it is asked for: the task shows up in the list later, or never.
#[test]
fn what_cdse_cuts_out_is_found_in_the_portals_list() {
    const MOISTURE: &str = "daily-surface-soil-moisture-v1-0";
    let options = ["--bbox=6,49,6.2,49.2", "--time=2021-01-01", "-o", "json"];
    let preload = [&["preload", MOISTURE, "--format=geotiff"][..], &options].concat();
    let scene = scene(Habits::default());
    scene.sim.set_queue(QueueTimes {
        queued: Duration::from_millis(400),
        running: Duration::from_millis(100),
    });
    let product = scene
        .clms(&["describe", MOISTURE, "-o", "json"])
        .well()
        .json();
    assert_eq!(product["collections"][0]["available"], true);
    let done = scene.clms(&preload).well().json();
    let data_id =
        format!("{MOISTURE}|1km?bbox=6,49,6.2,49.2&time=2021-01-01/2021-01-01&format=Geotiff");
    assert_eq!(
        (&done[0]["data_id"], &done[0]["status"]),
        (&data_id.as_str().into(), &"completed".into())
    );
    assert_eq!(posts(&scene), 1);
    let cubes = scene.clms(&["cache", "list", "-o", "json"]).well().json();
    assert_eq!(cubes[0]["source"], "CDSE", "{cubes:#}");
    let [west, south, east, north] =
        bounds(&scene.clms(&["open", &data_id, "-o", "json"]).well().json());
    assert!(west <= 6.0 && south <= 49.0 && east >= 6.2 && north >= 49.2);

    // The same again is cached; another format is another task, which CDSE refuses.
    assert_eq!(scene.clms(&preload).well().json()[0]["status"], "cached");
    scene
        .sim
        .update_habits(|habits| habits.cdse = Cdse::Rejected);
    let other = [&["preload", MOISTURE, "--format=netcdf"][..], &options].concat();
    let _ = scene
        .clms(&other)
        .with_code(1)
        .saying(&["rejected", "Failed to create batches in CDSE"]);
}

/// The portal tells the id of a task only to those who hear its answer. Its list shows what a task is for, and it is found by that alone.
#[test]
fn a_lost_answer_a_kill_and_a_full_queue_cost_no_second_task() {
    let lost = Fault {
        endpoint: "@datarequest_post".to_owned(),
        // The first two find the queue full, the third is heard and not answered.
        when: When::Every(3),
        kind: FaultKind::LostAnswer,
    };
    let scene = scene(Habits {
        full_queue: When::First(2),
        faults: vec![lost],
        ..Habits::default()
    });
    scene.sim.set_queue(QueueTimes {
        queued: Duration::from_millis(700),
        running: Duration::from_millis(700),
    });
    let window = |west: &str| format!("clc2018|100 m?bbox={west},49.5,6.1,49.6");
    let wanted = window("5.9");

    let mut command = scene.command(&["preload", &wanted, "--progress", "none"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    while scene.sim.tasks().is_empty() {
        assert_eq!(child.try_wait().unwrap(), None, "it gave up");
        thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();

    let resumed = scene.clms(&["jobs", "resume", "-o", "json"]).well().json();
    assert_eq!(resumed[0]["status"], "completed");
    assert_eq!(resumed[0]["data_id"], wanted.as_str());
    let tasks = scene.sim.tasks();
    assert_eq!((posts(&scene), tasks.len()), (3, 1), "{tasks:#?}");
    assert_eq!(resumed[0]["task_id"], tasks[0].task_id.as_str());

    // A neighbour, and the same in another CRS, are other tasks.
    for other in [window("5.8"), format!("{wanted}&crs=EPSG:4326")] {
        let done = scene.clms(&["preload", &other, "-o", "json"]).well().json();
        let task = done[0]["task_id"].as_str().unwrap();
        assert!(tasks.iter().all(|known| known.task_id != task), "{other}");
        assert_eq!(done[0]["status"], "completed");
    }
    // The same written out is the same task, for a cube of its own.
    let before = posts(&scene);
    let same = format!("{wanted}&crs=EPSG:3035&format=Geotiff");
    let done = scene.clms(&["preload", &same, "-o", "json"]).well().json();
    assert_eq!(done[0]["task_id"], tasks[0].task_id.as_str());
    assert_eq!(posts(&scene), before);
}
