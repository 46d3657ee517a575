//! Takes requests, finds who answers them, and lets habits get in the way.

use std::net::TcpListener;
use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{ConnectInfo, Request, State as Shared};
use axum::http::header;
use axum::response::Response;

use super::state::{Broker, State};
use super::{datasets, orders, search, token};
use crate::answer::{self, Reply};
use crate::call::Call;
use crate::habits::FaultKind;
use crate::wire::Line;
use crate::{faults, serving};

/// Serves until `stop` resolves.
pub(super) async fn serve(
    broker: Arc<Broker>,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) {
    let router = Router::new().fallback(handle).with_state(broker);
    serving::serve(router, listener, stop).await;
}

async fn handle(
    Shared(broker): Shared<Arc<Broker>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, serving::BODY_LIMIT)
        .await
        .unwrap_or_default();
    let (uri, url) = (parts.uri, broker.url.as_str());
    let call = Call::new(parts.method, &uri, parts.headers, body, url);
    let endpoint = Endpoint::of(&call);
    let (reply, faults, now) = {
        let mut state = broker.state();
        let state = &mut *state;
        let now = state.now();
        let name = endpoint.fault_name();
        let faults = faults::struck(&state.habits.faults, &mut state.counts, name);
        let reply = match faults.iter().find_map(|fault| faults::refusal(now, *fault)) {
            Some(response) => Reply::Answer(response),
            None => endpoint.answer(state, &call),
        };
        (reply, faults, now)
    };
    let response = serving::response_of(reply, &call.headers).await;
    // The time of the broker's clock, which may be ahead.
    let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let response = answer::with_header(response, header::DATE, &date);
    let lost = faults.contains(&FaultKind::LostAnswer);
    if lost {
        line.cut();
    }
    let status = if lost { 0 } else { response.status().as_u16() };
    {
        let mut state = broker.state();
        let record = call.record(state.now(), status);
        state.requests.push(record);
        let answered = state.requests.len();
        broker.answered.send_replace(answered);
    }
    serving::as_asked(&call.method, response)
}

/// What a request is for.
enum Endpoint {
    GetToken,
    RefreshToken,
    Queryable(String),
    Datasets(String),
    TermsAccepted(String),
    Search,
    Order,
    Downloads,
    Download(String),
    Unknown,
}

impl Endpoint {
    fn of(call: &Call) -> Self {
        let path = call.path.strip_prefix("/hda-broker/").unwrap_or_default();
        let segments: Vec<String> = path
            .split('/')
            .map(|segment| {
                // Ids hold colons, which may be sent as they are or encoded.
                let pairs = format!("s={}", segment.replace('+', "%2B"));
                url::form_urlencoded::parse(pairs.as_bytes())
                    .next()
                    .map(|(_, value)| value.into_owned())
                    .unwrap_or_default()
            })
            .collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (call.method.as_str(), &segments[..]) {
            ("POST", ["gettoken"]) => Self::GetToken,
            ("POST", ["refreshtoken"]) => Self::RefreshToken,
            ("GET", ["api", "v1", "datasets", id]) => Self::Datasets((*id).to_owned()),
            ("PUT", ["api", "v1", "termsaccepted", id]) => Self::TermsAccepted((*id).to_owned()),
            (method, ["api", "v1", "dataaccess", rest @ ..]) => match (method, rest) {
                ("GET", ["queryable", id]) => Self::Queryable((*id).to_owned()),
                ("POST", ["search"]) => Self::Search,
                ("POST", ["download"]) => Self::Order,
                ("GET", ["downloads"]) => Self::Downloads,
                ("GET" | "HEAD", ["download", id]) => Self::Download((*id).to_owned()),
                _ => Self::Unknown,
            },
            _ => Self::Unknown,
        }
    }

    fn fault_name(&self) -> &'static str {
        match self {
            Self::GetToken => "gettoken",
            Self::RefreshToken => "refreshtoken",
            Self::Queryable(_) => "queryable",
            Self::Datasets(_) => "datasets",
            Self::TermsAccepted(_) => "termsaccepted",
            Self::Search => "search",
            Self::Order => "order",
            Self::Downloads => "downloads",
            Self::Download(_) => "download",
            Self::Unknown => "unknown",
        }
    }

    fn answer(&self, state: &mut State, call: &Call) -> Reply {
        match self {
            Self::GetToken => return Reply::Answer(token::get(state, call)),
            Self::RefreshToken => return Reply::Answer(token::refresh(state, call)),
            _ => {}
        }
        if let Err(refused) = token::check(state, call) {
            return Reply::Answer(*refused);
        }
        Reply::Answer(match self {
            Self::Queryable(id) => datasets::queryable(state, id),
            Self::Datasets(id) => datasets::describe(state, id),
            Self::TermsAccepted(terms) => datasets::accept(state, call, terms),
            Self::Search => search::search(state, call),
            Self::Order => orders::post(state, call),
            Self::Downloads => orders::list(state, call),
            Self::Download(id) => return orders::file(state, call, id),
            Self::GetToken | Self::RefreshToken | Self::Unknown => answer::not_found(&call.url()),
        })
    }
}
