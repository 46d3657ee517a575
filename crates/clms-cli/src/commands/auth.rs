//! `clms auth`.

use jiff::Timestamp;
use serde::Serialize;

use super::{Context, Done};
use crate::text;

#[derive(Serialize)]
struct Identity {
    user_id: String,
    client_id: String,
    key_title: Option<String>,
    token_expires_at: Timestamp,
    api_url: String,
}

pub(crate) async fn check(context: &Context) -> Done {
    let signed_in = context.store.sign_in().await?;
    let identity = Identity {
        user_id: signed_in.user_id,
        client_id: signed_in.client_id,
        key_title: signed_in.key_title,
        token_expires_at: signed_in.token_expires_at,
        api_url: context.api_url.clone(),
    };
    context.result(&identity, || {
        let mut pairs = vec![
            ("signed in as", identity.user_id.clone()),
            ("token valid until", text::time(identity.token_expires_at)),
            ("portal", identity.api_url.clone()),
        ];
        if let Some(title) = &identity.key_title {
            pairs.insert(1, ("service key", title.clone()));
        }
        text::pairs(&pairs)
    })
}
