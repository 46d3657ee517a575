//! A client that does what it is told, and signs what it is given.

use clms_sim::Sim;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::header::{ACCEPT, USER_AGENT};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

/// The grant type of service keys.
pub(crate) const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A service key as users have it.
#[derive(Clone)]
pub(crate) struct Key(pub(crate) Value);

impl Key {
    pub(crate) fn of(sim: &Sim) -> Self {
        Self(serde_json::from_str(&sim.service_key_json()).unwrap())
    }

    /// The claims of a good assertion, by the sim's clock.
    pub(crate) fn claims(&self, sim: &Sim) -> Value {
        let now = sim.now().as_second();
        json!({
            "iss": self.0["client_id"], "sub": self.0["user_id"], "aud": self.0["token_uri"],
            "iat": now - 60, "exp": now + 1800,
        })
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        let pem = self.0["private_key"].as_str().unwrap();
        let key = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
        encode(&Header::new(Algorithm::RS256), claims, &key).unwrap()
    }
}

/// A client of one sim.
pub(crate) struct Client<'a> {
    pub(crate) sim: &'a Sim,
    http: reqwest::Client,
}

impl<'a> Client<'a> {
    pub(crate) fn new(sim: &'a Sim) -> Self {
        let redirects = reqwest::redirect::Policy::none();
        let http = reqwest::Client::builder()
            .redirect(redirects)
            .no_proxy()
            .build()
            .unwrap();
        Self { sim, http }
    }

    /// A request for a path below the sim's URL, or for a whole URL.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.sim.base_url())
        };
        self.http
            .request(method, url)
            .header(USER_AGENT, "clms-sim-test/1.0")
    }

    pub(crate) async fn post_assertion(&self, assertion: &str) -> Response {
        let form = [("grant_type", GRANT_TYPE), ("assertion", assertion)];
        self.request(Method::POST, "/@@oauth2-token")
            .form(&form)
            .send()
            .await
            .unwrap()
    }

    /// A new access token.
    pub(crate) async fn token(&self, key: &Key) -> String {
        let response = self.post_assertion(&key.sign(&key.claims(self.sim))).await;
        assert_eq!(response.status(), 200);
        let body: Value = response.json().await.unwrap();
        body["access_token"].as_str().unwrap().to_owned()
    }

    /// A call of the API as the owner of the sim's key: status and body.
    pub(crate) async fn call(
        &self,
        method: Method,
        endpoint: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let token = self.token(&Key::of(self.sim)).await;
        let request = self
            .request(method, &format!("/api/{endpoint}"))
            .header(ACCEPT, "application/json");
        let request = request.bearer_auth(token);
        let request = if let Some(body) = body {
            request.json(&body)
        } else {
            request
        };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (
            status,
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        )
    }
}
