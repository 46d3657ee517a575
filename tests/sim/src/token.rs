//! `@@oauth2-token`: a signed assertion for an access token (points 1 to 6).

use axum::http::{Method, header};
use axum::response::Response;
use jiff::Timestamp;
use jsonwebtoken::dangerous::insecure_decode;
use jsonwebtoken::{Algorithm, Validation, decode};
use serde_json::{Value, json};

use crate::access::Visitor;
use crate::answer;
use crate::call::{Call, Root};
use crate::service_keys::ServiceKey;
use crate::state::{State, later};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Why no token is given.
enum Refusal {
    /// An OAuth error: status, `error`, `error_description`.
    OAuth(u16, &'static str, &'static str),
    /// A Python exception that nobody caught: status, type, message.
    Exception(u16, &'static str, &'static str),
}

fn invalid_request(description: &'static str) -> Refusal {
    Refusal::OAuth(400, "invalid_request", description)
}

fn invalid_grant(description: &'static str) -> Refusal {
    Refusal::OAuth(400, "invalid_grant", description)
}

pub(crate) fn endpoint(state: &mut State, call: &Call, visitor: &Visitor) -> Response {
    let response = if *visitor == Visitor::Expired {
        answer::token_expired()
    } else {
        match grant(state, call) {
            Ok(body) => answer::json(200, body),
            Err(Refusal::OAuth(status, error, description)) => answer::json(
                status,
                json!({"error": error, "error_description": description}),
            ),
            Err(Refusal::Exception(status, kind, message)) => {
                return answer::plone_error(status, kind, message);
            }
        }
    };
    let response = answer::with_header(response, header::CACHE_CONTROL, "no-store");
    answer::with_header(response, header::PRAGMA, "no-cache")
}

fn grant(state: &mut State, call: &Call) -> Result<Value, Refusal> {
    if call.method != Method::POST {
        return Err(Refusal::OAuth(405, "invalid_request", "POST only"));
    }
    let form = form_fields(call);
    let field = |name: &str| {
        form.iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    match field("grant_type") {
        None => return Err(invalid_request("Missing 'grant_type'")),
        Some(GRANT_TYPE) => {}
        Some(_) => {
            return Err(invalid_request(
                "Only grant type 'urn:ietf:params:oauth:grant-type:jwt-bearer' is supported",
            ));
        }
    }
    let assertion = field("assertion").ok_or(invalid_request("Missing 'assertion'"))?;
    let now = state.now();
    let key_id = check(state, assertion, &expected_audience(call), now)?
        .key_id
        .clone();
    state.tokens.purge(now);
    state.keys.mark_used(&key_id, now);
    let lifetime = state.habits.token_lifetime;
    let expires = later(now, lifetime);
    let token = state.tokens.issue(&key_id, expires);
    Ok(json!({"access_token": token, "expires_in": lifetime.as_secs(), "token_type": "Bearer"}))
}

/// Only real forms are read: a JSON body has no fields (point 4).
fn form_fields(call: &Call) -> Vec<(String, String)> {
    if call
        .header(header::CONTENT_TYPE)
        .starts_with("application/x-www-form-urlencoded")
    {
        url::form_urlencoded::parse(&call.body)
            .into_owned()
            .collect()
    } else {
        Vec::new()
    }
}

/// The endpoint's own URL as the portal sees it; `/++api++` is invisible to it (point 1).
fn expected_audience(call: &Call) -> String {
    let api = if call.root() == Root::Api { "/api" } else { "" };
    format!("{}{api}/@@oauth2-token", call.base_url())
}

/// Checks an assertion against the key that its `iss` names.
fn check<'a>(
    state: &'a State,
    assertion: &str,
    audience: &str,
    now: Timestamp,
) -> Result<&'a ServiceKey, Refusal> {
    if assertion.split('.').count() != 3 {
        return Err(Refusal::Exception(
            500,
            "DecodeError",
            "Not enough segments",
        ));
    }
    let unverified = insecure_decode::<Value>(assertion)
        .map_err(|_| Refusal::Exception(500, "DecodeError", "Invalid payload string"))?;
    if unverified.header.alg != Algorithm::RS256 {
        return Err(invalid_request(
            "Only RS256 signature algorithm is supported",
        ));
    }
    let claims = unverified.claims;
    let issuer = claims["iss"]
        .as_str()
        .ok_or(Refusal::Exception(503, "KeyError", "'iss'"))?;
    let key = state
        .keys
        .by_client_id(issuer)
        .ok_or(invalid_grant("No associated key found"))?;
    let subject = claims["sub"]
        .as_str()
        .ok_or(Refusal::Exception(503, "KeyError", "'sub'"))?;
    if subject != key.user_id {
        return Err(invalid_grant(
            "JWT subject doesn't match user_id of service key.",
        ));
    }
    // The claims are checked below, by the sim's clock and in the portal's words.
    let mut signature_only = Validation::new(Algorithm::RS256);
    signature_only.required_spec_claims.clear();
    signature_only.validate_exp = false;
    signature_only.validate_aud = false;
    decode::<Value>(assertion, &key.public_key, &signature_only)
        .map_err(|_| invalid_grant("Signature verification failed"))?;
    check_times(&claims, now)?;
    check_audience(&claims["aud"], audience)?;
    Ok(key)
}

fn check_times(claims: &Value, now: Timestamp) -> Result<(), Refusal> {
    const HOUR: i64 = 3600;
    let now = now.as_second();
    let issued = claims["iat"]
        .as_f64()
        .ok_or(invalid_grant("Missing 'iat' claim"))?
        .floor() as i64;
    let expires = claims["exp"]
        .as_f64()
        .ok_or(invalid_grant("Missing 'exp' claim"))?
        .floor() as i64;
    if claims.get("nbf").is_some() {
        return Err(invalid_grant("The 'nbf' claim is not suppported"));
    }
    if claims.get("scope").is_some() {
        return Err(invalid_grant("Scopes are not supported yet"));
    }
    if issued > now {
        return Err(invalid_grant("The token is not yet valid (iat)"));
    }
    if expires <= now {
        return Err(invalid_grant("Signature has expired"));
    }
    if issued < now - HOUR {
        return Err(invalid_grant(
            "JWT was issued more than an hour in the past",
        ));
    }
    if expires > now + 24 * HOUR {
        return Err(invalid_grant(
            "JWT expiration is more than a day in the future",
        ));
    }
    Ok(())
}

fn check_audience(claim: &Value, expected: &str) -> Result<(), Refusal> {
    let matches = match claim {
        Value::Null => return Err(invalid_grant("Token is missing the \"aud\" claim")),
        Value::Array(audiences) => audiences.iter().any(|audience| audience == expected),
        audience => audience == expected,
    };
    if matches {
        Ok(())
    } else {
        Err(invalid_grant("Audience doesn't match"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assertions_are_timed_to_the_second() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let accepted = |issued: i64, expires: i64| {
            let claims = json!({"iat": 1_000_000 + issued, "exp": 1_000_000 + expires});
            check_times(&claims, now).is_ok()
        };
        assert!(accepted(0, 1));
        assert!(accepted(-3600, 24 * 3600));
        assert!(!accepted(1, 60), "issued a second ahead");
        assert!(!accepted(0, 0), "expired this second");
        assert!(!accepted(-3601, 60), "issued more than an hour ago");
        assert!(!accepted(0, 24 * 3600 + 1), "expires in more than a day");
    }
}
