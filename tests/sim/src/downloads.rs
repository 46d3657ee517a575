//! The download host: links of tasks, and the files that direct links lead to.

use std::io::{self, SeekFrom};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Method, header};
use axum::response::Response;
use bytes::Bytes;
use futures::{StreamExt, stream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use crate::answer::{self, Reply};
use crate::call::Call;
use crate::habits::When;
use crate::package::Package;
use crate::state::{App, State, later};

/// The folder of task results, as in `DownloadURL`.
pub(crate) const RESULTS: &str = "/clmsdatadownload/results/";

/// What HTTP libraries call themselves if nobody tells them otherwise; the
/// host refuses them, and those without any name.
const LIBRARY_AGENTS: [&str; 10] = [
    "python-requests",
    "python-urllib",
    "python-httpx",
    "python/",
    "reqwest",
    "go-http-client",
    "java/",
    "okhttp",
    "axios",
    "libwww-perl",
];

/// Largest piece of a file in memory.
const PIECE: usize = 64 * 1024;

/// A file to be sent, and how badly.
pub(crate) struct Delivery {
    pub(crate) package: Package,
    etag: String,
    content_type: &'static str,
    ignores_range: bool,
    /// Only so many bytes exist.
    truncated_to: Option<u64>,
    /// The connection is closed after so many bytes of the body.
    pub(crate) cut_after: Option<u64>,
    bandwidth: Option<u64>,
}

impl Delivery {
    /// A whole and honest one.
    pub(crate) fn new(package: Package, content_type: &'static str) -> Self {
        let etag = package.etag();
        Self {
            package,
            etag,
            content_type,
            ignores_range: false,
            truncated_to: None,
            cut_after: None,
            bandwidth: None,
        }
    }
}

/// Refuses default User-Agents of libraries.
pub(crate) fn refuse_agent(state: &State, call: &Call) -> Option<Response> {
    let agent = call.header(header::USER_AGENT).to_ascii_lowercase();
    let library =
        agent.trim().is_empty() || LIBRARY_AGENTS.iter().any(|name| agent.starts_with(name));
    (library && state.habits.refuses_library_agents).then(|| answer::html(403, "Forbidden"))
}

/// What becomes of a request for a task's link.
pub(crate) fn result(app: &App, state: &mut State, call: &Call) -> Reply {
    if !matches!(call.method, Method::GET | Method::HEAD) {
        return Reply::Answer(answer::html(405, "Method Not Allowed"));
    }
    let now = state.now();
    let engine_id = call
        .path
        .strip_prefix(RESULTS)
        .and_then(|name| name.strip_suffix(".zip"));
    let task = engine_id
        .and_then(|id| id.parse().ok())
        .and_then(|id| state.tasks.by_engine_id(id));
    let Some(task) = task.filter(|task| task.has_result(now)) else {
        return Reply::Answer(answer::html(404, "Not Found"));
    };
    let (habits, counts, link) = (&state.habits, &mut state.counts, task.engine_id);
    let mut strikes = |when, what: &str| counts.strikes(when, format!("{what} of {link}"));
    let too_early = now < later(task.ends, habits.link_alive_after);
    let dead_first = When::First(habits.link_alive_after_requests);
    if task.dead_link || too_early || strikes(dead_first, "dead request") {
        return Reply::Answer(answer::html(habits.dead_link_status, "Not available"));
    }
    if strikes(habits.html_instead_of_zip, "page") {
        return Reply::Answer(answer::html(200, "Please wait"));
    }
    let mut delivery = Delivery::new(
        app.packages.of_task(&task.packages, &task.datasets),
        "application/zip",
    );
    delivery.ignores_range = habits.ignores_range;
    delivery.bandwidth = habits.bandwidth;
    if strikes(habits.truncated_zip, "truncation") {
        delivery.truncated_to = Some(delivery.package.size() / 2);
    }
    if strikes(habits.cut_body, "cut") {
        delivery.cut_after = Some(habits.cut_body_after);
    }
    if habits.etag_changes {
        delivery.etag = format!("\"{:016x}\"", rand::random::<u64>());
    }
    Reply::File(delivery.into())
}

/// Which bytes of a file are wanted.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    All,
    /// From the first to before the second.
    Part(u64, u64),
    Unsatisfiable,
}

fn wanted(headers: &HeaderMap, delivery: &Delivery, size: u64) -> Wanted {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let stale = text(header::IF_RANGE).is_some_and(|validator| validator != delivery.etag);
    match text(header::RANGE).and_then(|range| range.strip_prefix("bytes=")) {
        Some(range) if !stale && !delivery.ignores_range => parse_range(range, size),
        _ => Wanted::All,
    }
}

/// One range; several of them, and what cannot be read, are ignored.
fn parse_range(range: &str, size: u64) -> Wanted {
    let Some((first, last)) = range.trim().split_once('-') else {
        return Wanted::All;
    };
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), _) if first >= size => Wanted::Unsatisfiable,
        (Ok(first), Ok(last)) if last >= first => {
            Wanted::Part(first, last.saturating_add(1).min(size))
        }
        (Ok(first), Err(_)) if last.is_empty() => Wanted::Part(first, size),
        (Err(_), Ok(0)) if first.is_empty() => Wanted::Unsatisfiable,
        (Err(_), Ok(count)) if first.is_empty() => Wanted::Part(size.saturating_sub(count), size),
        _ => Wanted::All,
    }
}

/// Sends a file piece by piece.
pub(crate) async fn send(delivery: Delivery, request: &HeaderMap) -> Response {
    let size = delivery.truncated_to.unwrap_or(delivery.package.size());
    let (status, start, end) = match wanted(request, &delivery, size) {
        Wanted::All => (200, 0, size),
        Wanted::Part(start, end) => (206, start, end),
        Wanted::Unsatisfiable => {
            let refused = answer::empty(416);
            return answer::with_header(refused, header::CONTENT_RANGE, &format!("bytes */{size}"));
        }
    };
    let reader = match open(&delivery.package, start).await {
        Ok(reader) => reader,
        Err(error) => return answer::plone_error(500, "OSError", &error.to_string()),
    };
    let cut_after = delivery.cut_after.filter(|limit| *limit < end - start);
    let pieces = ReaderStream::with_capacity(reader.take(cut_after.unwrap_or(end - start)), PIECE);
    let bandwidth = delivery.bandwidth;
    let paced = pieces.then(move |piece| pace(piece, bandwidth));
    let broken_off = stream::iter(cut_after).then(async |_| {
        // Lets the server send what it has before it sees the error.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    let mut response = answer::empty(status);
    *response.body_mut() = Body::from_stream(paced.chain(broken_off));
    for (name, value) in [
        (header::CONTENT_TYPE, delivery.content_type.to_owned()),
        (header::CONTENT_LENGTH, (end - start).to_string()),
        (header::ETAG, delivery.etag.clone()),
    ] {
        response = answer::with_header(response, name, &value);
    }
    if !delivery.ignores_range {
        response = answer::with_header(response, header::ACCEPT_RANGES, "bytes");
    }
    if status == 206 {
        let range = format!("bytes {start}-{}/{size}", end.saturating_sub(1));
        response = answer::with_header(response, header::CONTENT_RANGE, &range);
    }
    response
}

async fn open(package: &Package, start: u64) -> io::Result<Box<dyn AsyncRead + Send + Unpin>> {
    Ok(match package {
        Package::File(path, _) => {
            let mut file = tokio::fs::File::open(path).await?;
            file.seek(SeekFrom::Start(start)).await?;
            Box::new(file)
        }
        Package::Memory(bytes) => {
            let start = usize::try_from(start)
                .unwrap_or(usize::MAX)
                .min(bytes.len());
            Box::new(io::Cursor::new(bytes.slice(start..)))
        }
    })
}

/// Takes as long for a piece as the bandwidth says.
async fn pace(piece: io::Result<Bytes>, bandwidth: Option<u64>) -> io::Result<Bytes> {
    if let (Ok(piece), Some(bandwidth)) = (&piece, bandwidth) {
        tokio::time::sleep(Duration::from_secs_f64(
            piece.len() as f64 / bandwidth.max(1) as f64,
        ))
        .await;
    }
    piece
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_rfc_9110_says() {
        for (range, expected) in [
            ("0-", Wanted::Part(0, 100)),
            ("10-19", Wanted::Part(10, 20)),
            ("90-500", Wanted::Part(90, 100)),
            ("-5", Wanted::Part(95, 100)),
            ("-500", Wanted::Part(0, 100)),
            ("100-", Wanted::Unsatisfiable),
            ("-0", Wanted::Unsatisfiable),
            ("20-10", Wanted::All),
            ("0-1,5-6", Wanted::All),
            ("x", Wanted::All),
        ] {
            assert_eq!(parse_range(range, 100), expected, "{range}");
        }
    }
}
