//! Links between pages, and from pages to files of the repository.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use super::{page::Page, sources};

/// How files of the repository are linked, so that they are found from the pages in a browser, too.
const REPOSITORY: &str = "https://github.com/clms-rs/clms/blob/main/";

/// All pages of the book, by their paths below its sources.
pub(super) fn pages() -> BTreeMap<PathBuf, Page> {
    let mut folders = vec![sources()];
    let mut pages = BTreeMap::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let page = Page::of(&fs::read_to_string(&path).unwrap());
                pages.insert(path.strip_prefix(sources()).unwrap().to_owned(), page);
            }
        }
    }
    pages
}

/// The name that mdbook gives a heading.
fn anchor(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut dead = Vec::new();
    for (path, page) in pages() {
        let full = sources().join(&path);
        for link in &page.links {
            if let Some(file) = link.strip_prefix(REPOSITORY) {
                let there = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
                if !there.exists() {
                    dead.push(format!("{}: {link} is no file", path.display()));
                }
                continue;
            }
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => full.clone(),
                file => full.parent().unwrap().join(file),
            };
            if !target.exists() {
                dead.push(format!("{}: {link} is not there", path.display()));
            } else if !heading.is_empty() {
                let text = fs::read_to_string(&target).unwrap();
                let headings = Page::of(&text).headings;
                if !headings.iter().any(|title| anchor(title) == heading) {
                    dead.push(format!("{}: {link} is no heading", path.display()));
                }
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    let pages = pages();
    let summary = &pages[Path::new("SUMMARY.md")];
    let named: BTreeSet<_> = summary.links.iter().map(PathBuf::from).collect();
    let there: BTreeSet<_> = pages.keys().cloned().collect();
    let missing: Vec<_> = there.difference(&named).collect();
    assert_eq!(missing, [Path::new("SUMMARY.md")]);
}
