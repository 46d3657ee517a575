//! Keeping secrets off cassettes.

use bytes::Bytes;
use serde_json::Value;
use url::form_urlencoded;

use super::Cassette;
use super::exchange::Message;

/// What stands where a secret stood.
const REDACTED: &str = "REDACTED";

/// Addresses of nobody, and of the service itself, may stay.
const NOBODYS: [&str; 3] = ["@example.org", "@example.com", "@example.invalid"];

/// JSON keys and form fields whose values are secret, or tell who somebody is.
const SECRET_KEYS: [&str; 12] = [
    "access_token",
    "refresh_token",
    "id_token",
    "assertion",
    "private_key",
    "client_secret",
    "password",
    "client_id",
    "key_id",
    "user_id",
    "userid",
    "email",
];

/// Headers that are dropped, or whose values are.
const SECRET_HEADERS: [&str; 5] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
];

/// What must not get on a cassette: certain words, such as the user's id, and all that looks like
/// a token, a key or a mail address.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    words: Vec<String>,
}

impl Secrets {
    /// No certain words; all that looks like a secret is one all the same.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A word that is secret wherever it stands. Words of less than four characters are left
    /// alone, for they stand everywhere.
    #[must_use]
    pub fn word(mut self, word: impl Into<String>) -> Self {
        let word = word.into();
        if word.len() >= 4 && word != REDACTED {
            self.words.push(word);
        }
        self
    }

    /// All the secrets of a service key, given as its JSON text.
    #[must_use]
    pub fn service_key(self, json: &str) -> Self {
        let key: Value = serde_json::from_str(json).unwrap_or_default();
        let lines = key["private_key"].as_str().unwrap_or_default().lines();
        let lines: Vec<String> = lines
            .filter(|line| line.len() > 20)
            .map(str::to_owned)
            .collect();
        let names = ["client_id", "user_id", "key_id"];
        let names = names.iter().filter_map(|name| key[*name].as_str());
        names.map(str::to_owned).chain(lines).fold(self, Self::word)
    }

    /// Takes note of the tokens in an answer, to find them in later requests too.
    pub(super) fn learn(&mut self, answer: &Message) {
        let Ok(Value::Object(map)) = serde_json::from_slice(&answer.body) else {
            return;
        };
        for key in ["access_token", "refresh_token", "id_token"] {
            if let Some(token) = map.get(key).and_then(Value::as_str) {
                let known = std::mem::take(self);
                *self = known.word(token);
            }
        }
    }

    /// The cassette without secrets.
    #[must_use]
    pub fn scrub(&self, cassette: &Cassette) -> Cassette {
        let exchanges = cassette.exchanges.iter().map(|exchange| {
            let mut scrubbed = exchange.clone();
            scrubbed.request = self.scrub_message(&exchange.request);
            scrubbed.response = self.scrub_message(&exchange.response);
            if let Ok(uri) = self.scrub_text(exchange.uri.as_str()).parse() {
                scrubbed.uri = uri;
            }
            scrubbed
        });
        Cassette {
            exchanges: exchanges.collect(),
        }
    }

    /// A message without secrets.
    pub(super) fn scrub_message(&self, message: &Message) -> Message {
        let headers = message.headers.iter().filter_map(|(name, value)| {
            let lower = name.to_ascii_lowercase();
            if lower.contains("cookie") {
                None
            } else if SECRET_HEADERS.contains(&lower.as_str()) {
                let scheme = value.split(' ').next().unwrap_or_default();
                Some((name.clone(), format!("{scheme} {REDACTED}")))
            } else {
                Some((name.clone(), self.scrub_text(value)))
            }
        });
        Message {
            headers: headers.collect(),
            body: self.scrub_body(message),
        }
    }

    fn scrub_body(&self, message: &Message) -> Bytes {
        let Ok(text) = std::str::from_utf8(&message.body) else {
            return message.body.clone();
        };
        if message.is_form() {
            let pairs = form_urlencoded::parse(text.as_bytes()).map(|(name, value)| {
                let value = match is_secret_key(&name) {
                    true => REDACTED.to_owned(),
                    false => self.scrub_text(&value),
                };
                (name, value)
            });
            let mut form = form_urlencoded::Serializer::new(String::new());
            return form.extend_pairs(pairs).finish().into();
        }
        match serde_json::from_str::<Value>(text) {
            Ok(value @ (Value::Object(_) | Value::Array(_))) => {
                let mut scrubbed = value.clone();
                self.scrub_value(&mut scrubbed);
                // The server's own spelling stays where there was nothing to scrub.
                if scrubbed == value {
                    message.body.clone()
                } else {
                    scrubbed.to_string().into()
                }
            }
            _ => self.scrub_text(text).into(),
        }
    }

    fn scrub_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.scrub_text(text),
            Value::Array(list) => list.iter_mut().for_each(|item| self.scrub_value(item)),
            Value::Object(map) => {
                for (key, value) in map {
                    if is_secret_key(key) && value.is_string() {
                        *value = REDACTED.into();
                    } else {
                        self.scrub_value(value);
                    }
                }
            }
            _ => {}
        }
    }

    fn scrub_text(&self, text: &str) -> String {
        let mut scrubbed = text.to_owned();
        for word in &self.words {
            if scrubbed.contains(word.as_str()) {
                scrubbed = scrubbed.replace(word.as_str(), REDACTED);
            }
        }
        while let Some(mail) = mail(&scrubbed) {
            scrubbed = scrubbed.replace(&mail, "somebody@example.org");
        }
        while let Some(token) = json_web_token(&scrubbed) {
            scrubbed = scrubbed.replace(&token, REDACTED);
        }
        scrubbed
    }

    /// Where secrets are left on a cassette. It looks at the text as it will be written, whatever
    /// the bodies claim to be, and into bodies that are no text.
    #[must_use]
    pub fn leaks(&self, cassette: &Cassette) -> Vec<String> {
        let mut places = Vec::new();
        for (n, exchange) in cassette.exchanges.iter().enumerate() {
            let name = format!(
                "exchange {} ({} {})",
                n + 1,
                exchange.method,
                exchange.uri.path()
            );
            let mut report = |what: Option<&str>, place: &str| {
                places.extend(what.map(|what| format!("{what} in the {place} of {name}")));
            };
            report(self.leak(exchange.uri.as_str()), "address");
            for (side, message) in [
                ("request", &exchange.request),
                ("response", &exchange.response),
            ] {
                for (header, value) in &message.headers {
                    report(self.leak(value), &format!("{side}'s header {header}"));
                }
                let text = String::from_utf8_lossy(&message.body);
                report(self.leak(&text), &format!("{side}'s body"));
                report(secret_field(message), &format!("{side}'s body"));
            }
            let headers = exchange
                .request
                .headers
                .iter()
                .chain(&exchange.response.headers);
            let is_bare = |(name, value): &&(String, String)| {
                SECRET_HEADERS.contains(&name.to_ascii_lowercase().as_str())
                    && !value.ends_with(REDACTED)
            };
            report(
                headers.into_iter().find(is_bare).map(|_| "a credential"),
                "headers",
            );
        }
        places
    }

    fn leak(&self, text: &str) -> Option<&'static str> {
        if self.words.iter().any(|word| text.contains(word.as_str())) {
            Some("a known secret")
        } else if text.contains("PRIVATE KEY-----") {
            Some("a private key")
        } else if json_web_token(text).is_some() {
            Some("a signed token")
        } else if mail(text).is_some() {
            Some("a mail address")
        } else {
            None
        }
    }
}

fn is_secret_key(key: &str) -> bool {
    SECRET_KEYS.contains(&key.to_ascii_lowercase().as_str())
}

/// A field of a form or of JSON that should have been scrubbed.
fn secret_field(message: &Message) -> Option<&'static str> {
    let in_form = message.is_form()
        && form_urlencoded::parse(&message.body)
            .any(|(name, value)| is_secret_key(&name) && value != REDACTED);
    let in_json = serde_json::from_slice(&message.body).is_ok_and(|value| holds_secret(&value));
    (in_form || in_json).then_some("a secret field")
}

fn holds_secret(value: &Value) -> bool {
    match value {
        Value::Array(list) => list.iter().any(holds_secret),
        Value::Object(map) => map.iter().any(|(key, value)| {
            let is_bare = value.as_str().is_some_and(|text| text != REDACTED);
            is_secret_key(key) && is_bare || holds_secret(value)
        }),
        _ => false,
    }
}

/// The first mail address that is somebody's.
fn mail(text: &str) -> Option<String> {
    let in_name = |c: char| c.is_ascii_alphanumeric() || "._%+-".contains(c);
    let in_host = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    text.match_indices('@').find_map(|(at, _)| {
        let name: String = text[..at]
            .chars()
            .rev()
            .take_while(|c| in_name(*c))
            .collect();
        let name: String = name.chars().rev().collect();
        let host: String = text[at + 1..].chars().take_while(|c| in_host(*c)).collect();
        let host = host.trim_end_matches(['.', '-']);
        let ending = host.rsplit('.').next().unwrap_or_default();
        let is_mail = !name.is_empty()
            && host.contains('.')
            && ending.len() >= 2
            && ending.chars().all(|c| c.is_ascii_alphabetic());
        let mail = format!("{name}@{host}");
        (is_mail && !NOBODYS.iter().any(|nobody| mail.ends_with(nobody))).then_some(mail)
    })
}

/// The first JSON Web Token: three parts in base64, the first of them an object.
fn json_web_token(text: &str) -> Option<String> {
    let in_token = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    text.match_indices("eyJ").find_map(|(start, _)| {
        let token: String = text[start..].chars().take_while(|c| in_token(*c)).collect();
        (token.len() > 30 && token.matches('.').count() >= 2).then_some(token)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails() {
        for (text, expected) in [
            (
                "write to jane.doe+x@eea.europa.eu.",
                Some("jane.doe+x@eea.europa.eu"),
            ),
            ("http://h/api/@search and /@@oauth2-token", None),
            ("somebody@example.org", None),
            ("a@b", None),
            ("x@1.2", None),
        ] {
            assert_eq!(mail(text).as_deref(), expected, "{text}");
        }
        let scrubbed = Secrets::new().scrub_text("a.b@c.de, a.b@c.de and d@e.fr");
        assert_eq!(scrubbed.matches("somebody@example.org").count(), 3);
    }

    #[test]
    fn tokens() {
        let token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl";
        assert_eq!(
            json_web_token(&format!("assertion={token}&x")).as_deref(),
            Some(token)
        );
        assert_eq!(json_web_token("eyJ is no token"), None);
        assert_eq!(Secrets::new().scrub_text(token), REDACTED);
    }

    #[test]
    fn words_and_service_keys() {
        let key = r#"{"client_id": "abcd1234", "user_id": "jane", "private_key": "-----BEGIN\nMIIEvQIBADANBgkqhkiG9w0B\n"}"#;
        let secrets = Secrets::new().service_key(key).word("x");
        assert_eq!(
            secrets.scrub_text("jane and abcd1234 x"),
            "REDACTED and REDACTED x"
        );
        assert!(secrets.leak("...MIIEvQIBADANBgkqhkiG9w0B...").is_some());
    }
}
