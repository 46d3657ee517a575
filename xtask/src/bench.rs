//! `cargo xtask bench`: from a downloaded package to a finished cube, beside what else does it.

mod bound;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use self::bound::Bounds;
use crate::{
    gdal,
    process::{Result, built, cargo, step, target},
};

/// What is measured by default; X takes a minute to make and the others minutes to convert.
const USUAL: [&str; 3] = ["S", "T", "M"];

/// GDAL's way, with the settings that our cubes have. `$1` is the package, `$2` an empty folder.
const GDAL: &str = "cd $2 && unzip -q $1 && unzip -q Results/*.zip && find . -name '*.tif' > tiles \
    && gdalbuildvrt -q -input_file_list tiles all.vrt \
    && gdal_translate -q -of Zarr -co COMPRESS=ZSTD -co ZSTD_LEVEL=1 -co BLOCKSIZE=1024,1024 all.vrt cube.zarr";

/// What a Python user would write, if he knows that the default is float64.
const XARRAY: &str = "
import glob, sys, dask, rioxarray, xarray as xr
open_tile = lambda path: rioxarray.open_rasterio(path, chunks=dict(band=1, y=2048, x=2048), masked=False).sel(band=1, drop=True)
tiles = [open_tile(path) for path in glob.glob(sys.argv[1] + '/**/*.tif', recursive=True)]
cube = xr.combine_by_coords([tile.to_dataset(name='v') for tile in tiles], fill_value=255, combine_attrs='override')
cube = cube.astype('uint8').chunk(y=2048, x=2048)
for variable in cube.variables.values(): variable.encoding = {}
cube.to_zarr(sys.argv[1] + '/cube.zarr')
";

/// One row of the table.
#[derive(Clone, Copy, PartialEq)]
enum Program {
    Ours,
    OursUnpacked,
    Gdal,
    Xarray,
}

/// What one run took.
#[derive(Clone, Copy)]
struct Measured {
    wall: f64,
    cpu: f64,
    peak_kib: f64,
    bytes: u64,
    files: u64,
    /// Of our cubes: requests of opening one, and bytes of one window.
    reads: Option<(u64, u64)>,
}

struct Options {
    inputs: Vec<String>,
    runs: usize,
    dir: PathBuf,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self {
            inputs: USUAL.map(str::to_owned).to_vec(),
            runs: 3,
            dir: target().join("bench"),
        };
        let mut args = args.iter();
        while let Some(flag) = args.next() {
            let value = args.next().ok_or(format!("{flag} takes a value"))?;
            match flag.as_str() {
                "--inputs" => options.inputs = value.split(',').map(str::to_owned).collect(),
                "--runs" => {
                    options.runs = value
                        .parse()
                        .map_err(|_| format!("{value:?} is no number of runs"))?;
                }
                "--dir" => options.dir = PathBuf::from(value),
                other => {
                    return Err(format!(
                        "`cargo xtask bench` does not know {other:?}; it takes --inputs, --runs and --dir"
                    ));
                }
            }
        }
        options.runs = options.runs.max(1);
        Ok(options)
    }
}

pub(crate) fn run(args: &[String]) -> Result {
    let options = Options::parse(args)?;
    let version = gdal::ensure()?;
    cargo(["build", "--package", "clms-factory", "--bins", "--locked"]).run()?;
    for package in ["clms-cube", "clms-store"] {
        cargo(["build", "--package", package, "--examples", "--locked"]).run()?;
    }
    fs::create_dir_all(&options.dir).map_err(|why| format!("{}: {why}", options.dir.display()))?;
    let dir = options.dir.canonicalize().map_err(|why| why.to_string())?;
    println!("GDAL {version}; our crates as the dev profile builds them");
    let (mut peaks, mut bounds) = (Vec::new(), Bounds::default());
    for input in &options.inputs {
        let made = step(built("clms-factory"))
            .args(["--out".as_ref(), dir.as_os_str()])
            .args([format!("bench_{input}")]);
        made.output()
            .ok_or(format!("there is no input {input:?}"))?;
        let zip = dir.join(format!("bench_{input}.zip"));
        let ours = measure(input, &zip, &dir, options.runs, &mut bounds)?;
        peaks.push((input.as_str(), ours.peak_kib));
    }
    let peak = |wanted: &str| peaks.iter().find(|(input, _)| *input == wanted);
    if let (Some((_, small)), Some((_, large))) = (peak("S"), peak("X")) {
        bounds.judge_growth(*small, *large);
    }
    bounds.conclude()
}

/// Prints the table of one input, and returns the row that is ours.
fn measure(
    input: &str,
    zip: &Path,
    dir: &Path,
    runs: usize,
    bounds: &mut Bounds,
) -> Result<Measured> {
    let has = |program: &str| step("which").args([program]).output().is_some();
    let mut programs = vec![Program::Ours, Program::OursUnpacked];
    if ["unzip", "gdalbuildvrt", "gdal_translate"]
        .into_iter()
        .all(has)
    {
        programs.push(Program::Gdal);
    } else {
        println!("skipped: GDAL's way, because unzip or GDAL's programs are not installed");
    }
    if python().is_some() && has("unzip") {
        programs.push(Program::Xarray);
    } else {
        println!("skipped: rioxarray, because `cargo xtask test` has not made its environment yet");
    }
    let mut found: Vec<Vec<Measured>> = vec![Vec::new(); programs.len()];
    let mut stages = Vec::new();
    for _ in 0..runs {
        // In turn, so that a busy minute of the machine meets all of them.
        for (program, found) in programs.iter().zip(&mut found) {
            found.push(program.measured(zip, dir)?);
        }
        stages.push(unavoidable(zip, dir)?);
    }
    let rows: Vec<Measured> = found.iter().map(|runs| median(runs)).collect();
    let stages: Vec<(String, f64)> = (0..stages[0].len())
        .map(|k| {
            (
                stages[0][k].0.clone(),
                middle(stages.iter().map(|run| run[k].1).collect()),
            )
        })
        .collect();
    let sum: f64 = stages.iter().map(|stage| stage.1).sum();
    let yardstick = programs
        .iter()
        .position(|program| *program == Program::Gdal)
        .map(|index| rows[index]);

    println!(
        "\n{input}: {} MB of package, medians of {runs} runs",
        file_size(zip) / 1_000_000
    );
    println!(
        "{:<26}{:>9}{:>9}{:>10}{:>9}{:>7}{:>9}{:>11}{:>10}",
        "", "wall s", "CPU s", "peak MiB", "MB", "files", "of GDAL", "CPU / sum", "wall/CPU"
    );
    for (program, row) in programs.iter().zip(&rows) {
        println!(
            "{:<26}{:>9.2}{:>9.2}{:>10.0}{:>9.1}{:>7}{:>9}{:>11.2}{:>10.2}",
            program.name(),
            row.wall,
            row.cpu,
            row.peak_kib / 1024.0,
            row.bytes as f64 / 1e6,
            row.files,
            yardstick.map_or("-".to_owned(), |gdal| format!(
                "{:.2}",
                row.wall / gdal.wall
            )),
            row.cpu / sum,
            row.wall / row.cpu
        );
    }
    let parts: Vec<String> = stages
        .iter()
        .map(|(name, time)| format!("{name} {time:.2}"))
        .collect();
    println!(
        "{:<26}{:>9}{sum:>9.2}   {}",
        "unavoidable, one thread",
        "",
        parts.join(" + ")
    );
    let ours = rows[0];
    bounds.judge(input, &ours, yardstick.map(|gdal| gdal.wall), sum);
    Ok(ours)
}

impl Program {
    fn name(self) -> &'static str {
        match self {
            Self::Ours => "clms-cube",
            Self::OursUnpacked => "clms-cube, unpacked before",
            Self::Gdal => "unzip twice + GDAL",
            Self::Xarray => "unzip twice + rioxarray",
        }
    }

    /// Runs it once. The folder is empty before, and removed after.
    fn measured(self, zip: &Path, dir: &Path) -> Result<Measured> {
        let folder = dir.join("run");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(|why| why.to_string())?;
        let ours = built("examples").join("zip_to_cube");
        let cube = folder.join("cube.zarr");
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let command: Vec<String> = match self {
            Self::Ours => vec![text(&ours), text(zip), text(&cube)],
            Self::OursUnpacked => vec![text(&ours), "--unpack".into(), text(zip), text(&cube)],
            Self::Gdal => ["sh", "-ec", GDAL, "sh", &text(zip), &text(&folder)]
                .map(str::to_owned)
                .to_vec(),
            Self::Xarray => {
                let python = python().ok_or("there is no Python environment")?;
                let line = "cd $2 && unzip -q $1 && unzip -q Results/*.zip && $3 -c \"$4\" $2";
                [
                    "sh",
                    "-ec",
                    line,
                    "sh",
                    &text(zip),
                    &text(&folder),
                    &text(&python),
                    XARRAY,
                ]
                .map(str::to_owned)
                .to_vec()
            }
        };
        let report = folder.join("time");
        let begin = Instant::now();
        step("/usr/bin/time")
            .args(["-o", &text(&report), "-f", "%U %S %M"])
            .args(&command)
            .output()
            .ok_or_else(|| format!("{} failed", self.name()))?;
        let wall = begin.elapsed().as_secs_f64();
        let report = fs::read_to_string(&report)
            .map_err(|why| format!("/usr/bin/time said nothing: {why}"))?;
        let numbers: Vec<f64> = report
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        let [user, system, peak_kib] = numbers[..] else {
            return Err(format!("/usr/bin/time said {report:?}"));
        };
        let (mut bytes, mut files) = (0, 0);
        add_up(&cube, &mut bytes, &mut files);
        let reads = matches!(self, Self::Ours)
            .then(|| reads(&cube))
            .transpose()?;
        let _ = fs::remove_dir_all(&folder);
        Ok(Measured {
            wall,
            cpu: user + system,
            peak_kib,
            bytes,
            files,
            reads,
        })
    }
}

/// Requests of opening a cube, and bytes of one window of it.
fn reads(cube: &Path) -> Result<(u64, u64)> {
    let lines = step(built("examples").join("reads"))
        .args([cube])
        .output()
        .ok_or("counting what reading a cube takes failed")?;
    let number = |wanted: &str| {
        let mut words = lines.lines().filter_map(|line| line.split_once(' '));
        words.find_map(|(word, number)| (word == wanted).then(|| number.parse().ok())?)
    };
    number("opening")
        .zip(number("window"))
        .ok_or_else(|| format!("what reading a cube takes is unclear: {lines:?}"))
}

/// The stages that nothing can avoid, in seconds of one thread.
fn unavoidable(zip: &Path, dir: &Path) -> Result<Vec<(String, f64)>> {
    let folder = dir.join("stages");
    let lines = step(built("examples").join("stages"))
        .args([zip, &folder])
        .output()
        .ok_or("measuring the stages failed")?;
    let _ = fs::remove_dir_all(&folder);
    let stage = |line: &str| {
        let (name, time) = line.split_once(' ')?;
        Some((name.to_owned(), time.parse().ok()?))
    };
    Ok(lines.lines().filter_map(stage).collect())
}

/// The interpreter that the interoperability tests have made, if they have.
fn python() -> Option<PathBuf> {
    let environments = fs::read_dir(target().join("installed")).ok()?;
    let interpreters = environments
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("interop-"))
        .map(|entry| entry.path().join("bin/python"));
    interpreters.into_iter().find(|python| python.is_file())
}

/// Level 0 alone: overviews are something that the others don't make.
fn add_up(folder: &Path, bytes: &mut u64, files: &mut u64) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "overviews") {
                add_up(&path, bytes, files);
            }
        } else {
            *bytes += file_size(&path);
            *files += 1;
        }
    }
}

fn file_size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

fn median(runs: &[Measured]) -> Measured {
    let of = |number: fn(&Measured) -> f64| middle(runs.iter().map(number).collect());
    Measured {
        wall: of(|run| run.wall),
        cpu: of(|run| run.cpu),
        peak_kib: of(|run| run.peak_kib),
        ..runs[0]
    }
}

fn middle(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}
