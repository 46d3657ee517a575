//! The book in `docs/src`: its commands do what it says and print what it shows, its files can be read, its links lead somewhere,
//! and nothing of the program is missing in it.
//!
//! A fenced block of a page is, by its language:
//!
//! | language | what is done with it |
//! |---|---|
//! | `console` | lines with `$ ` are run by bash, in order, in one folder and one home for the page; the lines below are what must come |
//! | `python` | run after what stands above it; a block `text,printed` right below is what it must print |
//! | `json`, `jsonl`, `toml`, `yaml`, `ini`, `sh` | must be readable as such |
//! | anything else, or with the attribute `ignore` | nothing; what is ignored is counted |
//!
//! In what is shown, a line `...` stands for any lines, `[..]` for any text within a line; times, sizes, durations, task ids and
//! the width of columns are not compared ([`shown`]). `# exit N` behind a command says with which code it ends. A command below
//! which nothing is shown may print what it likes. A comment `<!-- stage ... -->` in a page says what is there when the reader
//! begins ([`stage`]).
//!
//! `CLMS_BOOK=overwrite cargo nextest run -p clms-tests book::` puts what comes into the pages in place of what is shown.

#![expect(clippy::panic, reason = "tests say what is wrong by panicking")]

mod links;
mod page;
mod python;
mod shell;
mod shown;
mod stage;
mod syntax;
mod whole;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use self::{
    page::{Block, Page},
    python::Python,
    shell::Shell,
    stage::Stage,
};

/// The folder of the book's sources.
fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src")
}

/// The pages whose blocks are run, each in a test of its own.
macro_rules! pages {
    ($($test:ident: $path:literal,)*) => {
        /// Relative to the book's sources.
        const PAGES: &[&str] = &[$($path),*];

        $(#[test]
        fn $test() {
            walk($path);
        })*
    };
}

pages! {
    introduction: "introduction.md",
    quick_start: "quick-start.md",
    install: "install.md",
    account: "account.md",
    first_download: "first-download.md",
    tutorial: "tutorial.md",
    tasks_find: "tasks/find.md",
    tasks_preload: "tasks/preload.md",
    tasks_subsets: "tasks/subsets.md",
    tasks_open: "tasks/open.md",
    tasks_export: "tasks/export.md",
    tasks_pictures: "tasks/pictures.md",
    tasks_jobs: "tasks/jobs.md",
    tasks_cache: "tasks/cache.md",
    tasks_lazily: "tasks/lazily.md",
    tasks_wekeo: "tasks/wekeo.md",
    tasks_vectors: "tasks/vectors.md",
    software_clms_store: "software/clms-store.md",
    software_python: "software/python.md",
    software_qgis_gdal: "software/qgis-gdal.md",
    software_r: "software/r.md",
    software_from_xcube: "software/from-xcube.md",
    running_object_storage: "running/object-storage.md",
    running_scripts: "running/scripts.md",
    running_systemd: "running/systemd.md",
    running_cron: "running/cron.md",
    running_slurm: "running/slurm.md",
    running_kubernetes: "running/kubernetes.md",
    reference_commands: "reference/commands.md",
    reference_exit_codes: "reference/exit-codes.md",
    reference_environment: "reference/environment.md",
    reference_configuration: "reference/configuration.md",
    reference_json: "reference/json.md",
    reference_progress_events: "reference/progress-events.md",
    reference_troubleshooting: "reference/troubleshooting.md",
    background_api_problems: "background/api-problems.md",
    background_cube: "background/cube.md",
    background_inside: "background/inside.md",
    background_performance: "background/performance.md",
    background_glossary: "background/glossary.md",
}

/// Does all that a page says, from its top to its end.
fn walk(path: &str) {
    let path = sources().join(path);
    let text = fs::read_to_string(&path).unwrap();
    let page = Page::of(&text);
    if !page.blocks.iter().any(Block::is_run) {
        return;
    }
    let stage = Stage::of(&page.directives);
    let mut shell = Shell::new(&stage);
    let mut python = None;
    let mut edits = Vec::new();
    let mut wrong = Vec::new();
    let mut blocks = page.blocks.iter().peekable();
    while let Some(block) = blocks.next() {
        let found = match block.language() {
            _ if !block.is_run() => continue,
            "console" => block.compared(|command| shell.run(command, &stage)),
            "python" => {
                let world = block.attribute("python");
                let session = python.get_or_insert_with(|| Python::start(&stage, world));
                let printed = session.run(block);
                match blocks.next_if(|next| next.has("printed")) {
                    Some(shown) => shown.compared_as_a_whole(&printed),
                    None => Ok(()),
                }
            }
            language => {
                syntax::check(language, &block.text).map_err(|why| page::Difference::of(block, why))
            }
        };
        if let Err(difference) = found {
            wrong.push(format!("{}:{difference}", path.display()));
            edits.extend(difference.edit);
        }
    }
    if env::var_os("CLMS_BOOK").is_some_and(|wish| wish == "overwrite") && !edits.is_empty() {
        fs::write(&path, page::edited(&text, edits)).unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
