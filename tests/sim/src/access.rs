//! Who is calling: bearer tokens, and the owner's password.

use std::collections::HashMap;

use axum::http::header;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use crate::call::Call;
use crate::state::State;

/// The user whose service key a sim starts with.
pub(crate) const OWNER: &str = "apiuser";
/// The owner's password, with which service keys can be made over HTTP.
pub(crate) const OWNER_PASSWORD: &str = "simulated-password";
/// Another user of the portal.
pub(crate) const OTHER_USER: &str = "otheruser";

/// Who is calling.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Visitor {
    /// Nobody, or somebody unknown: the portal makes no difference (point 6).
    Anonymous,
    /// The user with this id.
    User(String),
    /// Somebody with a token that has expired and is still stored (point 5).
    Expired,
}

/// The access tokens that were given out.
#[derive(Default)]
pub(crate) struct Tokens(HashMap<String, Token>);

struct Token {
    key_id: String,
    expires: Timestamp,
}

impl Tokens {
    pub(crate) fn issue(&mut self, key_id: &str, expires: Timestamp) -> String {
        let token = format!(
            "{:032x}{:032x}",
            rand::random::<u128>(),
            rand::random::<u128>()
        );
        self.0.insert(
            token.clone(),
            Token {
                key_id: key_id.to_owned(),
                expires,
            },
        );
        token
    }

    /// Forgets expired tokens, as any token request does (point 6).
    pub(crate) fn purge(&mut self, now: Timestamp) {
        self.0.retain(|_, token| token.expires > now);
    }
}

/// Finds out who is calling.
pub(crate) fn visitor(state: &State, call: &Call) -> Visitor {
    let Some((scheme, secret)) = call.header(header::AUTHORIZATION).split_once(' ') else {
        return Visitor::Anonymous;
    };
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" => bearer(state, secret),
        "basic"
            if STANDARD
                .decode(secret)
                .is_ok_and(|text| text == format!("{OWNER}:{OWNER_PASSWORD}").as_bytes()) =>
        {
            Visitor::User(OWNER.to_owned())
        }
        _ => Visitor::Anonymous,
    }
}

fn bearer(state: &State, secret: &str) -> Visitor {
    let Some(token) = state.tokens.0.get(secret) else {
        return Visitor::Anonymous;
    };
    if token.expires <= state.now() {
        return if state.habits.forgets_expired_tokens {
            Visitor::Anonymous
        } else {
            Visitor::Expired
        };
    }
    match state.keys.by_key_id(&token.key_id) {
        Some(key) if key.allows_loopback() => Visitor::User(key.user_id.clone()),
        _ => Visitor::Anonymous,
    }
}
