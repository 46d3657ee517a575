//! `cargo xtask schemas`: writes the JSON Schemas of what `clms` prints to `docs/schemas`.

use std::fs;

use crate::process::{Result, built, cargo, root, step};

pub(crate) fn run() -> Result {
    cargo(["build", "--workspace", "--bins", "--locked"]).run()?;
    let folder = root().join("docs").join("schemas");
    let cannot = |why: std::io::Error| format!("{}: {why}", folder.display());
    fs::create_dir_all(&folder).map_err(cannot)?;
    for old in fs::read_dir(&folder).map_err(cannot)? {
        fs::remove_file(old.map_err(cannot)?.path()).map_err(cannot)?;
    }
    // The first word of each line below the heading.
    let list = printed(&[])?;
    for name in list
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().next())
    {
        let file = folder.join(format!("{name}.schema.json"));
        fs::write(&file, printed(&[name])? + "\n").map_err(cannot)?;
        println!("{}", file.display());
    }
    Ok(())
}

fn printed(about: &[&str]) -> Result<String> {
    let run = step(built("clms")).args(["schema", "output"]).args(about);
    run.output()
        .ok_or_else(|| format!("`clms schema output {}` failed", about.join(" ")))
}
