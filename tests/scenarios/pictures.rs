//! Pictures in terminals, decoded by programs that know their formats; tables of what values a cube has.

use std::{fs, io::Cursor, path::Path, process::Command};

use clms_factory::{PackageSpec, Pattern, RasterSpec};
use clms_tests::{Run, Scene, python};
use serde_json::{Value, json};

use crate::terminal::Terminal;

const FOREST: &str = "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full";

/// The forest's classes in four stripes from west to east, over a quarter without data in the south.
fn stripes() -> Scene {
    const WEST: f64 = 4_000_000.0;
    const NORTH: f64 = 3_000_000.0;
    let file = FOREST.split('|').next_back().unwrap();
    let raster = RasterSpec::new(format!("{file}.tif"), 400, 200)
        .corner(WEST, NORTH, 100.0)
        .nodata("255")
        .pattern(Pattern::custom(|x, y| {
            if NORTH - y > 15_000.0 {
                255.0
            } else {
                ((x - WEST) / 10_000.0).floor()
            }
        }));
    let scene = Scene::new().delivering(&PackageSpec::new(file).rasters([raster]));
    let _ = scene.clms(&["preload", FOREST]).well();
    scene
}

/// Classes by value: colour as the program tells it.
fn colours(scene: &Scene) -> Vec<[u8; 3]> {
    let opened = scene.clms(&["open", FOREST, "-o", "json"]).well().json();
    let classes = opened["statistics"]["values"]["classes"]
        .as_array()
        .unwrap();
    let colours = classes.iter().map(|class| {
        let channels = class["colour"].as_array().unwrap();
        let channels: Vec<u8> = channels
            .iter()
            .map(|channel| channel.as_u64().unwrap() as u8)
            .collect();
        channels.try_into().unwrap()
    });
    colours.collect()
}

/// What lies under pixels without data.
const PAPER: [u8; 3] = [218, 227, 234];

struct Image {
    width: usize,
    height: usize,
    pixels: Vec<[u8; 3]>,
}

impl Image {
    fn of_png(bytes: Vec<u8>) -> Self {
        let mut decoder = png::Decoder::new(Cursor::new(bytes));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        Self {
            width: info.width as usize,
            height: info.height as usize,
            pixels: bytes
                .chunks(info.color_type.samples())
                .map(|pixel| [pixel[0], pixel[1], pixel[2]])
                .collect(),
        }
    }

    /// The stripes, and what lies under them.
    fn check(&self, colours: &[[u8; 3]], tolerance: u8) {
        assert_eq!(self.width, 2 * self.height);
        let close = |x: usize, y: usize, expected: [u8; 3]| {
            let found = self.pixels[y * self.width + x];
            let is_close = found
                .iter()
                .zip(expected)
                .all(|(a, b)| a.abs_diff(b) <= tolerance);
            assert!(is_close, "{found:?} is not {expected:?} at {x} {y}");
        };
        for x in 0..self.width {
            // Not where two stripes meet.
            if (x * 4) % self.width < 8 || (x * 4) % self.width > self.width - 8 {
                continue;
            }
            for y in 0..self.height * 3 / 4 - 2 {
                close(x, y, colours[x * 4 / self.width]);
            }
            for y in self.height * 3 / 4 + 2..self.height {
                close(x, y, PAPER);
            }
        }
    }
}

/// The part of an output from a sequence's beginning to its end.
fn sequence<'a>(output: &'a str, begin: &str) -> &'a str {
    let start = output.find(begin).unwrap();
    let end = output.rfind("\x1b\\").unwrap() + 2;
    &output[start..end]
}

#[test]
fn sixels_have_the_colours_of_the_classes() {
    let scene = stripes();
    let colours = colours(&scene);
    assert_eq!(colours.len(), 4);
    let draw = |way: &str| {
        let run = scene
            .clms(&["preview", FOREST, way, "--width", "200"])
            .well();
        assert!(run.stdout.contains("forest-type-2015|"), "the data id");
        assert!(run.stdout.contains("coniferous forest"), "the legend");
        assert!(run.stdout.contains("10 km"), "the scale");
        assert!(run.stdout.contains("Made with clms"), "the credit");
        run.stdout
    };

    let drawn = draw("--terminal=sixel");
    let (sixels, png) = (scene.home().join("map.six"), scene.home().join("six.png"));
    fs::write(&sixels, sequence(&drawn, "\x1bP")).unwrap();
    let mut decoder = Command::new("sixel2png");
    decoder.arg("-i").arg(&sixels).arg("-o").arg(&png);
    let _ = Run::of(decoder).well();
    let image = Image::of_png(fs::read(&png).unwrap());
    assert_eq!(image.width, 200);
    // Sixels have a hundred steps of each channel.
    image.check(&colours, 3);
}

type Cell = (char, [Option<[u8; 3]>; 2]);

/// The colours of text and ground of each cell, line by line, as tmux writes them: what does not change from line to line is not said again.
fn cells(screen: &str) -> Vec<Vec<Cell>> {
    let mut now = [None; 2];
    screen
        .lines()
        .map(|line| cells_of(line, &mut now))
        .collect()
}

fn cells_of(line: &str, now: &mut [Option<[u8; 3]>; 2]) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut rest = line.chars();
    while let Some(char) = rest.next() {
        if char != '\x1b' {
            cells.push((char, *now));
            continue;
        }
        assert_eq!(rest.next(), Some('['), "{line:?}");
        let codes: String = rest.by_ref().take_while(|char| *char != 'm').collect();
        let codes: Vec<u8> = codes
            .split(';')
            .filter_map(|code| code.parse().ok())
            .collect();
        let mut codes = &codes[..];
        while let [code, after @ ..] = codes {
            codes = after;
            match (code, after) {
                (0, _) => *now = [None; 2],
                (38 | 48, [2, r, g, b, after @ ..]) => {
                    now[usize::from(*code == 48)] = Some([*r, *g, *b]);
                    codes = after;
                }
                (39, _) => now[0] = None,
                (49, _) => now[1] = None,
                _ => {}
            }
        }
    }
    cells
}

#[test]
fn half_blocks_have_the_colours_of_the_classes_on_a_real_terminal() {
    let scene = stripes();
    let colours = colours(&scene);
    let terminal = Terminal::open(&scene, 80, 50);
    terminal.types(&format!(
        "clms preview '{FOREST}' --terminal; echo \"exit $?\""
    ));
    let _ = terminal.shows("the map", |screen| screen.contains("exit 0"));
    let screen = terminal.tmux(&["capture-pane", "-e", "-p"]);
    let mut image = Image {
        width: 80,
        height: 0,
        pixels: Vec::new(),
    };
    let lines = cells(&screen);
    for line in &lines {
        if line.first().is_none_or(|(char, _)| *char != '▀') {
            continue;
        }
        assert_eq!(line.len(), 80, "{screen}");
        for half in 0..2 {
            image.height += 1;
            image
                .pixels
                .extend(line.iter().map(|(_, colours)| colours[half].unwrap()));
        }
    }
    assert_eq!(image.height, 40, "{screen}");
    image.check(&colours, 0);
    // The swatches below it.
    for (colour, name) in colours
        .iter()
        .zip(["non-forest", "broadleaved", "coniferous", "mixed"])
    {
        let text = |line: &&Vec<Cell>| {
            line.iter()
                .map(|(char, _)| *char)
                .collect::<String>()
                .contains(name)
        };
        let line = lines.iter().find(text).unwrap();
        assert!(line.contains(&(' ', [None, Some(*colour)])), "{line:?}");
    }
}

#[test]
fn a_terminal_is_asked_what_it_can_and_left_as_it_was() {
    const KITTY: &str = r"\x1bP>|kitty(0.42.1)\x1b\\\x1b_Gi=31;OK\x1b\\\x1b[?62;c";
    let scene = stripes();
    for (answer, variable, way) in [
        (r"\x1b[?62;4;22c", "", "sixel"),
        (KITTY, "", "kitty"),
        (r"\x1b[?1;2c", "", "blocks"),
        // It never answers.
        ("", "", "blocks"),
        // It was started from another one, whose variables it has.
        (r"\x1b[?62;4;22c", "KITTY_WINDOW_ID", "sixel"),
        (KITTY, "TMUX", "kitty"),
        (r"\x1b[?62;4;22c", "TMUX", "blocks"),
    ] {
        let mut terminal = scene.command(&[]);
        let mut asked = Command::new(python::interpreter());
        asked
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/answering_terminal.py"))
            .arg(answer)
            .arg(terminal.get_program())
            .args(["preview", FOREST, "--terminal"])
            .env_clear()
            .envs(
                terminal
                    .env("TERM", "xterm-256color")
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            );
        if !variable.is_empty() {
            asked.env(variable, "1");
        }
        let report = Run::of(asked).well().json();
        assert_eq!(report["asked"], true, "{report}");
        assert_eq!(report["restored"], true, "{report}");
        assert_eq!(report["answer_is_shown"], false, "{report}");
        assert_eq!(report["code"], 0, "{report}");
        for other in ["kitty", "sixel", "blocks"] {
            assert_eq!(
                report[other],
                other == way,
                "{answer:?} {variable}: {report}"
            );
        }
    }
}

#[test]
fn pictures_that_nobody_could_see_are_refused() {
    let scene = stripes();
    for (args, words) in [
        (
            &["--terminal"][..],
            &["standard output is none", "--terminal=blocks"][..],
        ),
        (
            &["--terminal=blocks", "--color", "never"],
            &["need colours", "--color always"],
        ),
        (
            &["--terminal=blocks", "-o", "json"],
            &["-o json", "--out map.png"],
        ),
    ] {
        let run = scene.clms(&[&["preview", FOREST], args].concat());
        let run = run.with_code(2).saying(words);
        assert!(!run.stdout.contains('▀'), "{run:?}");
    }
    let mut without = scene.command(&["preview", FOREST, "--terminal=blocks"]);
    without.env("NO_COLOR", "1");
    let _ = Run::of(without).with_code(2).saying(&["NO_COLOR"]);
    // Both at once is both.
    let both = scene
        .clms(&["preview", FOREST, "--terminal=blocks", "--out", "map.png"])
        .well();
    assert!(both.stdout.contains('▀') && both.stdout.contains("map.png"));
    assert!(scene.home().join("map.png").is_file());
}

#[test]
fn a_cached_cube_says_which_classes_it_has_and_how_much_of_each() {
    let scene = stripes();
    for command in ["open", "describe"] {
        let statistics = &scene.clms(&[command, FOREST, "-o", "json"]).well().json()["statistics"];
        assert_eq!(statistics["counted"], json!({"kind": "all"}));
        assert_eq!(statistics["pixels"], 80_000);
        let without = json!({"share": 0.25, "area_m2": 400.0 * 50.0 * 10_000.0});
        assert_eq!(statistics["missing"], without);
        let classes = statistics["values"]["classes"].as_array().unwrap();
        assert_eq!(classes.len(), 4);
        for (value, class) in classes.iter().enumerate() {
            assert_eq!(class["value"], value);
            assert_eq!(class["share"], 0.25);
            assert_eq!(class["area_m2"], 100.0 * 150.0 * 10_000.0);
        }
        let text = scene.clms(&[command, FOREST]).well().stdout;
        assert!(!text.contains('\x1b'), "{text}");
        for line in [
            "values of FTY (all pixels counted)",
            "  2  coniferous forest",
            "  25.0 %  150 km²",
            "  no data: 25.0 % (200 km²)",
        ] {
            assert!(text.contains(line), "{line:?} is missing in\n{text}");
        }
        let coloured = scene.clms(&[command, FOREST, "--color", "always"]).well();
        assert!(coloured.stdout.contains("\x1b[48;"), "{coloured:?}");
    }
}

/// What the browser makes of a page, once its pictures are there, and what it had to complain of.
fn browse(scene: &Scene, page: &Path) -> Run {
    let mut browser = Command::new("chromium");
    browser
        .args(["--headless=new", "--no-sandbox", "--disable-gpu"])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
        ])
        .args(["--disable-dev-shm-usage", "--no-first-run"])
        .args(["--enable-logging=stderr", "--dump-dom"])
        .arg(format!(
            "--user-data-dir={}",
            scene.home().join("browser").display()
        ))
        .arg(format!("file://{}", page.display()))
        .env("HOME", scene.home());
    Run::of(browser).well()
}

/// Asks the page itself what it loaded. Scripts are not allowed in a report, so that this is a copy.
const ASKING: &str = r#"<script>
addEventListener("load", () => {
    const image = document.querySelector("img");
    document.body.dataset.seen = JSON.stringify({
        width: image.naturalWidth,
        height: image.naturalHeight,
        rows: document.querySelectorAll("tbody tr").length,
        title: document.title,
        heading: document.querySelector("h1").textContent,
        images: document.images.length,
        fetched: performance.getEntriesByType("resource").map(entry => entry.name).filter(name => !name.startsWith("data:")),
    });
});
</script></head>"#;

fn seen(scene: &Scene, report: &Path) -> Value {
    let html = fs::read_to_string(report).unwrap();
    let asking = scene.home().join("asking.html");
    let html = html
        .replace("default-src 'none'", "script-src 'unsafe-inline'")
        .replacen("</head>", ASKING, 1);
    fs::write(&asking, html).unwrap();
    let dom = browse(scene, &asking).stdout;
    let (_, seen) = dom.split_once("data-seen=\"").unwrap();
    let (seen, _) = seen.split_once('"').unwrap();
    // As attributes are written.
    let escapes = [
        ("&quot;", "\""),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ];
    let seen = escapes
        .iter()
        .fold(seen.to_owned(), |seen, (escaped, char)| {
            seen.replace(escaped, char)
        });
    serde_json::from_str(&seen).unwrap()
}

#[test]
fn a_report_is_one_page_that_a_browser_shows_without_fetching_anything() {
    let scene = stripes();
    let page = scene.home().join("report.html");
    let out = page.to_str().unwrap();
    let written = scene
        .clms(&["report", FOREST, "--out", out, "-o", "json"])
        .well()
        .json();
    assert_eq!(written["path"], out);
    assert_eq!(written["bytes"], fs::metadata(&page).unwrap().len());

    let run = browse(&scene, &page);
    assert!(!run.stderr.contains("CONSOLE"), "{}", run.stderr);
    for part in [
        "coniferous forest",
        "25.0 %",
        "150 km²",
        "EPSG:3035",
        "Full, open and free access.",
        "xr.open_dataset(",
        "gdalinfo 'ZARR:",
        "--zarr-format 2",
        "European Environment Agency",
    ] {
        assert!(
            run.stdout.contains(part),
            "{part:?} is missing in\n{}",
            run.stdout
        );
    }
    let seen = seen(&scene, &page);
    assert_eq!(seen["width"], 400, "{seen}");
    assert_eq!(seen["height"], 200, "{seen}");
    assert_eq!(seen["rows"], 4, "{seen}");
    assert_eq!(seen["fetched"], json!([]), "{seen}");
}

#[test]
fn a_hostile_title_stays_text_in_a_report() {
    const HOSTILE: &str = r#"</title></style><script>document.title = 1</script><img src=x onerror=alert(1)>" onload='"#;
    let scene = stripes();
    let metadata = scene.cube(FOREST).join("zarr.json");
    let mut root: Value = serde_json::from_slice(&fs::read(&metadata).unwrap()).unwrap();
    root["attributes"]["title"] = HOSTILE.into();
    fs::write(&metadata, root.to_string()).unwrap();
    let page = scene.home().join("report.html");
    let _ = scene
        .clms(&["report", FOREST, "--out", page.to_str().unwrap()])
        .well();
    let seen = seen(&scene, &page);
    assert_eq!(seen["heading"], HOSTILE);
    assert_eq!(seen["title"], seen["heading"]);
    assert_eq!(seen["images"], 1);
}

#[test]
fn a_report_is_a_page_of_a_raster() {
    let scene = stripes();
    let _ = scene
        .clms(&["report", FOREST, "--out", "report.pdf"])
        .with_code(2)
        .saying(&["report.pdf is not a .html file", "ends in .html"]);
    let _ = scene
        .clms(&["report", FOREST, "--out", "nowhere/report.html"])
        .with_code(2)
        .saying(&["there is no folder nowhere"]);
}
