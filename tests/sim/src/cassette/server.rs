//! A local server that plays and records cassettes.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use tokio::sync::oneshot;
use url::Url;

use super::exchange::{Exchange, Message};
use super::matching::{MatchOn, Request};
use super::mode::Mode;
use super::scrub::Secrets;
use super::tape::{Tape, Verdict};
use super::{Cassette, CassetteError};

/// Headers that belong to one connection, or that this server must make itself.
const OF_THE_CONNECTION: [&str; 6] = [
    "connection",
    "content-length",
    "date",
    "host",
    "keep-alive",
    "transfer-encoding",
];

/// The status for requests that are not on the cassette, which no portal answers with.
const NOT_RECORDED: u16 = 599;

/// A running server. Dropping it stops it and writes nothing.
pub struct CassetteServer {
    served: Arc<Served>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// How a [`CassetteServer`] is to be.
#[derive(Debug)]
#[must_use]
pub struct CassetteServerBuilder {
    tape: Tape,
    upstream: Option<Url>,
}

struct Served {
    url: String,
    /// The schemes, hosts and ports that stand for this server in recorded texts.
    origins: Vec<String>,
    upstream: Option<Url>,
    client: reqwest::Client,
    tape: Mutex<Tape>,
}

impl CassetteServer {
    /// Plays a cassette from memory.
    pub fn play(cassette: Cassette) -> CassetteServerBuilder {
        CassetteServerBuilder {
            tape: Tape::new(cassette),
            upstream: None,
        }
    }

    /// Plays or records a file.
    ///
    /// # Errors
    /// The file is there but can't be read, or is no cassette; or it is not there and the mode is
    /// [`Mode::None`].
    pub fn open(
        path: impl Into<PathBuf>,
        mode: Mode,
    ) -> Result<CassetteServerBuilder, CassetteError> {
        let path = path.into();
        let existed = path.exists();
        let cassette = match existed || mode == Mode::None {
            true => Cassette::load(&path)?,
            false => Cassette::default(),
        };
        let mut tape = Tape::new(cassette);
        tape.mode = mode;
        tape.path = Some(path);
        tape.existed = existed;
        Ok(CassetteServerBuilder {
            tape,
            upstream: None,
        })
    }

    /// `http://127.0.0.1:<port>`, which stands for the host that was recorded, in answers too.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.served.url
    }

    /// The exchanges on the cassette that nobody has asked for so far.
    #[must_use]
    pub fn unplayed(&self) -> Vec<String> {
        self.served.tape().unplayed()
    }

    /// How many exchanges were recorded so far.
    #[must_use]
    pub fn recorded(&self) -> usize {
        self.served.tape().recorded_now()
    }

    /// The cassette as it would be written now, but not scrubbed.
    #[must_use]
    pub fn cassette(&self) -> Cassette {
        self.served.tape().cassette()
    }

    /// Stops, and writes what was recorded.
    ///
    /// # Errors
    /// [`CassetteError::NotRecorded`] for requests that were refused,
    /// [`CassetteError::Secrets`] and [`CassetteError::File`] when it can't be written.
    pub fn finish(mut self) -> Result<(), CassetteError> {
        self.shut_down();
        self.served.tape().finish()
    }

    fn shut_down(&mut self) {
        if let Some(stop) = self.stop.take() {
            // An error means that the thread has ended already.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for CassetteServer {
    fn drop(&mut self) {
        self.shut_down();
    }
}

impl CassetteServerBuilder {
    /// What must be the same for a recorded exchange to answer a request.
    pub fn match_on(mut self, match_on: MatchOn) -> Self {
        self.tape.match_on = match_on;
        self
    }

    /// Plays the last exchange that answers a request again and again.
    pub fn repeating(mut self) -> Self {
        self.tape.repeats = true;
        self
    }

    /// What must not get on the cassette.
    pub fn secrets(mut self, secrets: Secrets) -> Self {
        self.tape.secrets = secrets;
        self
    }

    /// The server to record from: its scheme, host and port.
    pub fn upstream(mut self, url: Url) -> Self {
        self.upstream = Some(url);
        self
    }

    /// Starts to listen on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// No port or thread can be had.
    pub fn start(self) -> io::Result<CassetteServer> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let mut origins = self.tape.cassette().origins();
        if let Some(upstream) = &self.upstream {
            origins.push(upstream.origin().ascii_serialization());
        }
        let client = reqwest::Client::builder()
            // What the client under test asked for, and nothing that helps it.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(io::Error::other)?;
        let served = Arc::new(Served {
            url: format!("http://{}", listener.local_addr()?),
            origins,
            upstream: self.upstream,
            client,
            tape: Mutex::new(self.tape),
        });
        let (stop, stopped) = oneshot::channel();
        // No `block_on` here: the caller may be within a runtime of its own.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let app = Router::new()
            .fallback(handle)
            .with_state(Arc::clone(&served));
        let thread = std::thread::Builder::new()
            .name("cassette".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let serving = async {
                        let listener = tokio::net::TcpListener::from_std(listener)?;
                        axum::serve(listener, app).await
                    };
                    tokio::select! {
                        result = serving => {
                            if let Err(error) = result {
                                tracing::error!(%error, "the cassette's server has stopped");
                            }
                        }
                        // An error means that the sender is gone: stop all the same.
                        _ = stopped => {}
                    }
                });
                runtime.shutdown_background();
            })?;
        Ok(CassetteServer {
            served,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

async fn handle(State(served): State<Arc<Served>>, request: axum::extract::Request) -> Response {
    match served.answer(request).await {
        Ok(response) => response,
        Err(problem) => refusal(&problem),
    }
}

impl Served {
    fn tape(&self) -> MutexGuard<'_, Tape> {
        self.tape.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, request: axum::extract::Request) -> Result<Response, String> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, usize::MAX)
            .await
            .map_err(|error| error.to_string())?;
        let target = parts
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str());
        let request = Request {
            method: parts.method.to_string(),
            uri: format!("{}{target}", self.url)
                .parse()
                .map_err(|error| format!("{target}: {error}"))?,
            message: Message {
                headers: flat(&parts.headers),
                body,
            },
        };
        let verdict = self.tape().decide(&request);
        let exchange = match verdict {
            Verdict::Play(exchange) => *exchange,
            Verdict::Record => self.pass_on(&request).await?,
            Verdict::Refuse => {
                return Err(format!(
                    "no such exchange is on the cassette: {} {target}",
                    request.method
                ));
            }
        };
        Ok(self.response(&exchange))
    }

    /// Asks the real server, and records what it says.
    async fn pass_on(&self, request: &Request) -> Result<Exchange, String> {
        let upstream = self
            .upstream
            .as_ref()
            .ok_or("there is no server to record from")?;
        let mut uri = request.uri.clone();
        let at = |error| format!("{upstream}: {error}");
        uri.set_scheme(upstream.scheme())
            .map_err(|()| at("an odd scheme"))?;
        uri.set_host(upstream.host_str())
            .map_err(|error| format!("{upstream}: {error}"))?;
        uri.set_port(upstream.port())
            .map_err(|()| at("an odd port"))?;
        let method = reqwest::Method::from_bytes(request.method.as_bytes())
            .map_err(|error| error.to_string())?;
        let mut passed = self
            .client
            .request(method, uri.clone())
            .body(request.message.body.clone());
        for (name, value) in &request.message.headers {
            if !OF_THE_CONNECTION.contains(&name.as_str()) {
                passed = passed.header(name, value);
            }
        }
        let answered = async {
            let response = passed.send().await?;
            let (status, headers) = (response.status().as_u16(), flat(response.headers()));
            Ok::<_, reqwest::Error>((status, headers, response.bytes().await?))
        };
        let (status, headers, body) = answered.await.map_err(|error| error.to_string())?;
        let exchange = Exchange {
            method: request.method.clone(),
            uri,
            request: request.message.clone(),
            status,
            response: Message { headers, body },
            recorded_at: Exchange::now(),
        };
        self.tape().record(exchange.clone());
        Ok(exchange)
    }

    /// The recorded answer, as if it came from here.
    fn response(&self, exchange: &Exchange) -> Response {
        let body = match std::str::from_utf8(&exchange.response.body) {
            Ok(text) => self.at_home(text).into(),
            Err(_) => exchange.response.body.clone(),
        };
        let mut response = Response::new(body_of(exchange, body));
        *response.status_mut() =
            StatusCode::from_u16(exchange.status).unwrap_or(StatusCode::BAD_GATEWAY);
        for (name, value) in &exchange.response.headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            let value = HeaderValue::from_str(&self.at_home(value));
            if let (Ok(name), Ok(value)) = (name, value)
                && !OF_THE_CONNECTION.contains(&name.as_str())
            {
                response.headers_mut().append(name, value);
            }
        }
        response
    }

    /// Links to the recorded hosts lead here.
    fn at_home(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for origin in &self.origins {
            if text.contains(origin.as_str()) {
                text = text.replace(origin.as_str(), &self.url);
            }
        }
        text
    }
}

/// An answer to HEAD has headers only.
fn body_of(exchange: &Exchange, body: Bytes) -> Body {
    match exchange.method.as_str() {
        "HEAD" => Body::empty(),
        _ => body.into(),
    }
}

fn flat(headers: &HeaderMap) -> Vec<(String, String)> {
    let pairs = headers
        .iter()
        .filter(|(name, _)| !OF_THE_CONNECTION.contains(&name.as_str()));
    pairs
        .map(|(name, value)| {
            (
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect()
}

fn refusal(problem: &str) -> Response {
    let mut response = Response::new(Body::from(problem.to_owned()));
    *response.status_mut() = StatusCode::from_u16(NOT_RECORDED).unwrap_or(StatusCode::BAD_GATEWAY);
    response
}
