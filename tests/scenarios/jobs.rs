//! `clms jobs`: what any other process can see of a job, and do with it.

use std::{process::Stdio, time::Duration};

use clms_factory::{Package, Scale, broken};
use clms_sim::{Cancel, Habits, QueueTimes};
use clms_tests::{Run, Scene};
use serde_json::Value;

const FOREST: &str = "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full";
const FOREST_FILE: &str = "FTY_2015_100m_eu_03035_d02_Full";

fn scene(habits: Habits) -> Scene {
    Scene::with_habits(habits).delivering(Package::forest_type_2015(Scale::Pixels(400, 300)).spec())
}

/// The service works for so long on each task.
fn slow(scene: &Scene, seconds: u64) {
    scene.sim.set_queue(QueueTimes {
        queued: Duration::from_secs(seconds),
        running: Duration::from_secs(1),
    });
}

/// Orders the forest, leaves, and returns the job.
fn detached(scene: &Scene) -> String {
    let run = scene.clms(&["preload", FOREST, "--detach", "-o", "json"]);
    let json = run.well().json();
    assert_eq!(json[0]["status"], "requested");
    json[0]["job"].as_str().unwrap().to_owned()
}

fn json(scene: &Scene, args: &[&str], code: i32) -> Value {
    let run = scene.clms(&[args, &["-o", "json"]].concat());
    run.with_code(code).json()
}

fn state(scene: &Scene, job: &str) -> Value {
    json(scene, &["jobs", "show", job], 0)[0]["state"].clone()
}

#[test]
fn a_detached_job_is_shown_and_carried_on_by_others() {
    for carry_on in ["wait", "resume"] {
        for named in [false, true] {
            let scene = scene(Habits::default());
            let job = detached(&scene);
            let shown = json(&scene, &["jobs", "show", &job], 0);
            assert_eq!(shown[0]["state"], "waiting");
            assert_eq!(shown[0]["orders"], 1);
            assert_eq!(shown[0]["tasks"][0]["task_id"], shown[0]["task_id"]);
            assert_eq!(shown[0]["error"], Value::Null);

            let mut args = vec!["jobs", carry_on];
            args.extend(named.then_some(job.as_str()));
            let done = json(&scene, &args, 0);
            assert_eq!(done[0]["status"], "completed", "{done}");
            assert_eq!(done[0]["job"], job.as_str());
            assert_eq!(scene.sim.tasks().len(), 1, "nothing was asked for twice");
            assert_eq!(state(&scene, &job), "completed");
            assert!(scene.cube(FOREST).exists());

            // What has ended needs no network.
            let requests = scene.sim.requests().len();
            let again = json(&scene, &["jobs", "wait", &job], 0);
            assert_eq!(again[0]["status"], "completed");
            assert_eq!(
                json(&scene, &["jobs", "resume"], 0),
                Value::Array(Vec::new())
            );
            assert_eq!(scene.sim.requests().len(), requests);
        }
    }
}

#[test]
fn an_unknown_job_and_no_id_at_all() {
    let scene = scene(Habits::default());
    for command in ["show", "cancel", "wait", "resume"] {
        let run = scene.clms(&["jobs", command, "no-such-job-00000000", "-o", "json"]);
        let run = run
            .with_code(1)
            .saying(&["there is no job", "clms jobs list"]);
        let error = &run.json()["error"];
        assert_eq!(error["kind"], "no_such_job");
        assert_eq!(error["retryable"], false);
        assert!(error["hint"].is_string());
        let _ = scene.clms(&["jobs", command, "../x"]).with_code(2);
    }
}

#[test]
fn a_cancelled_job_is_over_here_and_at_the_portal() {
    let scene = scene(Habits::default());
    slow(&scene, 900);
    let job = detached(&scene);
    let named = json(&scene, &["jobs", "show", &FOREST.replacen('|', "/", 1)], 0);
    assert_eq!(named[0]["job"], job.as_str());
    let report = json(&scene, &["jobs", "cancel", FOREST], 0);
    assert_eq!(report[0]["job"], job.as_str());
    assert_eq!(report[0]["state"], "cancelled");
    assert_eq!(report[0]["portal"][0]["verdict"], "confirmed");
    assert_eq!(report[0]["portal"][0]["status"], "Cancelled");
    assert_eq!(scene.sim.tasks()[0].status, "Cancelled");
    assert_eq!(state(&scene, &job), "cancelled");
    // Whoever waits for it is told.
    let waited = json(&scene, &["jobs", "wait", &job], 1);
    assert_eq!(waited[0]["status"], "cancelled");
    // Nobody resumes it by accident, but it can be asked for again.
    assert_eq!(
        json(&scene, &["jobs", "resume"], 0),
        Value::Array(Vec::new())
    );
    slow(&scene, 0);
    let _ = scene.clms(&["preload", FOREST]).well();
    assert_eq!(scene.sim.tasks().len(), 2);
}

#[test]
fn what_the_portal_makes_of_a_cancellation_is_told_as_it_is() {
    for (habit, verdict, kind) in [
        (Cancel::FirewallPage, "refused", "cancel_refused"),
        (Cancel::Swallowed, "swallowed", "cancel_swallowed"),
    ] {
        let scene = scene(Habits {
            cancel: habit,
            ..Habits::default()
        });
        slow(&scene, 900);
        let job = detached(&scene);
        let report = json(&scene, &["jobs", "cancel", &job], 1);
        assert_eq!(report[0]["state"], "cancelled", "here it is over");
        assert_eq!(report[0]["portal"][0]["verdict"], verdict);
        assert_eq!(report[0]["error"]["kind"], kind);
        assert_eq!(report[0]["error"]["retryable"], true);
        let hint = report[0]["error"]["hint"].as_str().unwrap();
        assert!(hint.contains("clms jobs cancel"), "{hint}");

        // The task that goes on is used if the file is asked for again.
        scene.sim.advance(Duration::from_secs(1000));
        let _ = scene.clms(&["preload", FOREST]).well();
        assert_eq!(scene.sim.tasks().len(), 1);
        // And what is finished is not cancelled any more.
        let report = json(&scene, &["jobs", "cancel", &job], 0);
        assert_eq!(report[0]["was_finished"], true);
    }
}

#[test]
fn a_portal_out_of_reach_leaves_a_cancellation_unconfirmed() {
    let scene = scene(Habits::default());
    slow(&scene, 900);
    let job = detached(&scene);
    let mut command = scene.command(&["jobs", "cancel", &job, "-o", "json"]);
    std::fs::remove_file(scene.credentials()).unwrap();
    let report = Run::of(std::mem::replace(&mut command, scene.command(&[])))
        .with_code(1)
        .json();
    assert_eq!(report[0]["state"], "cancelled");
    assert_eq!(report[0]["portal"][0]["verdict"], "unconfirmed");
    assert_eq!(report[0]["error"]["kind"], "cancel_unconfirmed");
    assert_eq!(scene.sim.tasks()[0].status, "Queued");
}

#[test]
fn local_only_leaves_the_portal_alone() {
    let scene = scene(Habits::default());
    slow(&scene, 900);
    let job = detached(&scene);
    let requests = scene.sim.requests().len();
    let report = json(&scene, &["jobs", "cancel", &job, "--local-only"], 0);
    assert_eq!(report[0]["state"], "cancelled");
    assert_eq!(scene.sim.requests().len(), requests);
    assert_eq!(scene.sim.tasks()[0].status, "Queued");
}

#[test]
fn a_job_of_another_process_is_told_to_stop() {
    let scene = scene(Habits::default());
    slow(&scene, 900);
    let mut command = scene.command(&["preload", FOREST, "-o", "json"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let worker = command.spawn().unwrap();
    while scene.sim.tasks().is_empty() {
        std::thread::yield_now();
    }
    let jobs = json(&scene, &["jobs", "list"], 0);
    let job = jobs[0]["job"].as_str().unwrap();
    // Meanwhile, it is that process's job.
    let busy = json(&scene, &["jobs", "resume", job], 1);
    assert_eq!(busy[0]["error"]["kind"], "busy");
    let who = busy[0]["error"]["message"].as_str().unwrap();
    assert!(who.contains(&format!("process {}", worker.id())), "{who}");

    let report = json(&scene, &["jobs", "cancel", job], 0);
    assert_eq!(report[0]["portal"][0]["verdict"], "confirmed");
    let ended = worker.wait_with_output().unwrap();
    let outcome: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(outcome[0]["status"], "cancelled");
    assert_eq!(state(&scene, job), "cancelled");
}

#[test]
fn who_waits_sees_the_other_process_finish() {
    let scene = scene(Habits::default());
    slow(&scene, 2);
    let mut command = scene.command(&["preload", FOREST]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut worker = command.spawn().unwrap();
    while scene.sim.tasks().is_empty() {
        std::thread::yield_now();
    }
    let waited = json(&scene, &["jobs", "wait"], 0);
    assert!(worker.wait().unwrap().success());
    assert_eq!(waited[0]["status"], "cached");
    assert_eq!(scene.sim.tasks().len(), 1);
}

#[test]
fn a_failed_job_is_resumed_after_the_cause_is_gone() {
    let scene = scene(Habits::default()).delivering(&broken::without_raster(FOREST_FILE));
    let _ = scene.clms(&["preload", FOREST]).with_code(1);
    let jobs = json(&scene, &["jobs", "list"], 0);
    assert_eq!(jobs[0]["state"], "failed");
    let none = json(&scene, &["jobs", "wait"], 0);
    assert_eq!(none, Value::Array(Vec::new()), "it has ended");
    let again = json(&scene, &["jobs", "resume"], 1);
    assert_eq!(again[0]["error"]["kind"], "no_raster");
}
