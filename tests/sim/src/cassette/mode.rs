//! When to play and when to record.

use std::str::FromStr;

/// When a [`CassetteServer`](super::CassetteServer) plays what is on the cassette, and when it
/// records; the names and meanings are VCR.py's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Only plays. A request that is not on the cassette is refused.
    #[default]
    None,
    /// Records if there is no cassette yet; else as [`Mode::None`].
    Once,
    /// Plays what is on the cassette, and records what is not.
    NewEpisodes,
    /// Plays nothing, and records everything anew.
    All,
}

impl Mode {
    /// The mode's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Once => "once",
            Self::NewEpisodes => "new-episodes",
            Self::All => "all",
        }
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let modes = [Self::None, Self::Once, Self::NewEpisodes, Self::All];
        let wanted = name.replace('_', "-");
        let found = modes.into_iter().find(|mode| mode.as_str() == wanted);
        found.ok_or_else(|| {
            format!("there is no mode `{name}`: it is none, once, new-episodes or all")
        })
    }
}
