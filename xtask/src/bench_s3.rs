//! `cargo xtask bench-s3`: the main job into object storage on this machine, beside the same onto its disk.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use crate::{
    gdal,
    process::{Result, built, cargo, step, target},
    service::{ObjectStorage, Queue, Service},
};

/// A block of 25 tiles: 400 MB of pixels at the scale below.
const DATA_ID: &str = "forest-type-2015|FTY_2015_020m_eu_03035_d04_E00N20";
const SCALE: &str = "4000x4000";

struct Options {
    data_id: String,
    scale: String,
    runs: usize,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self {
            data_id: DATA_ID.to_owned(),
            scale: SCALE.to_owned(),
            runs: 3,
        };
        let mut args = args.iter();
        while let Some(flag) = args.next() {
            let value = args.next().ok_or(format!("{flag} takes a value"))?;
            match flag.as_str() {
                "--data-id" => value.clone_into(&mut options.data_id),
                "--scale" => value.clone_into(&mut options.scale),
                "--runs" => {
                    options.runs = value
                        .parse()
                        .map_err(|_| format!("{value:?} is no number of runs"))?;
                }
                other => {
                    return Err(format!(
                        "`cargo xtask bench-s3` does not know {other:?}; it takes --data-id, --scale and --runs"
                    ));
                }
            }
        }
        options.runs = options.runs.max(1);
        Ok(options)
    }
}

/// What one run took.
#[derive(Clone, Copy)]
struct Measured {
    wall: f64,
    cpu: f64,
    peak_mib: f64,
}

pub(crate) fn run(args: &[String]) -> Result {
    let options = Options::parse(args)?;
    gdal::ensure()?;
    cargo(["build", "--workspace", "--bins", "--locked"]).run()?;
    step(built("clms-servers")).args(["install"]).run()?;
    let dir = target().join("bench-s3");
    let packages = dir.join(format!("packages-{}", options.scale));
    fs::create_dir_all(&packages).map_err(|why| format!("{}: {why}", packages.display()))?;
    let file = options.data_id.split('|').next_back().unwrap_or_default();
    step(built("clms-factory"))
        .args(["--scale", &options.scale, "--out"])
        .args([&packages])
        .args([file])
        .run()?;

    let (mut disk, mut s3) = (Vec::new(), Vec::new());
    for _ in 0..options.runs {
        // In turn, so that a busy minute of the machine meets both.
        let cache = dir.join("cache");
        let _ = fs::remove_dir_all(&cache);
        let scene = Scene::new(&dir, &packages)?;
        disk.push(scene.preload(&options.data_id, &cache.to_string_lossy(), &[])?);
        let scene = Scene::new(&dir, &packages)?;
        let storage = ObjectStorage::start()?;
        s3.push(scene.preload(&options.data_id, &storage.url, &storage.environment)?);
    }
    let (disk, s3) = (median(&disk), median(&s3));
    println!(
        "\n{} at {}, medians of {} runs, of a service that lets nobody wait",
        options.data_id, options.scale, options.runs
    );
    println!("{:<12}{:>9}{:>9}{:>10}", "", "wall s", "CPU s", "peak MiB");
    for (name, row) in [("disk", disk), ("S3", s3)] {
        println!(
            "{name:<12}{:>9.2}{:>9.2}{:>10.0}",
            row.wall, row.cpu, row.peak_mib
        );
    }
    println!(
        "{:<12}{:>9.2}{:>9.2}{:>10.2}",
        "S3 / disk",
        s3.wall / disk.wall,
        s3.cpu / disk.cpu,
        s3.peak_mib / disk.peak_mib
    );
    Ok(())
}

/// A service that has been asked for nothing yet, and an empty scratch folder.
struct Scene {
    service: Service,
    credentials: PathBuf,
    scratch: PathBuf,
}

impl Scene {
    fn new(dir: &Path, packages: &Path) -> Result<Self> {
        let credentials = dir.join("credentials.json");
        let scratch = dir.join("scratch");
        let _ = fs::remove_dir_all(&scratch);
        Ok(Self {
            service: Service::start(packages, &credentials, Queue::None)?,
            credentials,
            scratch,
        })
    }

    fn preload(
        &self,
        data_id: &str,
        cache: &str,
        environment: &[(String, String)],
    ) -> Result<Measured> {
        let report = self.credentials.with_extension("time");
        let mut command = Command::new("/usr/bin/time");
        command
            .args(["-f", "%U %S %M", "-o"])
            .arg(&report)
            .arg(built("clms"))
            .args(["preload", data_id, "--progress", "none", "--quiet"])
            .env("CLMS_API_URL", &self.service.api_url)
            .env("CLMS_CREDENTIALS", &self.credentials)
            .env("CLMS_CACHE", cache)
            .env("CLMS_SCRATCH", &self.scratch)
            .env("CLMS_POLL_INTERVAL", "50ms")
            .env("XDG_CACHE_HOME", &self.scratch)
            .envs(environment.iter().cloned());
        let begin = Instant::now();
        let output = command
            .output()
            .map_err(|why| format!("/usr/bin/time cannot be run: {why}"))?;
        let wall = begin.elapsed().as_secs_f64();
        if !output.status.success() {
            return Err(format!(
                "clms preload into {cache} failed: {}",
                String::from_utf8_lossy(&output.stderr)
            ));
        }
        let report = fs::read_to_string(&report).map_err(|why| why.to_string())?;
        let numbers: Vec<f64> = report
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        let [user, system, peak_kib] = numbers[..] else {
            return Err(format!("/usr/bin/time said {report:?}"));
        };
        Ok(Measured {
            wall,
            cpu: user + system,
            peak_mib: peak_kib / 1024.0,
        })
    }
}

fn median(runs: &[Measured]) -> Measured {
    let of = |number: fn(&Measured) -> f64| {
        let mut numbers: Vec<f64> = runs.iter().map(number).collect();
        numbers.sort_by(f64::total_cmp);
        numbers.get(numbers.len() / 2).copied().unwrap_or_default()
    };
    Measured {
        wall: of(|run| run.wall),
        cpu: of(|run| run.cpu),
        peak_mib: of(|run| run.peak_mib),
    }
}
