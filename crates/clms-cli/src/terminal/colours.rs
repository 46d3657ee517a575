//! Colours in the terminal's own words.

/// How many colours a terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colours {
    /// 24 bits of them.
    All,
    /// The 256 of xterm.
    Palette,
}

impl Colours {
    /// What a terminal says of itself in variables. Nearly all that can more than 256 colours say so.
    pub(crate) fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let says = |name: &str, words: &[&str]| {
            let value = variable(name).unwrap_or_default().to_lowercase();
            words.iter().any(|word| value.contains(word))
        };
        // tmux takes all colours, and shows those that its own terminal can.
        let is_all = says("COLORTERM", &["truecolor", "24bit"])
            || says("TERM", &["direct", "kitty", "ghostty", "foot", "alacritty"])
            || says("TERM_PROGRAM", &["iterm", "wezterm", "ghostty", "vscode"])
            || ["TMUX", "WT_SESSION", "KITTY_WINDOW_ID"]
                .iter()
                .any(|name| variable(name).is_some());
        if is_all { Self::All } else { Self::Palette }
    }

    /// What turns text this colour.
    pub(super) fn ink(self, colour: [u8; 3]) -> String {
        format!("38;{}", self.number(colour))
    }

    /// What turns the ground under text this colour.
    pub(super) fn ground(self, colour: [u8; 3]) -> String {
        format!("48;{}", self.number(colour))
    }

    /// Two columns of a colour.
    pub(crate) fn swatch(self, colour: [u8; 3]) -> String {
        format!("\x1b[{}m  \x1b[0m", self.ground(colour))
    }

    fn number(self, [red, green, blue]: [u8; 3]) -> String {
        match self {
            Self::All => format!("2;{red};{green};{blue}"),
            Self::Palette => format!("5;{}", nearest([red, green, blue])),
        }
    }
}

/// Levels of each channel in xterm's cube of colours.
const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The nearest of xterm's colours, without the first 16, which people change.
fn nearest(colour: [u8; 3]) -> u8 {
    let level = |channel: u8| {
        let levels = (0..6_u8).zip(LEVELS);
        levels
            .min_by_key(|(_, level)| level.abs_diff(channel))
            .unwrap_or((0, 0))
    };
    let [red, green, blue] = colour.map(level);
    let cube = (
        16 + 36 * red.0 + 6 * green.0 + blue.0,
        [red.1, green.1, blue.1],
    );
    let mean = colour.map(u32::from).iter().sum::<u32>() / 3;
    let step = ((mean.saturating_sub(3)) / 10).min(23) as u8;
    let grey = (232 + step, [8 + 10 * step; 3]);
    let distance = |of: [u8; 3]| -> u32 {
        let channels = of.iter().zip(colour);
        channels.map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
    };
    if distance(grey.1) < distance(cube.1) {
        grey.0
    } else {
        cube.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_palette_has_a_near_colour_for_each() {
        for (colour, number) in [
            ([0, 0, 0], 16),
            ([255, 255, 255], 231),
            ([255, 0, 0], 196),
            ([95, 135, 175], 67),
            ([9, 9, 9], 232),
            ([128, 128, 128], 244),
            ([238, 238, 238], 255),
        ] {
            assert_eq!(nearest(colour), number, "{colour:?}");
        }
    }

    #[test]
    fn terminals_say_what_they_can() {
        let of = |pairs: &'static [(&str, &str)]| {
            Colours::of(|name| {
                let pair = pairs.iter().find(|(of, _)| *of == name);
                pair.map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(of(&[("COLORTERM", "truecolor")]), Colours::All);
        assert_eq!(of(&[("TERM", "xterm-256color")]), Colours::Palette);
        assert_eq!(of(&[("TERM", "xterm-kitty")]), Colours::All);
        assert_eq!(of(&[("TMUX", "/tmp/s"), ("TERM", "screen")]), Colours::All);
        assert_eq!(of(&[]), Colours::Palette);
    }
}
