//! `cargo xtask demo`: the main job from one end to the other, on loopback.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use crate::{
    gdal,
    process::{Result, built, cargo, root, step, target},
    service::{Queue, Service},
};

/// The four ids of the Python peer's tutorial, and CORINE Land Cover with its overseas departments.
const DATA_IDS: [&str; 5] = [
    "tree-cover-density-2015|TCD_2015_100m_eu_03035_d04_Full",
    "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full",
    "forest-type-2015|FTY_2015_020m_eu_03035_d04_E00N20",
    "clc-backbone-2021|CLMS_CLCplus_RASTER_2021",
    "clc2018|u2018_clc2018_v2020_20u1_raster100m",
];

pub(crate) fn run(args: &[String]) -> Result {
    let options = Options::parse(args)?;
    let begin = Instant::now();
    say("This is clms, from catalogue to map, against a simulated CLMS on this machine.");
    gdal::ensure()?;

    say("Building clms, the simulated service and the product factory (minutes the first time)");
    cargo(["build", "--workspace", "--bins", "--locked"]).run()?;
    let built_in = begin.elapsed();

    let packages = options.dir.join(format!("packages-{}", options.scale));
    say(&format!(
        "Making packages as CLMS makes them, in {}",
        shown(&packages)
    ));
    step(built("clms-factory"))
        .args(["--scale", &options.scale, "--out"])
        .args([&packages])
        .args(DATA_IDS.map(file_of))
        .run()?;

    let demo = Demo::start(&options.dir, &packages)?;
    let ready_in = begin.elapsed();
    demo.tell_the_story()?;

    println!(
        "\nDone in {:.0} s ({:.0} s of it building).",
        begin.elapsed().as_secs_f64(),
        built_in.as_secs_f64()
    );
    println!(
        "The part that clms did took {:.0} s.",
        (begin.elapsed() - ready_in).as_secs_f64()
    );
    Ok(())
}

struct Options {
    scale: String,
    dir: PathBuf,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self {
            scale: "demo".to_owned(),
            dir: target().join("demo"),
        };
        let mut args = args.iter();
        while let Some(flag) = args.next() {
            let mut value = || args.next().cloned().ok_or(format!("{flag} takes a value"));
            match flag.as_str() {
                "--scale" => options.scale = value()?,
                "--dir" => options.dir = PathBuf::from(value()?),
                other => {
                    return Err(format!(
                        "`cargo xtask demo` does not know {other:?}; it takes --scale and --dir"
                    ));
                }
            }
        }
        Ok(options)
    }
}

struct Demo {
    credentials: PathBuf,
    cache: PathBuf,
    pictures: PathBuf,
    service: Service,
}

impl Demo {
    /// Starts the simulated service, and empties what an earlier demo left in the cache.
    fn start(dir: &Path, packages: &Path) -> Result<Self> {
        let cache = dir.join("cache");
        let pictures = dir.join("pictures");
        let credentials = dir.join("credentials.json");
        for folder in [&cache, &pictures] {
            if folder.exists() {
                fs::remove_dir_all(folder)
                    .map_err(|why| format!("cannot empty {}: {why}", folder.display()))?;
            }
        }
        fs::create_dir_all(&pictures)
            .map_err(|why| format!("cannot create {}: {why}", pictures.display()))?;

        let service = Service::start(packages, &credentials, Queue::Short)?;
        say(&format!(
            "The simulated service listens on {}",
            service.api_url
        ));
        Ok(Self {
            credentials,
            cache,
            pictures,
            service,
        })
    }

    fn tell_the_story(&self) -> Result {
        say("Who am I?");
        self.clms(&["auth", "check"])?;
        say("What is there about forests?");
        self.clms(&["list", "forest-type-2015|*Full"])?;
        say("What is that?");
        self.clms(&["describe", DATA_IDS[1]])?;
        say("Five products side by side: request, wait, download, unpack, build");
        let preload: Vec<&str> = ["preload"].into_iter().chain(DATA_IDS).collect();
        let peak = self.clms(&preload)?;
        say("Which jobs were that?");
        self.clms(&["jobs", "list"])?;
        say("What is in the cube?");
        self.clms(&["open", DATA_IDS[4]])?;
        say("Maps");
        for data_id in DATA_IDS {
            let picture = self.picture(data_id);
            self.clms(&["preview", data_id, "--out", &picture.to_string_lossy()])?;
            let size = fs::metadata(&picture).map_or(0, |file| file.len());
            if size < 1000 {
                return Err(format!("{} is no picture: {size} bytes", picture.display()));
            }
        }
        say("What is cached?");
        self.clms(&["cache", "list"])?;

        for data_id in DATA_IDS {
            let cube = self.cache.join(format!("{data_id}.zarr"));
            if !cube.join("zarr.json").is_file() {
                return Err(format!("there is no cube at {}", cube.display()));
            }
        }
        self.say_what_next(peak);
        Ok(())
    }

    fn say_what_next(&self, peak: Option<u64>) {
        if let Some(bytes) = peak {
            say(&format!(
                "The preload took at most {} MiB of memory",
                bytes >> 20
            ));
        }
        println!("Cubes     {}", shown(&self.cache));
        println!("Pictures  {}", shown(&self.pictures));
        println!("\nWhat to type next:");
        println!(
            "  export CLMS_CACHE='{}' PATH=\"{}:$PATH\"",
            self.cache.display(),
            target().join("debug").display()
        );
        println!("  clms open '{}' -o json", DATA_IDS[1]);
        println!("  clms cache list");
        println!(
            "  python3 -c \"import xarray; print(xarray.open_zarr('{}'))\"   # pip install xarray zarr dask",
            self.cache.join(format!("{}.zarr", DATA_IDS[1])).display()
        );
        println!(
            "  cargo xtask sim --help          # the simulated service on its own, with all its bad habits"
        );
        println!("  cargo install --path crates/clms-cli");
        println!(
            "and with a service key of your own from https://land.copernicus.eu: clms list, clms preload ..."
        );
    }

    fn picture(&self, data_id: &str) -> PathBuf {
        self.pictures.join(format!("{}.png", file_of(data_id)))
    }

    /// Runs `clms` as a person would, and returns its peak memory in bytes where the system tells it.
    fn clms(&self, args: &[&str]) -> Result<Option<u64>> {
        println!("$ {}", step("clms").args(args).line());
        let mut child = Command::new(built("clms"))
            .args(args)
            .current_dir(root())
            .env("CLMS_API_URL", &self.service.api_url)
            .env("CLMS_CREDENTIALS", &self.credentials)
            .env("CLMS_CACHE", &self.cache)
            .env("CLMS_POLL_INTERVAL", "250ms")
            .env("XDG_CACHE_HOME", &self.pictures)
            .env_remove("CLMS_OFFLINE")
            .spawn()
            .map_err(|why| format!("cannot start clms: {why}"))?;
        let mut peak = None;
        let status = loop {
            peak = peak_memory(child.id()).max(peak);
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) => thread::sleep(Duration::from_millis(20)),
                Err(why) => return Err(format!("lost sight of clms: {why}")),
            }
        };
        if status.success() {
            Ok(peak)
        } else {
            Err(format!("clms {} ended with {status}", args[0]))
        }
    }
}

fn file_of(data_id: &str) -> &str {
    data_id.split_once('|').map_or(data_id, |(_, file)| file)
}

/// The high-water mark of a process's resident memory, as Linux counts it.
fn peak_memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

fn say(what: &str) {
    println!("\n== {what}");
}

/// A path as seen from where the person is.
fn shown(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}
