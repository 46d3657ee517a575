//! Addresses that may be shown: in errors and logs.

use url::Url;

/// The address without user, password, fragment, and the values of query parameters that could
/// be a secret.
pub(crate) fn redacted(url: &Url) -> String {
    let mut shown = url.clone();
    // These fail on addresses without a host, which have neither user nor password.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_fragment(None);
    if url.query().is_some() {
        shown
            .query_pairs_mut()
            .clear()
            .extend_pairs(url.query_pairs().map(|(name, value)| {
                let value = if is_secret(&name) {
                    "redacted".into()
                } else {
                    value
                };
                (name, value)
            }));
    }
    shown.into()
}

fn is_secret(parameter: &str) -> bool {
    let name = parameter.to_ascii_lowercase();
    [
        "token",
        "secret",
        "sig",
        "key",
        "credential",
        "password",
        "assertion",
        "auth",
    ]
    .iter()
    .any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_and_the_rest_stays() {
        let url = Url::parse("https://u:p@h/a/@search?b_size=3&access_token=t&X-Amz-Signature=s#f")
            .unwrap();
        assert_eq!(
            redacted(&url),
            "https://h/a/@search?b_size=3&access_token=redacted&X-Amz-Signature=redacted"
        );
        assert_eq!(redacted(&Url::parse("http://h/x").unwrap()), "http://h/x");
    }
}
