//! The JSON Schemas of what the program prints: those in `docs/schemas` are the program's, and real output of every command fits them.

use std::{collections::BTreeSet, fs, path::PathBuf, time::Duration};

use clms_factory::{Package, Scale};
use clms_sim::{Habits, QueueTimes, When};
use clms_tests::Scene;
use serde_json::{Value, json};

const FOREST: &str = "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full";
const TREES: &str = "tree-cover-density-2015|TCD_2015_100m_eu_03035_d04_Full";
const CITY: &str = "urban-atlas-2018|FR010L2_MONTPELLIER_UA2018_v013";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/schemas")
}

fn schema(name: &str) -> Value {
    let file = folder().join(format!("{name}.schema.json"));
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// The same schema for outputs that have nothing else than what it names.
fn strict(schema: &Value) -> Value {
    fn walk(schema: &mut Value, is_part: bool) {
        let Some(members) = schema.as_object_mut() else {
            return;
        };
        let has_properties = members.contains_key("properties");
        for (name, member) in members.iter_mut() {
            match (name.as_str(), member) {
                ("properties" | "$defs", Value::Object(named)) => {
                    named.values_mut().for_each(|schema| walk(schema, false));
                }
                ("oneOf" | "anyOf" | "allOf", Value::Array(parts)) => {
                    let is_part = is_part || has_properties;
                    parts.iter_mut().for_each(|schema| walk(schema, is_part));
                }
                ("items" | "additionalProperties", schema) => walk(schema, false),
                _ => {}
            }
        }
        // Parts of a whole do not know its other parts.
        if has_properties && !is_part {
            members.insert("unevaluatedProperties".to_owned(), json!(false));
        }
    }
    let mut strict = schema.clone();
    walk(&mut strict, false);
    strict
}

/// What is wrong with a document; empty if nothing is.
fn faults(name: &str, document: &Value) -> Vec<String> {
    let validator = jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(&strict(&schema(name)))
        .unwrap();
    let faults = validator.iter_errors(document);
    faults
        .map(|why| format!("{}: {why}", why.instance_path()))
        .collect()
}

/// Outputs that were compared, by the names of their schemas.
#[derive(Default)]
struct Compared(BTreeSet<String>);

impl Compared {
    fn document(&mut self, name: &str, document: &Value) {
        let faults = faults(name, document);
        assert!(faults.is_empty(), "{name}: {faults:#?}\n{document:#}");
        self.0.insert(name.to_owned());
    }

    /// Runs a command and compares what it prints.
    fn run(&mut self, scene: &Scene, name: &str, args: &[&str], code: i32) -> Value {
        let run = scene.clms(&[args, &["-o", "json"]].concat());
        let document = run.with_code(code).json();
        self.document(name, &document);
        document
    }
}

#[test]
fn what_is_checked_in_is_what_the_program_has() {
    let scene = Scene::new();
    let names = scene
        .clms(&["schema", "output", "-o", "json"])
        .well()
        .json();
    let names: BTreeSet<String> = serde_json::from_value(names).unwrap();
    let files: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    let wanted = names.iter().map(|name| format!("{name}.schema.json"));
    assert_eq!(
        files,
        wanted.collect(),
        "`cargo xtask schemas` writes them anew"
    );
    for name in &names {
        let printed = scene.clms(&["schema", "output", name]).well().json();
        assert_eq!(
            printed,
            schema(name),
            "{name}: `cargo xtask schemas` writes it anew"
        );
        jsonschema::draft202012::meta::validate(&printed).unwrap();
    }
    let two_words = scene
        .clms(&["schema", "output", "cache", "gc"])
        .well()
        .json();
    assert_eq!(two_words, schema("cache-gc"));
    let unknown = scene.clms(&["schema", "output", "everything"]);
    let _ = unknown.with_code(2).saying(&["clms schema output"]);
}

#[test]
fn a_wrong_document_is_refused() {
    let right = json!({"error": {"kind": "usage", "message": "no", "retryable": false}});
    assert_eq!(faults("error", &right), Vec::<String>::new());
    for (path, wrong) in [
        ("/error/retryable", json!("no")),
        ("/error/kind", Value::Null),
        ("/error", json!({"kind": "usage", "message": "no"})),
        (
            "/error",
            json!({"kind": "usage", "message": "no", "retryable": false, "unheard": "of"}),
        ),
    ] {
        let mut document = right.clone();
        *document.pointer_mut(path).unwrap() = wrong;
        assert!(!faults("error", &document).is_empty(), "{document}");
        // Later versions may say more: only the strict variant minds.
        let open = jsonschema::draft202012::new(&schema("error")).unwrap();
        assert_eq!(
            open.is_valid(&document),
            document["error"]["unheard"].is_string()
        );
    }
    let line = json!({"time": "yesterday", "event": "job_started", "job": "a-0", "data_id": "a"});
    assert!(!faults("progress", &line).is_empty());
}

#[test]
fn every_output_fits_its_schema() {
    let scene = Scene::new()
        .delivering(Package::forest_type_2015(Scale::Pixels(400, 300)).spec())
        .delivering(Package::tree_cover_density_2015(Scale::Pixels(300, 200)).spec())
        .delivering(
            &Package::by_file_name(CITY.split_once('|').unwrap().1, Scale::Demo)
                .unwrap()
                .into_spec(),
        );
    let mut compared = Compared::default();
    catalogue(&mut compared, &scene);
    preloads(&mut compared, &scene);
    datasets(&mut compared, &scene);
    jobs(&mut compared);
    caches(&mut compared, &scene);
    errors(&mut compared, &scene);

    let names = scene
        .clms(&["schema", "output", "-o", "json"])
        .well()
        .json();
    let names: BTreeSet<String> = serde_json::from_value(names).unwrap();
    let missing: Vec<_> = names.difference(&compared.0).collect();
    assert!(
        missing.is_empty(),
        "no real output of {missing:?} was compared"
    );
}

fn catalogue(compared: &mut Compared, scene: &Scene) {
    compared.run(scene, "auth-check", &["auth", "check"], 0);
    let key = scene.home().join("downloaded.json");
    fs::copy(scene.credentials(), &key).unwrap();
    let key = key.to_str().unwrap();
    for unchecked in [&[][..], &["--offline"]] {
        let args = [
            &["auth", "login", key, "--credentials", "kept.json"],
            unchecked,
        ]
        .concat();
        compared.run(scene, "auth-login", &args, 0);
    }
    compared.run(scene, "config-show", &["config", "show"], 0);
    let all = compared.run(scene, "list", &["list", "--all"], 0);
    assert!(all.as_array().unwrap().len() > 200);
    compared.run(scene, "list", &["list", "nothing-like-that"], 0);
    compared.run(scene, "search", &["search", "imperviousnes", "2018"], 0);
    let mut described = BTreeSet::new();
    for entry in all.as_array().unwrap() {
        let data_id = entry["data_id"].as_str().unwrap();
        // One file of each product, and each product.
        let product = data_id.split('|').next().unwrap();
        if described.insert(product.to_owned()) {
            compared.run(scene, "describe", &["describe", data_id], 0);
            compared.run(scene, "describe", &["describe", product], 0);
        }
    }
}

fn preloads(compared: &mut Compared, scene: &Scene) {
    compared.run(
        scene,
        "preload-dry-run",
        &["preload", "--dry-run", FOREST, TREES],
        0,
    );
    let run = scene.clms(&["preload", FOREST, CITY, "--progress", "json", "-o", "json"]);
    let run = run.well();
    compared.document("preload", &run.json());
    progress(compared, &run.stderr);
    compared.run(scene, "preload", &["preload", FOREST], 0);
    compared.run(scene, "describe", &["describe", FOREST], 0);
    compared.run(scene, "describe", &["describe", CITY], 0);
    compared.run(
        scene,
        "preload-dry-run",
        &["preload", "--dry-run", FOREST],
        0,
    );

    let broken = Scene::with_habits(Habits {
        dead_links: When::Always,
        ..Habits::default()
    });
    let args = [
        "preload",
        FOREST,
        "--timeout",
        "5s",
        "--progress",
        "json",
        "-o",
        "json",
    ];
    let run = broken.clms(&args).with_code(1);
    compared.document("preload", &run.json());
    progress(compared, &run.stderr);
    compared.run(&broken, "jobs-show", &["jobs", "show", FOREST], 0);
    compared.run(&broken, "jobs-list", &["jobs", "list"], 0);
}

/// Compares the lines of standard error that are JSON: all of them.
fn progress(compared: &mut Compared, stderr: &str) {
    let lines: Vec<&str> = stderr
        .lines()
        .filter(|line| line.starts_with('{'))
        .collect();
    assert!(!lines.is_empty(), "{stderr}");
    for line in lines {
        compared.document("progress", &serde_json::from_str(line).unwrap());
    }
}

fn datasets(compared: &mut Compared, scene: &Scene) {
    compared.run(scene, "open", &["open", FOREST], 0);
    compared.run(scene, "open", &["open", CITY], 0);
    let window = ["--bbox", "900000,4000000,9000000,5500000"];
    let place = ["--point", "905050,5494950"];
    for (out, part) in [("w.tif", window), ("w.nc", window), ("w.csv", place)] {
        let args = ["export", FOREST, "--out", out, "--bbox-crs", "EPSG:3035"];
        let run = scene.clms(&[&args[..], &part, &["--progress", "json", "-o", "json"]].concat());
        let run = run.well();
        compared.document("export", &run.json());
        if out != "w.csv" {
            progress(compared, &run.stderr);
        }
    }
    compared.run(
        scene,
        "preview",
        &["preview", FOREST, "--out", "map.png"],
        0,
    );
    compared.run(scene, "report", &["report", FOREST, "--out", "r.html"], 0);
}

fn jobs(compared: &mut Compared) {
    let scene = Scene::new().delivering(Package::forest_type_2015(Scale::Pixels(400, 300)).spec());
    scene.sim.set_queue(QueueTimes {
        queued: Duration::from_secs(600),
        running: Duration::from_secs(1),
    });
    compared.run(&scene, "preload", &["preload", FOREST, "--detach"], 0);
    compared.run(
        &scene,
        "preload-dry-run",
        &["preload", "--dry-run", FOREST],
        0,
    );
    compared.run(&scene, "jobs-list", &["jobs"], 0);
    compared.run(&scene, "jobs-show", &["jobs", "show", FOREST], 0);
    compared.run(&scene, "jobs-cancel", &["jobs", "cancel", FOREST], 0);
    compared.run(&scene, "jobs-show", &["jobs", "show", FOREST], 0);
    compared.run(&scene, "jobs-wait", &["jobs", "wait", FOREST], 1);
    compared.run(&scene, "jobs-resume", &["jobs", "resume"], 0);
}

fn caches(compared: &mut Compared, scene: &Scene) {
    compared.run(scene, "cache-list", &["cache", "list"], 0);
    compared.run(scene, "cache-info", &["cache", "info", FOREST, CITY], 0);
    let run = scene
        .clms(&["cache", "verify", "--progress", "json", "-o", "json"])
        .well();
    compared.document("cache-verify", &run.json());
    progress(compared, &run.stderr);
    fs::write(scene.cube(FOREST).join("zarr.json"), "{}").unwrap();
    compared.run(scene, "cache-verify", &["cache", "verify", FOREST], 1);
    compared.run(
        scene,
        "cache-gc",
        &["cache", "gc", "--max-size", "1kB", "--dry-run"],
        0,
    );
    compared.run(scene, "cache-remove", &["cache", "remove", FOREST], 0);
    compared.run(scene, "cache-gc", &["cache", "gc", "--max-size", "1kB"], 0);
}

fn errors(compared: &mut Compared, scene: &Scene) {
    for (args, code) in [
        (
            &["describe", "clc2018|u2018_clc2018_v2020_20u1_raster100"][..],
            3,
        ),
        (&["preload", "clc2018"], 3),
        (&["open", FOREST], 1),
        (&["preload", FOREST, "--credentials", "nowhere.json"], 4),
        (&["cache", "remove", "nothing|here"], 3),
    ] {
        compared.run(scene, "error", args, code);
    }
}
