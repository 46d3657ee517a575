//! What the libraries log, as lines on standard error.

use std::{fmt, io};

use tracing::{Event, Level, Subscriber, field::Visit};
use tracing_subscriber::{
    EnvFilter,
    fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter, format::Writer},
    registry::LookupSpan,
};

use crate::{printer::Printer, progress::Screen};

/// Starts to show logs: warnings, or more with `-v`. `RUST_LOG` wins where it is set.
pub(crate) fn start(verbose: u8, quiet: bool, printer: &Printer, screen: &Screen) {
    let default = match (quiet, verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => {
            "warn,clms_api=info,clms_cache=info,clms_cube=info,clms_preload=info,clms_store=info"
        }
        (false, 2) => {
            "warn,clms_api=debug,clms_cache=debug,clms_cube=debug,clms_preload=debug,clms_store=debug"
        }
        (false, _) => {
            "debug,clms_api=trace,clms_cache=trace,clms_cube=trace,clms_preload=trace,clms_store=trace"
        }
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .event_format(Lines {
            colours: printer.colours(),
        })
        .with_writer(AboveTheBars(screen.clone()))
        .finish();
    // It is only refused where somebody else has set one, who then gets the lines.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// `warning: the file is readable by others`, without times and modules.
struct Lines {
    colours: bool,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let (word, style) = match *event.metadata().level() {
            Level::ERROR => ("error:", "1;31"),
            Level::WARN => ("warning:", "1;33"),
            Level::INFO => ("info:", "1;32"),
            Level::DEBUG => ("debug:", "1;34"),
            Level::TRACE => ("trace:", "1;35"),
        };
        if self.colours {
            write!(to, "\x1b[{style}m{word}\x1b[0m")?;
        } else {
            write!(to, "{word}")?;
        }
        let mut fields = Fields(String::new(), String::new());
        event.record(&mut fields);
        writeln!(to, " {}{}", fields.0, fields.1)
    }
}

/// The message first, then the rest as `name=value`.
struct Fields(String, String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        } else {
            self.1.push_str(&format!(" {}={value:?}", field.name()));
        }
    }
}

/// Writes so that progress bars below stay whole.
struct AboveTheBars(Screen);

impl<'a> MakeWriter<'a> for AboveTheBars {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Line {
            screen: &self.0,
            text: Vec::new(),
        }
    }
}

struct Line<'a> {
    screen: &'a Screen,
    text: Vec<u8>,
}

impl io::Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.text);
        self.screen.line(text.trim_end());
    }
}
