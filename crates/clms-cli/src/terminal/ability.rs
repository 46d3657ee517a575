//! What a terminal can.

use super::Way;

/// Which program it is (XTVERSION, which many answer), and then its attributes, which every terminal answers: whoever has answered only the
/// second does not know the first.
const NAME: &[u8] = b"\x1b[>q\x1b[c";

/// Whether it knows kitty's protocol (a query with a picture of one pixel), and then its attributes. Not for a multiplexer, which takes the
/// query for the title of its window.
const PICTURES: &[u8] = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[c";

const MULTIPLEXERS: [&str; 3] = ["tmux", "screen", "zellij"];

/// The best way to draw pictures, by what the terminal answers. Variables can be those of another terminal, from which this one was started:
/// they only count where nothing answers.
pub(super) fn best_way(
    variable: impl Fn(&str) -> Option<String>,
    ask: impl Fn(&[u8], fn(&[u8]) -> bool) -> Vec<u8>,
) -> Way {
    let value = |name: &str| variable(name).unwrap_or_default();
    let term = value("TERM");
    // Those that can't even be asked.
    if ["dumb", "linux", ""].contains(&term.as_str()) {
        return Way::Blocks;
    }
    // What stands between the program and the terminal keeps pictures to itself, or says that it can without knowing what is behind it.
    let seems_multiplexed = ["TMUX", "STY", "ZELLIJ"]
        .iter()
        .any(|name| variable(name).is_some())
        || MULTIPLEXERS.iter().any(|name| term.starts_with(name));
    if seems_multiplexed && !is_terminal_itself(&ask(NAME, is_whole)) {
        return Way::Blocks;
    }
    let answer = ask(PICTURES, is_whole);
    let is_kitty = || {
        variable("KITTY_WINDOW_ID").is_some()
            || ["xterm-kitty", "xterm-ghostty"].contains(&term.as_str())
            || ["ghostty", "WezTerm"].contains(&value("TERM_PROGRAM").as_str())
    };
    match attributes(&answer) {
        _ if String::from_utf8_lossy(&answer).contains("\x1b_Gi=31;OK") => Way::Kitty,
        Some(attributes) if attributes.contains(&4) => Way::Sixel,
        None if is_kitty() => Way::Kitty,
        _ => Way::Blocks,
    }
}

/// Whether a program has answered with its name that is no multiplexer: `ESC P > | ... ESC \`.
fn is_terminal_itself(answer: &[u8]) -> bool {
    let answer = String::from_utf8_lossy(answer).to_lowercase();
    let name = answer.split_once("\x1bp>|").map(|(_, after)| after);
    name.is_some_and(|name| !MULTIPLEXERS.iter().any(|other| name.contains(other)))
}

/// Whether the attributes have come, which come last: `ESC [ ? ... c`.
fn is_whole(answer: &[u8]) -> bool {
    attributes(answer).is_some()
}

/// The numbers of the device attributes; 4 is sixels.
fn attributes(answer: &[u8]) -> Option<Vec<u32>> {
    let text = std::str::from_utf8(answer).ok()?;
    let (_, after) = text.split_once("\x1b[?")?;
    let (numbers, _) = after.split_once('c')?;
    Some(
        numbers
            .split(';')
            .filter_map(|number| number.parse().ok())
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In a terminal that answers like this when it is asked for its name, and what it can.
    fn way(pairs: &[(&str, &str)], [name, pictures]: [&str; 2]) -> Way {
        best_way(
            |name| {
                let pair = pairs.iter().find(|(of, _)| *of == name);
                pair.map(|(_, value)| (*value).to_owned())
            },
            |question, is_whole| {
                assert!(question.ends_with(b"\x1b[c"));
                let answer = match question {
                    NAME => name,
                    _ => pictures,
                };
                assert!(!is_whole(
                    &answer.as_bytes()[..answer.len().saturating_sub(1)]
                ));
                answer.as_bytes().to_vec()
            },
        )
    }

    const XTERM: (&str, &str) = ("TERM", "xterm-256color");
    const NEITHER: &str = "\x1b[?62;22c";
    const SIXEL: &str = "\x1b[?62;4;22c";
    const KITTY: &str = "\x1b_Gi=31;OK\x1b\\\x1b[?62;c";

    #[test]
    fn terminals_get_what_they_can() {
        for (answer, expected) in [
            (NEITHER, Way::Blocks),
            (SIXEL, Way::Sixel),
            (KITTY, Way::Kitty),
            ("", Way::Blocks),
            // Forty-four is not four.
            ("\x1b[?44c", Way::Blocks),
        ] {
            assert_eq!(way(&[XTERM], ["", answer]), expected, "{answer:?}");
        }
        for variables in [&[("TERM", "linux")][..], &[]] {
            assert_eq!(way(variables, ["", KITTY]), Way::Blocks, "{variables:?}");
        }
    }

    #[test]
    fn answers_count_for_more_than_variables() {
        for variable in [
            ("KITTY_WINDOW_ID", "1"),
            ("TERM", "xterm-kitty"),
            ("TERM_PROGRAM", "WezTerm"),
        ] {
            // The first of a name counts.
            let variables = [variable, XTERM];
            assert_eq!(way(&variables, ["", NEITHER]), Way::Blocks, "{variable:?}");
            assert_eq!(way(&variables, ["", SIXEL]), Way::Sixel, "{variable:?}");
            assert_eq!(way(&variables, ["", ""]), Way::Kitty, "{variable:?}");
        }
    }

    #[test]
    fn multiplexers_get_blocks_and_what_was_started_from_them_does_not() {
        for variable in [
            ("TMUX", "/tmp/socket,1,0"),
            ("STY", "1.screen"),
            ("TERM", "screen.xterm-256color"),
            ("TERM", "tmux-256color"),
        ] {
            let variables = [variable, XTERM, ("KITTY_WINDOW_ID", "1")];
            for name in ["\x1bP>|tmux 3.5a\x1b\\\x1b[?1;2;4c", NEITHER, ""] {
                let found = way(&variables, [name, SIXEL]);
                assert_eq!(found, Way::Blocks, "{variable:?} {name:?}");
            }
            let kitty = "\x1bP>|kitty(0.42.1)\x1b\\\x1b[?62;c";
            assert_eq!(way(&variables, [kitty, KITTY]), Way::Kitty, "{variable:?}");
        }
    }
}
