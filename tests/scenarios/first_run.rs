//! The first ten minutes: a service key, settings, shells, and requests in files.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use clms_factory::{Package, Scale};
use clms_tests::{Run, Scene, program};
use serde_json::{Value, json};

const FOREST: &str = "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full";

fn mode(file: &Path) -> u32 {
    fs::metadata(file).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_service_key_is_checked_and_kept_where_only_its_owner_reads_it() {
    let scene = Scene::new();
    let home = scene.home();
    let key = scene.sim.service_key_json();
    fs::write(home.join("downloaded.json"), &key).unwrap();
    fs::remove_file(scene.credentials()).unwrap();
    let kept = home.join(".config/clms/credentials.json");
    let at_the_usual_place = |args: &[&str]| {
        let mut command = scene.command(args);
        command.env_remove("CLMS_CREDENTIALS");
        command
    };

    let login = at_the_usual_place(&["auth", "login", "downloaded.json", "-o", "json"]);
    let login = Run::of(login).well();
    assert_eq!(login.json()["credentials"], json!(kept));
    assert_eq!(mode(&kept), 0o600);
    let check = Run::of(at_the_usual_place(&["auth", "check", "-o", "json"])).well();
    assert_eq!(check.json()["user_id"], login.json()["user_id"]);
    assert_eq!(check.stderr, "", "nothing to complain about");

    // Again, pasted, over one that everybody can read.
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o644)).unwrap();
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Value>(&key).unwrap());
    let pasted = format!("\n{}\nand what came behind it", pretty.unwrap());
    let _ = Run::with_input(at_the_usual_place(&["auth", "login"]), &pasted).well();
    assert_eq!(mode(&kept), 0o600);
    let there: Value = serde_json::from_str(&fs::read_to_string(&kept).unwrap()).unwrap();
    assert_eq!(there, serde_json::from_str::<Value>(&key).unwrap());

    // One that is no good leaves the one that is.
    let before = fs::read(&kept).unwrap();
    let other = clms_sim::Sim::builder().start().unwrap();
    let mut wrong: Value = serde_json::from_str(&key).unwrap();
    wrong["private_key"] =
        serde_json::from_str::<Value>(&other.service_key_json()).unwrap()["private_key"].clone();
    let _ =
        Run::with_input(at_the_usual_place(&["auth", "login"]), &wrong.to_string()).with_code(4);
    assert_eq!(fs::read(&kept).unwrap(), before);

    // Without the network it is kept unchecked, and that is said.
    let offline = at_the_usual_place(&["auth", "login", "--offline", "downloaded.json"]);
    let _ = Run::of(offline).well().saying(&["not checked"]);
    for run in [login.stdout, check.stdout] {
        assert!(!run.contains("PRIVATE"), "{run}");
    }
}

#[test]
fn options_win_over_variables_those_over_the_file_and_that_over_defaults() {
    let scene = Scene::new();
    let home = scene.home();
    fs::create_dir_all(home.join("config/clms")).unwrap();
    fs::write(
        home.join("config/clms/config.toml"),
        "cache = \"~/cubes\"\npoll-interval = \"7s\"\nprogress = \"none\"\noffline = true\ncredentials = \"~/key.json\"\n\
         store-option = { region = \"eu\", anonymous = true, secret_access_key = \"hush\" }\n",
    )
    .unwrap();
    let show = |args: &[&str], variables: &[(&str, &str)]| {
        let mut command = scene.command(&[&["config", "show", "-o", "json"], args].concat());
        command.env("XDG_CONFIG_HOME", home.join("config"));
        for name in ["CLMS_CACHE", "CLMS_POLL_INTERVAL", "CLMS_CREDENTIALS"] {
            command.env_remove(name);
        }
        command.envs(variables.iter().copied());
        let run = Run::of(command).well();
        assert!(!run.stdout.contains("hush"), "{}", run.stdout);
        run.json()
    };
    let setting = |shown: &Value, name: &str| {
        let rows = shown["settings"].as_array().unwrap();
        let row = rows.iter().find(|row| row["name"] == name).unwrap();
        (
            row["value"].clone(),
            row["from"].as_str().unwrap().to_owned(),
        )
    };
    let file = show(&[], &[]);
    assert_eq!(file["config_file_exists"], true);
    let of_file = |value: Value| (value, "file".to_owned());
    assert_eq!(setting(&file, "cache"), of_file(json!(home.join("cubes"))));
    assert_eq!(
        setting(&file, "credentials"),
        of_file(json!(home.join("key.json")))
    );
    assert_eq!(setting(&file, "poll-interval"), of_file(json!("7s")));
    assert_eq!(setting(&file, "offline"), of_file(json!(true)));
    assert_eq!(
        setting(&file, "store-option"),
        of_file(json!([
            "anonymous=true",
            "region=eu",
            "secret_access_key=***"
        ]))
    );
    assert_eq!(setting(&file, "scratch").1, "default");

    let variables = [
        ("CLMS_CACHE", "elsewhere"),
        ("CLMS_POLL_INTERVAL", "8s"),
        ("CLMS_OFFLINE", "0"),
        ("CLMS_PROGRESS", ""),
        ("NO_COLOR", "1"),
    ];
    let shown = show(
        &["--poll-interval", "9s", "--store-option", "region=us"],
        &variables,
    );
    assert_eq!(
        setting(&shown, "cache"),
        (json!("elsewhere"), "variable".to_owned())
    );
    assert_eq!(
        setting(&shown, "offline"),
        (json!(false), "variable".to_owned())
    );
    assert_eq!(
        setting(&shown, "color"),
        (json!("never"), "variable".to_owned())
    );
    assert_eq!(
        setting(&shown, "poll-interval"),
        (json!("9s"), "option".to_owned())
    );
    assert_eq!(
        setting(&shown, "store-option"),
        (json!(["region=us"]), "option".to_owned())
    );
    // A variable that is empty is not set.
    assert_eq!(setting(&shown, "progress"), of_file(json!("none")));

    let mut command = scene.command(&["list"]);
    command.env("CLMS_POLL_INTERVAL", "soon");
    let _ = Run::of(command)
        .with_code(2)
        .saying(&["CLMS_POLL_INTERVAL", "soon", "hint: "]);
}

#[test]
fn a_request_in_a_file_is_the_same_request() {
    let scene = Scene::new().delivering(Package::forest_type_2015(Scale::Pixels(900, 700)).spec());
    let saved = "request.toml";
    let _ = scene
        .clms(&[
            "preload",
            FOREST,
            "--tile-size",
            "128",
            "--zarr-format",
            "2",
            "--dry-run",
            "--save-request",
            saved,
        ])
        .well();
    let text = fs::read_to_string(scene.home().join(saved)).unwrap();
    assert!(
        text.contains("tile_size") && !text.contains("dry_run"),
        "{text}"
    );
    let _ = scene.clms(&["preload", "--request-file", saved]).well();
    let opened = scene.clms(&["open", FOREST, "-o", "json"]).well().json();
    let chunks = &opened["groups"][0]["variables"][0]["chunks"];
    assert_eq!(chunks, &json!([128, 128]), "{opened:#}");

    let asked = [
        "export",
        FOREST,
        "--out",
        "a.tif",
        "--bbox",
        "920000,5440000,930000,5450000",
        "--bbox-crs",
        "EPSG:3035",
    ];
    let first =
        scene.clms(&[&asked[..], &["--save-request", "window.json", "-o", "json"]].concat());
    let second = scene.clms(&[
        "export",
        "--request-file",
        "window.json",
        "--out",
        "b.tif",
        "-o",
        "json",
    ]);
    assert_eq!(first.well().json()["shape"], second.well().json()["shape"]);
    let [a, b] = ["a.tif", "b.tif"].map(|name| fs::read(scene.home().join(name)).unwrap());
    assert_eq!(a, b);

    // From a pipe, where it is recognised by how it begins.
    let json = fs::read_to_string(scene.home().join("window.json")).unwrap();
    let piped = scene.command(&[
        "export",
        "--request-file",
        "-",
        "--out",
        "c.tif",
        "--resampling",
        "mode",
        "--resolution",
        "200",
    ]);
    let _ = Run::with_input(piped, &json).well();
}

#[test]
fn shells_complete_commands_and_options() {
    let scene = Scene::new();
    let folder = program("clms").parent().unwrap().display().to_string();
    for shell in ["bash", "zsh", "fish"] {
        let script = scene.clms(&["completions", shell]).well().stdout;
        fs::write(scene.home().join(format!("clms.{shell}")), script).unwrap();
    }
    // What a shell offers after `clms pre` and a tab, and after `clms preload --til`.
    let bash = r#"source clms.bash
        for line in "clms pre" "clms preload --til" "clms export --resampling "; do
            COMP_WORDS=($line); [[ $line == *" " ]] && COMP_WORDS+=("")
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()
            _clms clms "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
            echo "${COMPREPLY[@]}"
        done"#;
    let fish = r#"source clms.fish
        complete -C "clms pre"
        complete -C "clms preload --til""#;
    // In a terminal of its own, for without one zsh completes nothing.
    let zsh = r#"zmodload zsh/zpty
        zpty z zsh -f -i
        zpty -w z "PROMPT=; fpath=($PWD/functions \$fpath); autoload -U compinit; compinit -u -D; print read''y"
        zpty -r z answer "*ready*"
        zpty -w -n z $'clms preload --til\t'
        zpty -r z answer "*--tile-size*"
        print -r -- "$answer""#;
    fs::create_dir(scene.home().join("functions")).unwrap();
    fs::rename(
        scene.home().join("clms.zsh"),
        scene.home().join("functions/_clms"),
    )
    .unwrap();
    for (shell, script, wanted) in [
        ("bash", bash, &["preload", "preview", "--tile-size"][..]),
        ("fish", fish, &["preload", "preview", "--tile-size"]),
        ("zsh", zsh, &["--tile-size"]),
    ] {
        let mut command = Command::new(shell);
        command
            .args(["-c", script])
            .current_dir(scene.home())
            .env("HOME", scene.home())
            .env(
                "PATH",
                format!("{folder}:{}", std::env::var("PATH").unwrap()),
            )
            .stdin(Stdio::null());
        let run = Run::of(command);
        for word in wanted {
            assert!(
                run.stdout.contains(word),
                "{shell} doesn't offer {word}: {run:#?}"
            );
        }
    }
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let scene = Scene::new();
    let _ = scene.clms(&["man", "manual/man1"]).well();
    let folder = scene.home().join("manual/man1");
    let pages: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|page| page.unwrap().path())
        .collect();
    assert!(pages.len() > 25, "{pages:?}");
    for page in &pages {
        let mut groff = Command::new("groff");
        groff.args(["-man", "-Tutf8", "-ww"]).arg(page);
        let run = Run::of(groff).well();
        assert_eq!(run.stderr, "", "{}", page.display());
    }
    let mut man = Command::new("man");
    man.args(["-M", "manual", "clms-preload"])
        .current_dir(scene.home())
        .env("MANPAGER", "cat")
        .env("MANWIDTH", "100")
        .env("LC_ALL", "C.UTF-8");
    let shown = Run::of(man).well().stdout;
    assert!(
        shown.contains("--tile-size") && shown.contains("clms-preload"),
        "{shown}"
    );
}

#[test]
fn the_version_names_gdal() {
    let run = Scene::new().clms(&["--version"]).well();
    let words: Vec<&str> = run.stdout.split_whitespace().collect();
    assert!(
        matches!(words[..], ["clms", _, "(GDAL", version] if version.starts_with('3')),
        "{run:?}"
    );
}
