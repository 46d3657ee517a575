//! Service keys: RSA key pairs that users make and programs sign with.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use axum::http::{Method, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jsonwebtoken::DecodingKey;
use serde_json::{Value, json};

use crate::access::Visitor;
use crate::answer;
use crate::call::Call;
use crate::state::State;

/// The keys that were made and not revoked.
#[derive(Default)]
pub(crate) struct ServiceKeys(Vec<ServiceKey>);

/// The portal's half of a service key.
pub(crate) struct ServiceKey {
    pub(crate) key_id: String,
    pub(crate) client_id: String,
    pub(crate) user_id: String,
    pub(crate) public_key: DecodingKey,
    title: String,
    ip_range: Option<String>,
    issued: Timestamp,
    last_used: Option<Timestamp>,
}

impl ServiceKey {
    /// Whether requests from this host are within the key's `ip_range` (point 7).
    pub(crate) fn allows_loopback(&self) -> bool {
        self.ip_range
            .as_ref()
            .is_none_or(|range| range.starts_with("127."))
    }

    fn listed(&self) -> Value {
        json!({
            "client_id": self.client_id, "key_id": self.key_id, "title": self.title,
            "ip_range": self.ip_range, "issued": naive(self.issued),
            "last_used": self.last_used.map_or("(Never)".to_owned(), naive),
        })
    }
}

/// Times of keys have no offset (point 8).
fn naive(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6f").to_string()
}

/// Random lower-case hex digits.
fn hex(digits: usize) -> String {
    (0..digits)
        .map(|_| char::from_digit(rand::random_range(0..16), 16).unwrap_or('0'))
        .collect()
}

impl ServiceKeys {
    /// Makes a key pair of 2048 bits, keeps its public half and gives the key
    /// as users get it, or `None` if the cryptography fails.
    pub(crate) fn create(
        &mut self,
        user_id: &str,
        title: &str,
        ip_range: Option<String>,
        portal_url: &str,
        now: Timestamp,
    ) -> Option<Value> {
        let pair = KeyPair::generate(KeySize::Rsa2048).ok()?;
        let private: Pkcs8V1Der<'_> = pair.as_der().ok()?;
        let key = ServiceKey {
            key_id: hex(40),
            client_id: hex(32),
            user_id: user_id.to_owned(),
            public_key: DecodingKey::from_rsa_der(pair.public_key().as_ref()),
            title: title.to_owned(),
            ip_range,
            issued: now,
            last_used: None,
        };
        let given = json!({
            "client_id": key.client_id, "key_id": key.key_id, "title": key.title,
            "ip_range": key.ip_range, "issued": naive(now), "user_id": key.user_id,
            "private_key": pem(private.as_ref()), "token_uri": format!("{portal_url}/@@oauth2-token"),
        });
        self.0.push(key);
        Some(given)
    }

    pub(crate) fn by_client_id(&self, client_id: &str) -> Option<&ServiceKey> {
        self.0.iter().find(|key| key.client_id == client_id)
    }

    pub(crate) fn by_key_id(&self, key_id: &str) -> Option<&ServiceKey> {
        self.0.iter().find(|key| key.key_id == key_id)
    }

    pub(crate) fn mark_used(&mut self, key_id: &str, now: Timestamp) {
        if let Some(key) = self.0.iter_mut().find(|key| key.key_id == key_id) {
            key.last_used = Some(now);
        }
    }
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
    for (index, digit) in text.chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            pem.push('\n');
        }
        pem.push(digit);
    }
    pem + "\n-----END PRIVATE KEY-----\n"
}

/// `@service-keys`: list, create and revoke.
pub(crate) fn endpoint(
    state: &mut State,
    call: &Call,
    visitor: &Visitor,
    key_id: &str,
) -> Response {
    let Visitor::User(user) = visitor else {
        return answer::json(401, json!({}));
    };
    let url = format!("{}/@service-keys", call.portal_url());
    let now = state.now();
    match (&call.method, key_id) {
        (&Method::GET, "") => {
            let items: Vec<Value> = state
                .keys
                .0
                .iter()
                .filter(|key| key.user_id == *user)
                .map(ServiceKey::listed)
                .collect();
            answer::json(200, json!({"@id": url, "items": items}))
        }
        (&Method::POST, "") => {
            let body = call.json_body().unwrap_or_default();
            let Some(title) = body["title"].as_str().filter(|title| !title.is_empty()) else {
                let message = "You need to provide at least a title for the service key";
                return answer::json(400, json!({"error": {"type": "error", "message": message}}));
            };
            let ip_range = body["ip_range"].as_str().map(str::to_owned);
            match state
                .keys
                .create(user, title, ip_range, &call.portal_url(), now)
            {
                Some(key) => {
                    let id = format!("{url}/{}", key["key_id"].as_str().unwrap_or_default());
                    let created = answer::json(201, json!({"@id": id, "service_key": key}));
                    answer::with_header(created, header::LOCATION, &id)
                }
                None => answer::plone_error(500, "RuntimeError", "no key pair"),
            }
        }
        (&Method::DELETE, id) => {
            state
                .keys
                .0
                .retain(|key| key.key_id != id || key.user_id != *user);
            answer::empty(204)
        }
        _ => answer::not_found(&call.url()),
    }
}
