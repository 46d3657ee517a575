//! `cargo xtask bench-startup`: how long the program takes to say something, beside an empty program that is linked with the same GDAL.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use crate::{
    process::{Result, built, cargo, step, target},
    service::{Queue, Service},
};

/// Each command is run so often, in turns with the others.
const RUNS: usize = 41;

/// Does nothing, with GDAL loaded: what `main` can't make faster.
const EMPTY: &str = "extern const char *GDALVersionInfo(const char *);\n\
    int main(int count, char **words) { return count > 9 ? GDALVersionInfo(words[0])[0] : 0; }\n";

/// Measures, and beside it `others`, such as Python programs or another build of this one: `NAME=COMMAND`.
pub(crate) fn run(others: &[String]) -> Result {
    cargo(["build", "--workspace", "--bins", "--locked"]).run()?;
    let folder = target().join("bench-startup");
    fs::create_dir_all(&folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    let empty = empty_program(&folder)?;
    let credentials = folder.join("credentials.json");
    let service = Service::start(&folder, &credentials, Queue::None)?;
    let environment = [
        ("HOME", folder.display().to_string()),
        ("XDG_CACHE_HOME", folder.display().to_string()),
        ("CLMS_API_URL", service.api_url.clone()),
        ("CLMS_CACHE", folder.join("cubes").display().to_string()),
        ("CLMS_PROGRAM", built("clms").display().to_string()),
    ];
    let mut commands = vec![
        ("an empty program", empty.as_str()),
        ("clms --version", "$CLMS_PROGRAM --version"),
        ("clms --help", "$CLMS_PROGRAM --help"),
        ("clms list forest, cached", "$CLMS_PROGRAM list forest"),
        ("clms list, cached, all of it", "$CLMS_PROGRAM list"),
        (
            "clms search forest europe",
            "$CLMS_PROGRAM search forest europe",
        ),
    ];
    for other in others {
        let named = other.split_once('=');
        commands.push(named.ok_or_else(|| format!("{other:?} is not NAME=COMMAND"))?);
    }
    let mut times = vec![Vec::with_capacity(RUNS); commands.len()];
    for _ in 0..=RUNS {
        for ((name, line), times) in commands.iter().zip(&mut times) {
            let mut shell = Command::new("sh");
            shell
                .args(["-c", &format!("exec {line}")])
                .envs(environment.iter().map(|(name, value)| (name, value)))
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            let begin = Instant::now();
            let status = shell.status().map_err(|why| format!("{name}: {why}"))?;
            times.push(begin.elapsed().as_secs_f64() * 1e3);
            if !status.success() {
                return Err(format!("{name} ended with {status}"));
            }
        }
    }
    for times in &mut times {
        // The first one of each fills caches.
        times.remove(0);
        times.sort_by(f64::total_cmp);
    }
    let least_and_middle: Vec<[f64; 2]> = times
        .iter()
        .map(|times| [times[0], times[times.len() / 2]])
        .collect();
    let empty = least_and_middle[0];
    println!("{:30} {:>19} {:>19}", "", "least ms", "middle ms");
    for ((name, _), ms) in commands.iter().zip(&least_and_middle) {
        let cell = |at: usize| format!("{:.1} ({:+.1})", ms[at], ms[at] - empty[at]);
        println!("{name:30} {:>19} {:>19}", cell(0), cell(1));
    }
    println!(
        "in brackets: above an empty program; on a busy machine, the least is the program's own"
    );
    Ok(())
}

fn empty_program(folder: &Path) -> Result<String> {
    let [source, program] =
        ["empty.c", "empty"].map(|name| folder.join(name).display().to_string());
    fs::write(&source, EMPTY).map_err(|why| format!("{source}: {why}"))?;
    step("cc")
        .args([
            "-O2",
            "-Wl,--no-as-needed",
            "-o",
            &program,
            &source,
            "-lgdal",
        ])
        .run()?;
    Ok(program)
}
