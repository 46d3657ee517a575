//! Whether what came is what is shown.

use std::sync::LazyLock;

use regex::Regex;

/// What differs from run to run, and what stands for it on both sides.
static VARYING: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (
            r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( UTC|Z|[+-]\d\d:\d\d)?",
            "<time>",
        ),
        (r"(127\.0\.0\.1|localhost):\d+", "<host>"),
        (r"\b[0-9a-f]{12,64}\b", "<hash>"),
        (r"\b\d{9,12}\b", "<task>"),
        (
            r"\b\d+(\.\d+)? ?(B|KB|MB|GB|KiB|MiB|GiB|bytes)(/s)?\b",
            "<size>",
        ),
        (r"\b\d+(\.\d+)? ?(ms|s|min|h)( ago)?\b", "<duration>"),
        (r#""bytes(_\w+)?": \d+"#, "<bytes>"),
        (r"\bclms \d+\.\d+\.\d+\S*", "<clms>"),
        (r"\bGDAL \d+\.\d+\.\d+\S*", "<gdal>"),
        (r#"(PROJCRS|GEOGCRS)\[.*\]"#, "<wkt>"),
        (r"─+|-{3,}", "<rule>"),
        (r"\s+", " "),
    ]
    .map(|(pattern, name)| (Regex::new(pattern).unwrap(), name))
    .into()
});

/// Lines of progress that a quick machine passes over, and of which a slow one has more.
static PASSING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r": (task \d+: \w+|(downloading|unpacking|building), .*|exporting(, .*)?)$").unwrap()
});

/// Whether a text is the one that is shown, with `...` for any lines and `[..]` for anything within a line.
pub(super) fn matches(shown: &str, came: &str) -> bool {
    lines_match(&comparable_lines(shown), &comparable_lines(came))
}

fn comparable_lines(text: &str) -> Vec<String> {
    let lines = text.trim_end().lines();
    lines
        .filter(|line| !PASSING.is_match(line))
        .map(comparable)
        .collect()
}

fn comparable(line: &str) -> String {
    VARYING
        .iter()
        .fold(line.trim_end().to_owned(), |line, (pattern, name)| {
            pattern.replace_all(&line, *name).into_owned()
        })
}

fn lines_match(shown: &[String], came: &[String]) -> bool {
    match (shown.split_first(), came.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first.trim() == "..." => {
            (0..=came.len()).any(|skipped| lines_match(rest, &came[skipped..]))
        }
        (Some((first, shown)), Some((line, came))) => {
            line_matches(first, line) && lines_match(shown, came)
        }
        _ => false,
    }
}

fn line_matches(shown: &str, came: &str) -> bool {
    let Some((begin, rest)) = shown.split_once("[..]") else {
        return shown == came;
    };
    came.strip_prefix(begin).is_some_and(|came| {
        let mut ends = came.char_indices().map(|(at, _)| at).chain([came.len()]);
        ends.any(|end| line_matches(rest, &came[end..]))
    })
}

#[test]
fn what_varies_may_vary_and_nothing_else() {
    for (shown, came, same) in [
        ("a  b\n", "a b", true),
        ("done in 0.4 s", "done in 12.1 s", true),
        ("task 94519134409, 12 KiB", "task 1234567890, 3.4 MiB", true),
        ("x: task 1: Queued\na", "a", true),
        (
            "x: exporting",
            "x: exporting\nx: exporting, 50 %, 1s left",
            true,
        ),
        ("x: completed", "x: failed", false),
        ("a\n...\nd", "a\nb\nc\nd", true),
        ("a\n...", "a", true),
        ("cube [..].zarr is", "cube of mine.zarr is", true),
        ("a\nb", "a", false),
        ("cube [..].zarr is", "cube of mine.zarr was", false),
        ("3 variables", "4 variables", false),
    ] {
        assert_eq!(matches(shown, came), same, "{shown:?} {came:?}");
    }
}
