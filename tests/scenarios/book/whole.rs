//! The book as a whole: what it must name, and that its pages are tested.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use clms_tests::{Run, program};
use regex::Regex;

use super::{PAGES, links::pages, page::Block, sources};

/// The blocks that are run must not become fewer without anybody seeing it.
const AT_LEAST: usize = 140;
/// Those that a page marks as `ignore`.
const IGNORED_AT_MOST: usize = 16;

#[test]
fn all_pages_are_run() {
    let pages = pages();
    let has_blocks = |path: &&str| pages[Path::new(path)].blocks.iter().any(Block::is_run);
    let listed: BTreeSet<_> = PAGES.iter().copied().filter(has_blocks).collect();
    let there: BTreeSet<_> = pages
        .iter()
        .filter(|(_, page)| page.blocks.iter().any(Block::is_run))
        .map(|(path, _)| path.to_str().unwrap())
        .collect();
    assert_eq!(listed, there, "the list of pages in book.rs");
    let blocks = || pages.values().flat_map(|page| &page.blocks);
    let run = blocks().filter(|block| block.is_run()).count();
    let ignored = blocks().filter(|block| block.has("ignore")).count();
    assert!(run >= AT_LEAST, "only {run} blocks are run");
    assert!(ignored <= IGNORED_AT_MOST, "{ignored} blocks are ignored");
}

/// The words of the whole book.
fn book() -> String {
    let paths = pages().into_keys();
    let texts = paths.map(|path| fs::read_to_string(sources().join(path)).unwrap());
    texts.collect::<Vec<_>>().join("\n")
}

/// Fails unless each of these stands somewhere in the book.
fn all_named(names: impl IntoIterator<Item = String>) {
    let book = book();
    let missing: BTreeSet<_> = names
        .into_iter()
        .filter(|name| !book.contains(name))
        .collect();
    assert!(missing.is_empty(), "the book does not name {missing:#?}");
}

#[test]
fn every_command_and_option_is_named() {
    let mut names = BTreeSet::new();
    let mut commands = vec![vec!["clms".to_owned()]];
    let options = Regex::new(r"(?m)^ +(?:-\w, )?(--[a-z][a-z-]+)").unwrap();
    while let Some(command) = commands.pop() {
        let mut help = Command::new(program("clms"));
        help.args(&command[1..]).arg("--help").env_clear();
        let help = Run::of(help).well().stdout;
        names.extend(
            options
                .captures_iter(&help)
                .map(|found| found[1].to_owned()),
        );
        let inner = help.split("\nCommands:\n").nth(1).unwrap_or_default();
        for line in inner.lines().take_while(|line| line.starts_with("  ")) {
            let word = line.split_whitespace().next().unwrap_or_default();
            if word != "help" && line.chars().nth(2).is_some_and(char::is_alphabetic) {
                commands.push([&command[..], &[word.to_owned()]].concat());
            }
        }
        names.insert(command.join(" "));
    }
    assert!(names.len() > 60, "{names:?}");
    all_named(names);
}

/// The text of all that programs and libraries are made of.
fn code() -> String {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates")];
    let mut code = String::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("tests") && !path.ends_with("fuzz") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                code.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    code
}

#[test]
fn every_environment_variable_is_named() {
    let code = code();
    let variable = Regex::new(r#""((?:CLMS|WEKEO|HDA|XDG|AWS|CDSE_AWS|NO)_[A-Z_]+)""#).unwrap();
    let found = variable
        .captures_iter(&code)
        .map(|found| found[1].to_owned());
    let names: BTreeSet<_> = found.collect();
    assert!(names.len() > 12, "{names:?}");
    all_named(names);
}

#[test]
fn every_exit_code_is_explained() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/clms-cli/src/exit.rs");
    let code = fs::read_to_string(path).unwrap();
    let number = Regex::new(r"const [A-Z_]+: u8 = (\d+);").unwrap();
    let codes: Vec<_> = number
        .captures_iter(&code)
        .map(|it| format!("| {} |", &it[1]))
        .collect();
    assert!(codes.len() >= 8, "{codes:?}");
    let page = fs::read_to_string(sources().join("reference/exit-codes.md")).unwrap();
    let missing: Vec<_> = codes.iter().filter(|row| !page.contains(*row)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn messages_are_explained_in_the_words_of_the_program() {
    let code = code();
    let text = fs::read_to_string(sources().join("reference/troubleshooting.md")).unwrap();
    let mut parts = Vec::new();
    for heading in text.lines().filter_map(|line| line.strip_prefix("### ")) {
        parts.extend(
            heading
                .split("...")
                .map(str::trim)
                .filter(|part| part.len() > 3),
        );
    }
    let unknown: Vec<_> = parts.iter().filter(|part| !code.contains(**part)).collect();
    assert!(parts.len() > 40, "{parts:?}");
    assert!(unknown.is_empty(), "nothing says {unknown:#?}");
}
