//! `gettoken`, `refreshtoken`, and who has a good token.

use axum::http::header;
use axum::response::Response;
use serde_json::{Value, json};

use super::sim::{PASSWORD, USERNAME};
use super::state::State;
use crate::answer::{self, Refused};
use crate::call::Call;
use crate::state::later;

/// `POST gettoken` with `username` and `password`.
pub(super) fn get(state: &mut State, call: &Call) -> Response {
    let body = call.json_body().unwrap_or_default();
    if body["username"] != USERNAME || body["password"] != PASSWORD {
        return answer::json(403, json!({"detail": "Invalid credentials"}));
    }
    issue(state)
}

/// `POST refreshtoken` with `refresh_token`, as a form or as JSON.
pub(super) fn refresh(state: &mut State, call: &Call) -> Response {
    let form = url::form_urlencoded::parse(&call.body)
        .find(|(name, _)| name == "refresh_token")
        .map(|(_, token)| token.into_owned());
    let json = || {
        let body = call.json_body().ok()?;
        body["refresh_token"].as_str().map(str::to_owned)
    };
    let now = state.now();
    let known = form
        .or_else(json)
        .and_then(|token| state.refresh.get(&token).copied());
    match known {
        Some(until) if until > now => issue(state),
        _ => answer::json(400, json!({"detail": "Invalid refresh token"})),
    }
}

fn issue(state: &mut State) -> Response {
    let now = state.now();
    let token = |kind: &str| format!("{kind}-{:032x}", rand::random::<u128>());
    let (access, refresh) = (token("access"), token("refresh"));
    let lifetime = state.habits.token_lifetime;
    state.access.insert(access.clone(), later(now, lifetime));
    let refresh_until = later(now, state.habits.refresh_lifetime);
    state.refresh.insert(refresh.clone(), refresh_until);
    answer::json(
        200,
        json!({
            "access_token": access,
            "refresh_token": refresh,
            "expires_in": lifetime.as_secs(),
            "token_type": "Bearer",
        }),
    )
}

/// The answer to whoever has no good token.
pub(super) fn check(state: &State, call: &Call) -> Result<(), Refused> {
    let refused =
        |status, detail: &str| Err(answer::json(status, json!({ "detail": detail })).into());
    let Some(token) = call.header(header::AUTHORIZATION).strip_prefix("Bearer ") else {
        return refused(401, "Not authenticated");
    };
    match state.access.get(token) {
        Some(until) if *until > state.now() => Ok(()),
        Some(_) => refused(state.habits.expired_token_status, "Token has expired"),
        None => refused(401, "Invalid token"),
    }
}

/// A text of a JSON body; "" when there is none.
pub(super) fn text<'v>(body: &'v Value, name: &str) -> &'v str {
    body[name].as_str().unwrap_or_default()
}
