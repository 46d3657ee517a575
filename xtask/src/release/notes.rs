//! `cargo xtask release-notes TAG`: what `CHANGELOG.md` tells of this version.

use std::fs;

use super::program::VERSION;
use crate::process::{Result, root};

/// Prints the section of the tag's version. Fails if the tag is not of the version that the crates have, or nothing is told of it.
pub(crate) fn run(args: &[String]) -> Result {
    let [tag] = args else {
        return Err("`cargo xtask release-notes` takes a tag, such as v1.2.3".to_owned());
    };
    if tag.strip_prefix('v') != Some(VERSION) {
        return Err(format!(
            "the tag is {tag:?}, and the version in Cargo.toml {VERSION}"
        ));
    }
    let file = root().join("CHANGELOG.md");
    let changelog =
        fs::read_to_string(&file).map_err(|why| format!("{}: {why}", file.display()))?;
    let section = section(&changelog, VERSION)
        .ok_or_else(|| format!("CHANGELOG.md has no section \"## {VERSION}\""))?;
    println!("{section}");
    Ok(())
}

/// What stands below `## VERSION`, with or without brackets and a date.
fn section<'a>(changelog: &'a str, version: &str) -> Option<&'a str> {
    let mut sections = changelog.split("\n## ");
    sections.find_map(|section| {
        let (heading, text) = section.split_once('\n')?;
        let named = heading.split_whitespace().next()?;
        (named.trim_matches(['[', ']']) == version).then(|| text.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::section;

    #[test]
    fn a_version_has_its_own_section_only() {
        let changelog = "# Changelog\n\n## Unreleased\n\nsoon\n\n## [1.2.3] - 2026-01-01\n\n### Added\n\n- much\n\n## 1.2\n\nold\n";
        assert_eq!(section(changelog, "1.2.3"), Some("### Added\n\n- much"));
        assert_eq!(section(changelog, "1.2"), Some("old"));
        assert_eq!(section(changelog, "1"), None);
    }
}
