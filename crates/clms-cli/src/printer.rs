//! The one place that writes: results to standard output, everything else to standard error.

use std::{
    borrow::Cow,
    env,
    io::{self, IsTerminal, Write},
};

use serde::Serialize;

use crate::{
    args::{Colour, Output},
    failure::{ErrorDocument, Failure},
    terminal::Colours,
};

/// Decides what is printed, where, and in which form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Printer {
    output: Output,
    quiet: bool,
    colours: bool,
    /// Of results.
    on_stdout: Option<Colours>,
    never_colours: bool,
}

/// Standard output was closed by the one who read it, such as `head`: no reason to complain.
pub(crate) enum Closed {
    Quietly,
    Badly(io::Error),
}

impl Printer {
    pub(crate) fn new(output: Output, quiet: bool, colour: Colour) -> Self {
        let colours = match colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => io::stderr().is_terminal(),
        };
        console::set_colors_enabled_stderr(colours);
        let is_on_stdout = match colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => {
                io::stdout().is_terminal() && env::var("TERM").is_ok_and(|term| term != "dumb")
            }
        };
        Self {
            output,
            quiet,
            colours,
            never_colours: colour == Colour::Never,
            on_stdout: is_on_stdout.then(|| Colours::of(|name| env::var(name).ok())),
        }
    }

    pub(crate) fn colours(&self) -> bool {
        self.colours
    }

    /// The colours that results may have, if any.
    pub(crate) fn colours_of_results(&self) -> Option<Colours> {
        self.on_stdout
    }

    /// Whether somebody said that nothing may be coloured.
    pub(crate) fn never_colours(&self) -> bool {
        self.never_colours
    }

    pub(crate) fn is_json(&self) -> bool {
        self.output == Output::Json
    }

    /// A command's result: `value` as one JSON document, or what `text` makes of it.
    pub(crate) fn result<T: Serialize>(
        &self,
        value: &T,
        text: impl FnOnce() -> String,
    ) -> Result<(), Closed> {
        let mut out = match self.output {
            Output::Json => serde_json::to_string_pretty(value)
                .map_err(|why| Closed::Badly(io::Error::other(why)))?,
            Output::Table => text(),
        };
        if out.is_empty() {
            return Ok(());
        }
        if !out.ends_with('\n') {
            out.push('\n');
        }
        self.raw(out.as_bytes())
    }

    /// A result that is no table and no JSON, such as a script.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Result<(), Closed> {
        let mut stdout = io::stdout().lock();
        stdout
            .write_all(bytes)
            .and_then(|()| stdout.flush())
            .map_err(|why| match why.kind() {
                io::ErrorKind::BrokenPipe => Closed::Quietly,
                _ => Closed::Badly(why),
            })
    }

    /// Something worth knowing that is neither result nor failure.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            to_stderr(text);
        }
    }

    /// A failure, for people on standard error and in JSON also on standard output.
    pub(crate) fn failure(&self, failure: &Failure) {
        to_stderr(&self.failure_text(failure));
        if self.is_json() {
            self.document_of(failure);
        }
    }

    /// What a command that failed as a whole prints for programs.
    pub(crate) fn document_of(&self, failure: &Failure) {
        let document = ErrorDocument {
            error: Cow::Borrowed(failure),
        };
        // Whoever closed standard output doesn't want to know.
        let _ = self.result(&document, String::new);
    }

    pub(crate) fn failure_text(&self, failure: &Failure) -> String {
        let mut text = format!("{} {}", self.label("error:", "1;31"), failure.message);
        if let Some(hint) = &failure.hint {
            text.push_str(&format!("\n{} {hint}", self.label("hint:", "1;36")));
        }
        text
    }

    fn label(&self, word: &str, style: &str) -> String {
        if self.colours {
            format!("\x1b[{style}m{word}\x1b[0m")
        } else {
            word.to_owned()
        }
    }
}

/// Writes a line to standard error; if even that is closed, there is nobody to tell.
pub(crate) fn to_stderr(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = writeln!(stderr, "{text}");
}
