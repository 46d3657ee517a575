//! What the libraries log, as lines on standard error.

use std::{fmt, io};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id},
};
use tracing_subscriber::{
    EnvFilter, Layer,
    fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter, format::Writer},
    layer::{self, SubscriberExt},
    registry::LookupSpan,
};

use crate::{failure::in_words, printer::Printer, progress::Screen};

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
    let lines = tracing_subscriber::fmt::layer()
        .event_format(Lines {
            colours: printer.colours(),
        })
        .with_writer(AboveTheBars(screen.clone()));
    let subscriber = tracing_subscriber::registry()
        .with(filter)
        .with(Subjects)
        .with(lines);
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
        context: &FmtContext<'_, S, N>,
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
        let text = in_words(&format!("{}{}", fields.0, fields.1));
        writeln!(to, " {}{text}", data_id(context))
    }
}

/// `<data id>: `, if the line is about one: of several jobs at work, which one said it?
fn data_id<S, N>(context: &FmtContext<'_, S, N>) -> String
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    let about = context
        .event_scope()
        .into_iter()
        .flatten()
        .find_map(|span| {
            span.extensions()
                .get::<About>()
                .map(|about| about.0.clone())
        });
    about
        .map(|data_id| format!("{data_id}: "))
        .unwrap_or_default()
}

/// The data id that a span is about.
struct About(String);

/// Remembers what spans are about.
struct Subjects;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Subjects {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: layer::Context<'_, S>) {
        let mut subject = Subject(None);
        attributes.record(&mut subject);
        if let (Some(data_id), Some(span)) = (subject.0, context.span(id)) {
            span.extensions_mut().insert(About(data_id));
        }
    }
}

/// Looks for the field `data_id`.
struct Subject(Option<String>);

impl Visit for Subject {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "data_id" {
            self.0 = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "data_id" {
            self.0 = Some(format!("{value:?}"));
        }
    }
}

/// The message first, then the rest as `name=value`.
struct Fields(String, String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
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
