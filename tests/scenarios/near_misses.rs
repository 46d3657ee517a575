//! Data ids that are not quite right: the nearest ones come as commands that can be pasted.

use clms_tests::Scene;

const CORINE: &str = "clc2018|u2018_clc2018_v2020_20u1_raster100m";
const FOREST: &str = "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full";

/// What is typed behind a command, and the data id that must stand first among those that may be meant.
const TYPED: &[(&str, &str)] = &[
    ("clc2018|u2018_clc2018_v2020_20u1_raster100", CORINE),
    ("clc2018|u2018_clc2018_v2020_20u1_rsater100m", CORINE),
    ("clc2108|u2018_clc2018_v2020_20u1_raster100m", CORINE),
    ("CLC2018|U2018_CLC2018_V2020_20U1_RASTER100M", CORINE),
    ("clc-2018/u2018_clc2018_v2020_20u1_raster100m.zip", CORINE),
    ("u2018_clc2018_v2020_20u1_raster100m", CORINE),
    ("clc2018|raster100m", CORINE),
    ("forest-type-2015|FTY_2015_100m_eu_03035_d02_Fool", FOREST),
    ("forest_type_2015|fty_2015_100m_eu_03035_d02_full", FOREST),
    ("forest-type-2018|FTY_2015_100m_eu_03035_d02_Full", FOREST),
];

/// The data ids that are named as commands of the program, in the order in which they are.
fn commands(stderr: &str, before: &str, after: &str) -> Vec<String> {
    let lines = stderr.lines().filter_map(|line| {
        let line = line.strip_prefix("  ")?.strip_prefix(before)?;
        let data_id = line.strip_suffix(after)?.trim_matches('\'');
        Some(data_id.to_owned())
    });
    lines.collect()
}

#[test]
fn the_nearest_data_id_comes_first() {
    let scene = Scene::new();
    for (typed, meant) in TYPED {
        let run = scene.clms(&["describe", typed]).with_code(3);
        let named = commands(&run.stderr, "clms describe ", "");
        assert_eq!(
            named.first().map(String::as_str),
            Some(*meant),
            "{typed}: {run:#?}"
        );
        assert!(named.len() <= 5, "{run:#?}");
        let again = scene.clms(&["describe", &named[0], "-o", "json"]).well();
        assert_eq!(again.json()["data_id"], *meant);
    }
}

#[test]
fn every_command_that_takes_a_data_id_names_itself() {
    let scene = Scene::new();
    let wrong = TYPED[0].0;
    for (args, before, after) in [
        (&["preload", wrong][..], "clms preload ", ""),
        (&["preload", FOREST, wrong], "clms preload ", ""),
        (&["open", wrong], "clms open ", ""),
        (
            &["preview", wrong, "--out", "my map.png"],
            "clms preview ",
            " --out 'my map.png'",
        ),
        (
            &["export", wrong, "--out", "a.tif"],
            "clms export ",
            " --out a.tif",
        ),
    ] {
        let run = scene.clms(args);
        let named = commands(&run.stderr, before, after);
        assert_eq!(
            named.first().map(String::as_str),
            Some(CORINE),
            "{args:?}: {run:#?}"
        );
        assert_eq!(run.code, Some(3), "{args:?}");
    }
}

#[test]
fn a_title_and_a_product_lead_to_what_can_be_had() {
    let scene = Scene::new();
    let title = "CORINE Land Cover 2018 (vector/raster 100 m), Europe, 6-yearly";
    let run = scene.clms(&["describe", title]).with_code(3);
    let named = commands(&run.stderr, "clms describe ", "");
    assert_eq!(
        named.first().map(String::as_str),
        Some("clc2018"),
        "{run:#?}"
    );

    let run = scene.clms(&["preload", "clc2018"]).with_code(3);
    let named = commands(&run.stderr, "clms preload ", "");
    assert_eq!(named.len(), 3, "all files of the product: {run:#?}");
    assert!(named.contains(&CORINE.to_owned()), "{run:#?}");

    // In JSON too, as data ids.
    let run = scene
        .clms(&["preload", "CLC2018", "-o", "json"])
        .with_code(3);
    let nearest = &run.json()["error"]["nearest"];
    assert!(
        nearest.as_array().unwrap().iter().any(|id| id == CORINE),
        "{run:#?}"
    );

    let run = scene.clms(&["open", "nothing-of-the-kind"]).with_code(3);
    assert_eq!(
        commands(&run.stderr, "clms open ", ""),
        Vec::<String>::new()
    );
}
