//! The programs of `tests/alone`, each of which depends on one crate of ours only, at work.

use std::process::Command;

use clms_factory::{Package, Scale};
use clms_tests::{Run, Scene, program};

const FOREST: &str = "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full";

fn alone(name: &str, args: &[&str]) -> Run {
    let mut command = Command::new(program(name));
    command.args(args);
    Run::of(command).well()
}

#[test]
fn the_api_alone_lists_the_catalogue() {
    let scene = Scene::new();
    let run = alone("alone-api", &[&scene.sim.api_url()]);
    assert!(run.stdout.contains("forest-type-2015\t56\t"), "{run:#?}");
}

#[test]
fn the_cache_alone_finds_a_cube() {
    let scene = Scene::new().delivering(Package::forest_type_2015(Scale::Pixels(300, 200)).spec());
    let _ = scene.clms(&["preload", FOREST]).well();
    let run = alone("alone-cache", &[scene.cache().to_str().unwrap(), FOREST]);
    assert!(
        run.stdout.contains(scene.cube(FOREST).to_str().unwrap()),
        "{run:#?}"
    );
}

#[test]
fn the_cube_alone_plans_a_folder_of_rasters() {
    let scene = Scene::new();
    let tiles = scene.home().join("tiles");
    Package::forest_type_2015(Scale::Pixels(300, 200))
        .write_rasters(&tiles)
        .unwrap();
    let run = alone("alone-cube", &[tiles.to_str().unwrap()]);
    assert!(run.stdout.contains("300 x 200"), "{run:#?}");
}

#[test]
fn jobs_alone_walk_through_the_machine() {
    let run = alone("alone-preload", &[]);
    assert!(run.stdout.contains("is remembered: true"), "{run:#?}");
}

#[test]
fn the_store_alone_needs_no_network() {
    let _ = alone("alone-store", &[]);
}
