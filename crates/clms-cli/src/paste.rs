//! Reading a JSON text that somebody pastes or pipes in.

use std::io::{self, Read as _};

use serde::de::IgnoredAny;

/// More than any service key has.
const LONGEST: u64 = 1 << 20;

/// Reads standard input until a JSON value is whole, or to its end. Nothing of it is shown on a terminal.
pub(crate) async fn json() -> io::Result<String> {
    // Put back when this is dropped, also if somebody presses Ctrl-C.
    #[cfg(unix)]
    let _hidden = terminal::Hidden::begin();
    tokio::task::spawn_blocking(read).await?
}

fn read() -> io::Result<String> {
    let mut bytes = Vec::new();
    for byte in io::stdin().lock().take(LONGEST).bytes() {
        match byte? {
            // Ctrl-D, which is a byte like others where lines are not edited.
            0x04 => break,
            byte => bytes.push(byte),
        }
        // Only then can it be whole.
        if bytes.last() == Some(&b'}') && serde_json::from_slice::<IgnoredAny>(&bytes).is_ok() {
            break;
        }
    }
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no text"))
}

#[cfg(unix)]
mod terminal {
    use std::io;

    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    /// While this lives, the terminal shows nothing of what is typed, and lines may be longer than it can edit.
    pub(super) struct Hidden(Option<Termios>);

    impl Hidden {
        pub(super) fn begin() -> Self {
            let Ok(before) = tcgetattr(io::stdin()) else {
                return Self(None);
            };
            let mut hidden = before.clone();
            hidden
                .local_modes
                .remove(LocalModes::ECHO | LocalModes::ICANON);
            match tcsetattr(io::stdin(), OptionalActions::Now, &hidden) {
                Ok(()) => Self(Some(before)),
                Err(_) => Self(None),
            }
        }
    }

    impl Drop for Hidden {
        fn drop(&mut self) {
            if let Some(before) = &self.0 {
                // What can't be put back can't be told either.
                let _ = tcsetattr(io::stdin(), OptionalActions::Flush, before);
            }
        }
    }
}
