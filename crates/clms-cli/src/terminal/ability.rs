//! What a terminal can.

use super::Way;

/// Whether it knows kitty's protocol (a query with a picture of one pixel), and then its attributes, which every terminal answers: whoever has answered only the
/// second does not know the first.
const QUESTION: &[u8] = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[c";

/// The best way to draw pictures, by what the terminal says in variables and, if that leaves it open, by what it answers.
pub(super) fn best_way(
    variable: impl Fn(&str) -> Option<String>,
    ask: impl FnOnce(&[u8], fn(&[u8]) -> bool) -> Vec<u8>,
) -> Way {
    let value = |name: &str| variable(name).unwrap_or_default();
    let term = value("TERM");
    // What stands between the program and the terminal keeps pictures to itself, and may answer nevertheless.
    let is_multiplexed = ["TMUX", "STY", "ZELLIJ"]
        .iter()
        .any(|name| variable(name).is_some())
        || ["screen", "tmux"].iter().any(|name| term.starts_with(name));
    // Those that can't even be asked.
    let is_plain = ["dumb", "linux", ""].contains(&term.as_str());
    if is_multiplexed || is_plain {
        return Way::Blocks;
    }
    let is_kitty = variable("KITTY_WINDOW_ID").is_some()
        || ["xterm-kitty", "xterm-ghostty"].contains(&term.as_str())
        || ["ghostty", "WezTerm"].contains(&value("TERM_PROGRAM").as_str());
    if is_kitty {
        return Way::Kitty;
    }
    way_of_answer(&ask(QUESTION, is_whole))
}

/// Whether the attributes have come, which come last: `ESC [ ? ... c`.
fn is_whole(answer: &[u8]) -> bool {
    attributes(answer).is_some()
}

fn way_of_answer(answer: &[u8]) -> Way {
    let text = String::from_utf8_lossy(answer);
    if text.contains("\x1b_Gi=31;OK") {
        return Way::Kitty;
    }
    match attributes(answer) {
        Some(attributes) if attributes.contains(&4) => Way::Sixel,
        _ => Way::Blocks,
    }
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

    fn way(pairs: &[(&str, &str)], answer: &str) -> Way {
        best_way(
            |name| {
                let pair = pairs.iter().find(|(of, _)| *of == name);
                pair.map(|(_, value)| (*value).to_owned())
            },
            |question, is_whole| {
                assert!(question.ends_with(b"\x1b[c"));
                assert!(!is_whole(
                    &answer.as_bytes()[..answer.len().saturating_sub(1)]
                ));
                answer.as_bytes().to_vec()
            },
        )
    }

    #[test]
    fn terminals_get_what_they_can() {
        const XTERM: (&str, &str) = ("TERM", "xterm-256color");
        const NEITHER: &str = "\x1b[?62;22c";
        const SIXEL: &str = "\x1b[?62;4;22c";
        const KITTY: &str = "\x1b_Gi=31;OK\x1b\\\x1b[?62;c";
        for (variables, answer, expected) in [
            (&[XTERM][..], NEITHER, Way::Blocks),
            (&[XTERM], SIXEL, Way::Sixel),
            (&[XTERM], KITTY, Way::Kitty),
            (&[XTERM], "", Way::Blocks),
            // Forty-four is not four.
            (&[XTERM], "\x1b[?44c", Way::Blocks),
            (&[("TERM", "xterm-kitty")], NEITHER, Way::Kitty),
            (&[XTERM, ("TERM_PROGRAM", "WezTerm")], NEITHER, Way::Kitty),
            // A multiplexer hides what it runs in.
            (
                &[XTERM, ("TMUX", "/tmp/socket,1,0"), ("KITTY_WINDOW_ID", "1")],
                SIXEL,
                Way::Blocks,
            ),
            (&[("TERM", "screen.xterm-256color")], SIXEL, Way::Blocks),
            (&[("TERM", "linux")], KITTY, Way::Blocks),
            (&[], KITTY, Way::Blocks),
        ] {
            assert_eq!(way(variables, answer), expected, "{variables:?} {answer:?}");
        }
    }
}
