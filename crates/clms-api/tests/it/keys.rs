//! Service keys for tests.

use std::sync::OnceLock;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use clms_api::ServiceKey;

/// A service key whose token address is on the given server.
pub(crate) fn service_key(server: &str) -> ServiceKey {
    ServiceKey::from_json(&service_key_json(server, private_key(), "null")).unwrap()
}

pub(crate) fn service_key_json(server: &str, private_key: &str, ip_range: &str) -> String {
    let private_key = private_key.replace('\n', "\\n");
    format!(
        r#"{{"client_id": "client-1", "user_id": "user-1", "token_uri": "{server}/@@oauth2-token",
            "private_key": "{private_key}", "title": "tests", "key_id": "k1", "ip_range": {ip_range},
            "issued": "2026-11-22T15:20:30.889745"}}"#
    )
}

/// An RSA key in PEM form, made once for each process.
pub(crate) fn private_key() -> &'static str {
    static KEY: OnceLock<String> = OnceLock::new();
    KEY.get_or_init(|| {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der = pair.as_der().unwrap();
        let lines: Vec<_> = der.as_ref().chunks(48).map(base64).collect();
        format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            lines.join("\n")
        )
    })
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = bytes.chunks(3).flat_map(|three| {
        let bits = three
            .iter()
            .fold(0, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - three.len()));
        (0..4).map(move |n| match n <= three.len() {
            true => char::from(DIGITS[(bits >> (18 - 6 * n) & 63) as usize]),
            false => '=',
        })
    });
    digits.collect()
}
