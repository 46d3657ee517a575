//! The whole main job into real object stores, and other people's software reading it there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use clms_factory::{Package, Scale};
use clms_servers::Server;
use clms_sim::QueueTimes;
use clms_tests::{Run, Scene, cloud::Cloud, python};
use futures::TryStreamExt;
use object_store::{ObjectStore, path::Path as Key};
use serde_json::Value;

const FOREST: &str = "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full";
const CORINE: &str = "clc2018|u2018_clc2018_v2020_20u1_raster100m";

/// As long as a process that was killed keeps others from its work.
const LEASE_TIME: [&str; 2] = ["--store-option", "lease_time=2s"];

fn forest() -> Package {
    Package::forest_type_2015(Scale::Pixels(1500, 1100))
}

fn on(server: Server, package: &Package) -> Cloud {
    Cloud::new(Scene::new().delivering(package.spec()), server)
}

/// The tiles that the package was made of.
fn tiles(scene: &Scene, package: &Package) -> Vec<PathBuf> {
    let mut tiles = package.write_rasters(&scene.home().join("tiles")).unwrap();
    tiles.retain(|tile| {
        tile.extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("tif"))
    });
    tiles
}

/// What a script of `interop` says of what is on the server; it finds the server as any program of its user does.
fn script(cloud: &Cloud, name: &str, args: &[&str], tiles: &[PathBuf]) -> Value {
    let mut script = Command::new(python::xcube());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop");
    script
        .arg(folder.join(name))
        .args(args)
        .args(tiles)
        .envs(cloud.server.environment());
    let report = Run::of(script).well().json();
    assert!(
        report["pixels_compared"].as_u64().unwrap() > 0,
        "{report:#}"
    );
    report
}

/// The keys of all objects below a cube.
fn keys(cloud: &Cloud, data_id: &str) -> Vec<String> {
    let url = cloud.cube(data_id);
    let prefix = url.strip_prefix(&cloud.server.url("")).unwrap();
    let prefix = Key::parse(prefix).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let list = cloud
        .server
        .store()
        .list(Some(&prefix))
        .map_ok(|object| object.location.to_string())
        .try_collect();
    runtime.block_on(list).unwrap()
}

fn nothing_is_left_open(server: &Server) {
    assert_eq!(server.uploads_in_progress(), [""; 0]);
}

#[test]
fn s3_in_xarray_and_zarr_python() {
    let package = Package::corine_2018(Scale::Demo);
    let cloud = on(Server::s3(), &package);
    let run = cloud.clms(&["preload", CORINE, "-o", "json"]).well();
    assert_eq!(run.json()[0]["cube"], cloud.cube(CORINE));
    let tiles = tiles(&cloud.scene, &package);
    let report = script(&cloud, "check_cube.py", &[&cloud.cube(CORINE)], &tiles);
    assert_eq!(report["tiles"], 6);
    assert_eq!(report["groups"].as_object().unwrap().len(), 5, "{report:#}");
    nothing_is_left_open(&cloud.server);
}

#[test]
fn s3_in_xcube() {
    let package = forest();
    let cloud = on(Server::s3(), &package);
    let _ = cloud.clms(&["preload", FOREST]).well();
    let tiles = tiles(&cloud.scene, &package);
    let data_id = format!("{FOREST}.zarr");
    let report = script(
        &cloud,
        "check_xcube.py",
        &[&cloud.cache(), &data_id],
        &tiles,
    );
    assert_eq!(report["crs"], "EPSG:3035");
}

#[test]
fn s3_in_gdal() {
    let package = forest();
    let cloud = on(Server::s3(), &package);
    let _ = cloud
        .clms(&[
            "preload",
            FOREST,
            "--zarr-format",
            "2",
            "--tile-size",
            "256",
        ])
        .well();
    let host = cloud.server.address().strip_prefix("http://").unwrap();
    let own = [
        ("AWS_S3_ENDPOINT", host),
        ("AWS_HTTPS", "NO"),
        ("AWS_VIRTUAL_HOSTING", "FALSE"),
    ];
    let environment = cloud.server.environment();
    let settings = environment
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .chain(own);
    for (name, value) in settings {
        gdal::config::set_config_option(name, value).unwrap();
    }
    let path = cloud.cube(FOREST).replace("s3://", "/vsis3/");
    let cube = gdal::Dataset::open(format!("ZARR:\"{path}\":/FTY")).unwrap();
    let tile = gdal::Dataset::open(&tiles(&cloud.scene, &package)[0]).unwrap();
    assert_eq!(cube.raster_size(), tile.raster_size());
    assert_eq!(cube.geo_transform().unwrap(), tile.geo_transform().unwrap());
    assert_eq!(cube.spatial_ref().unwrap().auth_code().unwrap(), 3035);
    let pixels = |dataset: &gdal::Dataset| {
        let band = dataset.rasterband(1).unwrap();
        band.read_band_as::<u8>().unwrap().data().to_vec()
    };
    assert!(pixels(&cube) == pixels(&tile));
}

/// A program that knows the URL only: on another machine, with another home.
fn elsewhere(cloud: &Cloud, args: &[&str]) -> Run {
    let home = cloud.scene.home().join("elsewhere");
    fs::create_dir_all(&home).unwrap();
    let mut command = cloud.command(args);
    command.current_dir(&home).env("HOME", &home);
    Run::of(command)
}

#[test]
fn jobs_are_seen_and_carried_on_from_elsewhere() {
    for carry_on in ["wait", "resume"] {
        let cloud = on(Server::s3(), &forest());
        let run = cloud.clms(&["preload", FOREST, "--detach", "-o", "json"]);
        let job = run.well().json()[0]["job"].as_str().unwrap().to_owned();
        let listed = elsewhere(&cloud, &["jobs", "list", "-o", "json"])
            .well()
            .json();
        assert_eq!(listed[0]["job"], job.as_str(), "{listed:#}");
        assert_eq!(listed[0]["state"], "waiting");
        let done = elsewhere(&cloud, &["jobs", carry_on, &job, "-o", "json"])
            .well()
            .json();
        assert_eq!(done[0]["status"], "completed", "{done:#}");
        assert_eq!(
            cloud.scene.sim.tasks().len(),
            1,
            "nothing was asked for twice"
        );
        // Who had ordered it finds it there.
        let again = cloud.clms(&["preload", FOREST, "-o", "json"]).well().json();
        assert_eq!(again[0]["status"], "cached");
    }
}

#[test]
fn a_job_is_cancelled_from_elsewhere() {
    let cloud = on(Server::s3(), &forest());
    cloud.scene.sim.set_queue(QueueTimes {
        queued: Duration::from_secs(900),
        running: Duration::from_secs(1),
    });
    let run = cloud.clms(&["preload", FOREST, "--detach", "-o", "json"]);
    let job = run.well().json()[0]["job"].as_str().unwrap().to_owned();
    let report = elsewhere(&cloud, &["jobs", "cancel", &job, "-o", "json"])
        .well()
        .json();
    assert_eq!(report[0]["state"], "cancelled");
    assert_eq!(cloud.scene.sim.tasks()[0].status, "Cancelled");
    let shown = cloud
        .clms(&["jobs", "show", &job, "-o", "json"])
        .well()
        .json();
    assert_eq!(shown[0]["state"], "cancelled");
}

/// Begins a preload, and returns it in the middle of its upload: the first of many chunks is there.
fn uploading(cloud: &Cloud) -> Child {
    let mut command =
        cloud.command(&["preload", FOREST, "--zarr-format", "2", "--tile-size", "64"]);
    command
        .args(LEASE_TIME)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let child = command.spawn().unwrap();
    let is_chunk = |line: &str| line.contains("PUT ") && line.contains(".zarr/FTY/0");
    cloud
        .server
        .wait_until_said(|said| said.lines().any(is_chunk));
    child
}

fn is_root_metadata(key: &str) -> bool {
    [".zgroup", ".zattrs", ".zmetadata", "zarr.json"]
        .iter()
        .any(|name| key.ends_with(&format!(".zarr/{name}")))
}

#[test]
fn killed_in_the_middle_of_the_upload_and_begun_again() {
    let package = forest();
    let cloud = on(Server::s3(), &package);
    let mut child = uploading(&cloud);
    // SIGKILL, on Unix.
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().code(), None, "it had ended before");
    let left = keys(&cloud, FOREST);
    assert!(!left.is_empty());
    assert!(!left.iter().any(|key| is_root_metadata(key)), "{left:?}");
    let listed = cloud.clms(&["cache", "list", "-o", "json"]).well().json();
    assert_eq!(listed, serde_json::json!([]));

    let args = ["preload", FOREST, "--zarr-format", "2", "--tile-size", "64"];
    let run = elsewhere(&cloud, &[&args[..], &LEASE_TIME, &["-o", "json"]].concat());
    assert_eq!(run.well().json()[0]["status"], "completed");
    assert_eq!(
        cloud.scene.sim.tasks().len(),
        1,
        "nothing was asked for twice"
    );
    let tiles = tiles(&cloud.scene, &package);
    let _ = script(&cloud, "check_cube.py", &[&cloud.cube(FOREST)], &tiles);
}

fn signal(to: &Child, signal: &str) {
    let pid = to.id().to_string();
    let sent = Command::new("kill").args([signal, &pid]).status();
    assert!(sent.unwrap().success());
}

/// As when the lid of a computer is closed for longer than its leases live.
#[test]
fn asleep_in_the_middle_of_the_upload_while_another_does_the_work() {
    let package = forest();
    let cloud = on(Server::s3(), &package);
    let mut child = uploading(&cloud);
    signal(&child, "-STOP");
    let args = ["preload", FOREST, "--zarr-format", "2", "--tile-size", "64"];
    let run = elsewhere(&cloud, &[&args[..], &LEASE_TIME, &["-o", "json"]].concat());
    assert_eq!(run.well().json()[0]["status"], "completed");
    let before = keys(&cloud, FOREST);
    signal(&child, "-CONT");
    assert_eq!(child.wait().unwrap().code(), Some(0), "the cube is there");
    assert_eq!(keys(&cloud, FOREST), before);
    nothing_is_left_open(&cloud.server);
    assert_eq!(
        cloud.scene.sim.tasks().len(),
        1,
        "nothing was asked for twice"
    );
    let _ = cloud.clms(&["cache", "verify", FOREST]).well();
    let tiles = tiles(&cloud.scene, &package);
    let _ = script(&cloud, "check_cube.py", &[&cloud.cube(FOREST)], &tiles);
}

#[test]
fn interrupted_in_the_middle_of_the_upload() {
    let cloud = on(Server::s3(), &forest());
    let mut child = uploading(&cloud);
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    nothing_is_left_open(&cloud.server);
    assert!(!keys(&cloud, FOREST).iter().any(|key| is_root_metadata(key)));
    // Nobody has to wait for who has left.
    let run = elsewhere(&cloud, &["preload", FOREST, "-o", "json"]);
    assert_eq!(run.well().json()[0]["status"], "completed");
    nothing_is_left_open(&cloud.server);
}

#[test]
fn azure_and_google() {
    for server in [Server::azure(), Server::google()] {
        let cloud = on(server, &forest());
        let done = cloud.clms(&["preload", FOREST, "-o", "json"]).well().json();
        assert_eq!(done[0]["status"], "completed");
        assert_eq!(done[0]["cube"], cloud.cube(FOREST));
        let opened = cloud.clms(&["open", FOREST, "-o", "json"]).well().json();
        assert!(opened.to_string().contains("FTY"), "{opened:#}");
        let listed = cloud.clms(&["cache", "list", "-o", "json"]).well().json();
        assert_eq!(listed[0]["data_id"], FOREST, "{listed:#}");
        let again = cloud.clms(&["preload", FOREST, "-o", "json"]).well().json();
        assert_eq!(again[0]["status"], "cached");
    }
}

/// A cube on a server, for those who read it in different ways.
fn with_forest() -> Cloud {
    let cloud = on(
        Server::s3(),
        &Package::forest_type_2015(Scale::Pixels(300, 200)),
    );
    let _ = cloud.clms(&["preload", FOREST]).well();
    cloud
}

#[test]
fn credentials_from_a_profile_and_none_at_all() {
    let cloud = with_forest();
    let variables = cloud.server.environment();
    let of = |wanted: &str| {
        let found = variables.iter().find(|(name, _)| *name == wanted);
        found.unwrap().1.clone()
    };
    let folder = cloud.scene.home().join(".aws");
    fs::create_dir(&folder).unwrap();
    let (id, secret) = (of("AWS_ACCESS_KEY_ID"), of("AWS_SECRET_ACCESS_KEY"));
    let profile = format!("[work]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    fs::write(folder.join("credentials"), profile).unwrap();
    let printed =
        format!(r#"{{"Version": 1, "AccessKeyId": "{id}", "SecretAccessKey": "{secret}"}}"#);
    let config = format!(
        "[profile program]\ncredential_process = echo '{printed}'\n\
         [profile sign-on]\nsso_session = corporation\nsso_account_id = 1\n"
    );
    fs::write(folder.join("config"), config).unwrap();

    // By its name in the environment, and as an option: both may write.
    let mut named = cloud.without_credentials(&["preload", FOREST, "--force"]);
    let _ = Run::of({
        named.env("AWS_PROFILE", "work");
        named
    })
    .well();
    for profile in ["profile=work", "profile=program"] {
        let option = ["preload", FOREST, "--force", "--store-option", profile];
        let _ = Run::of(cloud.without_credentials(&option)).well();
    }
    let sign_on = ["open", FOREST, "--store-option", "profile=sign-on"];
    let _ = Run::of(cloud.without_credentials(&sign_on)).saying(&[
        "single sign-on",
        "aws configure export-credentials --profile sign-on --format process",
    ]);
    let unknown = ["open", FOREST, "--store-option", "profile=play"];
    let _ = Run::of(cloud.without_credentials(&unknown))
        .with_code(2)
        .saying(&["play"]);

    // Everybody may read.
    for args in [&["open", FOREST][..], &["cache", "list"]] {
        let anonymous = [args, &["--store-option", "anonymous=true"]].concat();
        let run = Run::of(cloud.without_credentials(&anonymous)).well();
        assert!(run.stdout.contains("FTY"), "{run:#?}");
    }
    let write = [
        "preload",
        FOREST,
        "--force",
        "--store-option",
        "anonymous=true",
    ];
    let refused = Run::of(cloud.without_credentials(&write));
    assert!(refused.code != Some(0), "{refused:#?}");
}

#[test]
fn what_goes_wrong_is_said() {
    let cloud = with_forest();
    let secret = "not-the-secret-of-the-tests";
    let failing = |change: &dyn Fn(&mut Command)| {
        let more = [
            "--store-option",
            "max_retries=1",
            "--store-option",
            "retry_timeout=1s",
        ];
        let mut command = cloud.command(&[&["cache", "list"], &more[..]].concat());
        change(&mut command);
        let run = Run::of(command);
        assert!(!format!("{run:?}").contains(secret), "{run:#?}");
        run
    };
    let _ = failing(&|command| {
        command.env("CLMS_CACHE", "s3://no-such-bucket/cubes");
    })
    .with_code(1)
    .saying(&["no-such-bucket", "bucket"]);
    let _ = failing(&|command| {
        command.env("AWS_SECRET_ACCESS_KEY", secret);
    })
    .with_code(4)
    .saying(&["SignatureDoesNotMatch"]);
    let _ = failing(&|command| {
        command.env("AWS_ACCESS_KEY_ID", "AKIANOBODYNOBODYNOBO");
    })
    .with_code(4)
    .saying(&["InvalidAccessKeyId"]);
    // Nothing listens on the port of what has just been closed.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let _ = failing(&|command| {
        command.env("AWS_ENDPOINT_URL", &address);
    })
    .with_code(1)
    .saying(&[&address]);
    let jobs = [
        "jobs",
        "list",
        "--store-option",
        "max_retries=0",
        "--store-option",
        "retry_timeout=1s",
    ];
    let mut jobs = cloud.command(&jobs);
    jobs.env("AWS_ENDPOINT_URL", &address);
    let _ = Run::of(jobs)
        .with_code(1)
        .saying(&[&address, "check the endpoint"]);
}
