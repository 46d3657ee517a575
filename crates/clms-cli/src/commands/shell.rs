//! What shells and `man` need to know: `clms completions` and `clms man`.

use std::{fs, path::Path};

use clap_complete::Shell;

use super::Stop;
use crate::{args, failure::Failure, printer::Printer};

/// `clms completions SHELL`.
pub(crate) fn completions(shell: Shell, printer: &Printer) -> Result<(), Stop> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(), "clms", &mut script);
    printer.raw(&script).map_err(Stop::Closed)
}

/// `clms man DIR`.
pub(crate) fn manual(folder: &Path, printer: &Printer) -> Result<(), Stop> {
    let doing = format!("write the manual pages to {}", folder.display());
    fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(args::command(), folder))
        .map_err(|why| Failure::io(&doing, &why))?;
    let about = format!(
        "note: {} has the manual pages: man -l {}",
        folder.display(),
        folder.join("clms.1").display()
    );
    printer.note(&about);
    Ok(())
}
