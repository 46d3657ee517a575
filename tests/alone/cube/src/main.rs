//! clms-cube alone: says what the cube of a folder of rasters would be.

use std::process::ExitCode;

use clms_cube::{BuildOptions, CubeError, Package};

fn main() -> ExitCode {
    let folder = std::env::args_os().nth(1).unwrap_or_else(|| ".".into());
    let package = match Package::from_dir(folder.as_ref()) {
        Ok(package) => package,
        Err(error) => return fail(&error.to_string()),
    };
    match clms_cube::plan(&package, &BuildOptions::default()) {
        Ok(plan) => {
            let groups = plan.groups().iter().map(|group| {
                let grid = group.grid();
                format!(
                    "/{}: {:?}, {} x {} {}",
                    group.path(),
                    group.variable_names(),
                    grid.width,
                    grid.height,
                    group.dtype()
                )
            });
            let lines = groups.chain(plan.notes().iter().map(ToString::to_string));
            say(&lines.collect::<Vec<_>>().join("\n"))
        }
        // Nothing to build is an answer, too.
        Err(error @ (CubeError::NoRaster { .. } | CubeError::VectorOnly { .. })) => {
            say(&error.to_string())
        }
        Err(error) => fail(&error.to_string()),
    }
}

fn say(text: &str) -> ExitCode {
    use std::io::Write;
    writeln!(std::io::stdout(), "{text}").map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}

fn fail(text: &str) -> ExitCode {
    use std::io::Write;
    // The exit code says it, too.
    let _ = writeln!(std::io::stderr(), "{text}");
    ExitCode::FAILURE
}
