//! `clms-factory`: writes packages into a folder and prints their paths.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clms_factory::{Package, Scale, demo_packages};

const USAGE: &str = "\
Usage: clms-factory --out DIR [--scale demo|full|WxH] [--rasters] [FILE...]

Writes DIR/FILE.zip for each FILE (the five products of the demo when none is named) and prints the paths.
What is there already, made with the same parameters, is left as it is.

  --scale    size of the rasters: demo (the default), full, or at most WxH pixels
  --rasters  write loose rasters with their side-cars into DIR/FILE/ instead
";

/// Exit codes.
const FAILED: u8 = 1;
const MISUSED: u8 = 2;

struct Arguments {
    out: PathBuf,
    scale: Scale,
    rasters: bool,
    files: Vec<String>,
}

fn main() -> ExitCode {
    let (result, code) = match Arguments::parse(std::env::args().skip(1)) {
        Ok(None) => (
            io::stdout().write_all(USAGE.as_bytes()).map_err(Into::into),
            FAILED,
        ),
        Ok(Some(arguments)) => (run(&arguments), FAILED),
        Err(message) => (Err(format!("{message}\n\n{USAGE}").into()), MISUSED),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where nobody listens, the exit code still tells.
            let _ = writeln!(io::stderr(), "clms-factory: {error}");
            ExitCode::from(code)
        }
    }
}

impl Arguments {
    fn parse(words: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let (mut out, mut scale, mut rasters, mut files) = (None, Scale::Demo, false, Vec::new());
        let mut words = words.map(|word| match word.split_once('=') {
            Some((option, value)) if option.starts_with("--") => {
                (option.to_owned(), Some(value.to_owned()))
            }
            _ => (word, None),
        });
        while let Some((word, value)) = words.next() {
            let mut value = || value.clone().or_else(|| words.next().map(|(word, _)| word));
            match word.as_str() {
                "-h" | "--help" => return Ok(None),
                "--rasters" => rasters = true,
                "--out" => out = value().map(PathBuf::from),
                "--scale" => {
                    let text = value().ok_or("--scale wants a value")?;
                    scale = text
                        .parse()
                        .map_err(|error: clms_factory::Error| error.to_string())?;
                }
                option if option.starts_with('-') => {
                    return Err(format!("unknown option {option}"));
                }
                file => files.push(file.trim_end_matches(".zip").to_owned()),
            }
        }
        let out = out.ok_or("--out DIR is missing")?;
        Ok(Some(Self {
            out,
            scale,
            rasters,
            files,
        }))
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let demo = demo_packages();
    let files: Vec<&str> = if arguments.files.is_empty() {
        demo.iter().map(Package::file).collect()
    } else {
        arguments.files.iter().map(String::as_str).collect()
    };
    // All are looked up before the first is written, which may take a while.
    let known = |file: &&str| {
        Package::by_file_name(file, arguments.scale).ok_or(format!("{file}: not a known product"))
    };
    let packages = files.iter().map(known).collect::<Result<Vec<_>, _>>()?;
    std::fs::create_dir_all(&arguments.out)?;
    let mut stdout = io::stdout().lock();
    for package in packages {
        let paths = if arguments.rasters {
            package.write_rasters_once(&arguments.out)?
        } else {
            vec![package.write_once(&arguments.out)?]
        };
        for path in paths {
            writeln!(stdout, "{}", path.display())?;
        }
    }
    Ok(())
}
