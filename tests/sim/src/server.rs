//! Takes requests, finds who answers them, and lets habits get in the way.

use std::net::TcpListener;
use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{ConnectInfo, Request, State as Shared};
use axum::http::Method;
use axum::response::Response;

use crate::access::{Visitor, visitor};
use crate::answer::{self, Reply};
use crate::call::{Call, Root};
use crate::faults;
use crate::habits::FaultKind;
use crate::state::{App, State};
use crate::wire::Line;
use crate::{datarequest, direct_links, downloads, lookup, search, service_keys, serving, token};

/// Serves until `stop` resolves.
pub(crate) async fn serve(app: Arc<App>, listener: TcpListener, stop: impl Future<Output = ()>) {
    let router = Router::new().fallback(handle).with_state(app);
    serving::serve(router, listener, stop).await;
}

async fn handle(
    Shared(app): Shared<Arc<App>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, serving::BODY_LIMIT).await;
    let too_large = body.is_err();
    let call = Call::new(
        parts.method,
        &parts.uri,
        parts.headers,
        body.unwrap_or_default(),
        &app.base_url,
    );
    let (reply, faults) = {
        let mut state = app.state();
        let state = &mut *state;
        let faults = faults::struck(&state.habits.faults, &mut state.counts, call.fault_name());
        let now = state.now();
        let reply = match faults.iter().find_map(|fault| faults::refusal(now, *fault)) {
            Some(response) => Reply::Answer(response),
            None if too_large => Reply::Answer(answer::html(413, "Request Entity Too Large")),
            None => decide(&app, state, &call),
        };
        (reply, faults)
    };
    let mut noted = Noted {
        app: &app,
        call: &call,
        status: 0,
    };
    let response = serving::response_of(reply, &call.headers).await;
    match faults.contains(&FaultKind::LostAnswer) {
        true => line.cut(),
        false => noted.status = response.status().as_u16(),
    }
    drop(noted);
    serving::as_asked(&call.method, response)
}

/// A request that is remembered when its answer is ready, or nobody waits for it any more.
struct Noted<'r> {
    app: &'r App,
    call: &'r Call,
    /// 0 if there is no answer.
    status: u16,
}

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        let mut state = self.app.state();
        let record = self.call.record(state.now(), self.status);
        state.requests.push(record);
    }
}

fn decide(app: &App, state: &mut State, call: &Call) -> Reply {
    if call.root() == Root::Site && call.endpoint().is_none() {
        let first = call.local_path().split('/').next().unwrap_or_default();
        return match first {
            "clmsdatadownload" => match downloads::refuse_agent(state, call) {
                Some(refused) => Reply::Answer(refused),
                None => downloads::result(app, state, call),
            },
            "legacydata" | "landcover" | "download" | "legacy" => {
                direct_links::linked_file(app, state, call)
            }
            _ => Reply::Answer(objects(state, call)),
        };
    }
    match call.endpoint() {
        Some(("@@oauth2-token", "")) => {
            Reply::Answer(token::endpoint(state, call, &visitor(state, call)))
        }
        _ if call.root() != Root::PlusPlusApi && !call.accepts_json() => {
            Reply::Answer(answer::not_acceptable())
        }
        Some((endpoint, rest)) => portal(app, state, call, endpoint, rest),
        None => Reply::Answer(objects(state, call)),
    }
}

fn objects(state: &State, call: &Call) -> Response {
    let visitor = visitor(state, call);
    match visitor {
        Visitor::Expired => answer::token_expired(),
        _ if call.method != Method::GET => answer::not_found(&call.url()),
        _ if call.root() == Root::Site && !call.accepts_json() => {
            answer::html(404, "Page not found")
        }
        _ => search::object(state, call, &visitor),
    }
}

/// What only users may call.
const FOR_USERS: [(&str, &str); 8] = [
    ("DELETE", "@datarequest_delete"),
    ("GET", "@datarequest_search"),
    ("GET", "@datarequest_status_get"),
    ("GET", "@format_conversion_table"),
    ("GET", "@get-download-file-urls"),
    ("GET", "@nuts_name"),
    ("GET", "@projections"),
    ("POST", "@datarequest_post"),
];

/// The endpoints: first the method, then who is calling, then the endpoint itself.
fn portal(app: &App, state: &mut State, call: &Call, endpoint: &str, rest: &str) -> Reply {
    let visitor = visitor(state, call);
    Reply::Answer(match (call.method.as_str(), endpoint) {
        _ if visitor == Visitor::Expired => answer::token_expired(),
        ("GET", "@search") => search::search(state, call),
        ("GET", "@datasets_by_uid") => search::datasets_by_uid(state, call),
        ("GET", "@get-time-series-metadata") => lookup::time_series_metadata(state, call),
        (_, "@service-keys") => service_keys::endpoint(state, call, &visitor, rest),
        // For managers and the engine, none of whom exist here.
        ("GET", "@datarequest_inspect") | ("PATCH", "@datarequest_status_patch") => {
            answer::unauthorized()
        }
        wanted if FOR_USERS.contains(&wanted) => match visitor {
            Visitor::User(user) => return for_user(app, state, call, endpoint, &user),
            Visitor::Anonymous | Visitor::Expired => answer::unauthorized(),
        },
        _ => answer::not_found(&call.url()),
    })
}

fn for_user(app: &App, state: &mut State, call: &Call, endpoint: &str, user: &str) -> Reply {
    Reply::Answer(match endpoint {
        "@datarequest_post" => {
            let (response, delay) = datarequest::post(state, call, user);
            return Reply::Late(response, delay);
        }
        "@datarequest_delete" => datarequest::delete(state, call, user),
        "@datarequest_search" => datarequest::search(app, state, call, user),
        "@datarequest_status_get" => datarequest::status_get(app, state, call),
        "@format_conversion_table" => lookup::format_conversion_table(),
        "@projections" => lookup::projections(state, call),
        "@nuts_name" => lookup::nuts_names(call),
        "@get-download-file-urls" => direct_links::endpoint(app, state, call),
        _ => answer::not_found(&call.url()),
    })
}
