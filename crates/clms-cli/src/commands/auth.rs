//! `clms auth`.

use std::{
    fs,
    io::{self, IsTerminal as _},
    path::Path,
};

use clms_store::{ClmsStore, ServiceKey, SignedIn, StoreError};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, Done, Stop};
use crate::{failure::Failure, paste, settings, text, whole_file};

/// Who is signed in.
#[derive(Serialize, JsonSchema)]
pub(super) struct Identity {
    /// Whose service key it is.
    user_id: String,
    /// The key's public name.
    client_id: String,
    /// The name that the user gave the key.
    key_title: Option<String>,
    /// When the token in use expires (RFC 3339, UTC); it is renewed by itself before that. Null if nobody has checked
    /// the key.
    token_expires_at: Option<Timestamp>,
    /// The portal's API.
    api_url: String,
    /// The service key's file.
    credentials: Option<String>,
}

impl Identity {
    fn of(context: &Context, signed_in: SignedIn) -> Self {
        Self {
            user_id: signed_in.user_id,
            client_id: signed_in.client_id,
            key_title: signed_in.key_title,
            token_expires_at: Some(signed_in.token_expires_at),
            api_url: context.api_url.clone(),
            credentials: credentials(context),
        }
    }

    fn page(&self) -> String {
        let mut pairs = vec![(
            "signed in as",
            match self.token_expires_at {
                Some(_) => self.user_id.clone(),
                None => format!("{} (not checked)", self.user_id),
            },
        )];
        if let Some(title) = &self.key_title {
            pairs.push(("service key", title.clone()));
        }
        if let Some(file) = &self.credentials {
            pairs.push(("kept in", file.clone()));
        }
        if let Some(end) = self.token_expires_at {
            pairs.push(("token valid until", text::time(end)));
        }
        pairs.push(("portal", self.api_url.clone()));
        text::pairs(&pairs)
    }
}

fn credentials(context: &Context) -> Option<String> {
    let file = context.credentials.as_deref();
    file.map(|file| file.display().to_string())
}

pub(crate) async fn check(context: &Context) -> Done {
    let signed_in = context.store.sign_in().await?;
    let identity = Identity::of(context, signed_in);
    context.result(&identity, || identity.page())
}

pub(crate) async fn login(context: &Context, file: Option<&Path>) -> Done {
    let to = context.credentials.as_deref().ok_or_else(|| {
        Failure::usage(
            "nobody knows where to keep the service key: neither XDG_CONFIG_HOME nor HOME is set",
        )
        .with_hint("name a file: --credentials FILE")
    })?;
    let (key, text) = match file {
        Some(file) => read(file)?,
        None => pasted(context).await?,
    };
    let identity = if context.is_offline {
        context.printer.note(
            "note: the key was not checked, for --offline forbids it; `clms auth check` does it",
        );
        Identity {
            user_id: key.user_id().to_owned(),
            client_id: key.client_id().to_owned(),
            key_title: key.title().map(str::to_owned),
            token_expires_at: None,
            api_url: context.api_url.clone(),
            credentials: credentials(context),
        }
    } else {
        Identity::of(context, checked(context, key).await?)
    };
    keep(to, &text)
        .map_err(|why| Failure::io(&format!("keep the service key in {}", to.display()), &why))?;
    context.result(&identity, || identity.page())?;
    if let settings::From::Variable = context.credentials_from {
        context.printer.note(
            "note: it is kept there, and not in the usual place, because the variable CLMS_CREDENTIALS says so",
        );
    }
    context
        .printer
        .note("next: clms search 'forest Europe 2018'");
    Ok(())
}

fn read(file: &Path) -> Result<(ServiceKey, String), Stop> {
    // What is to be said about who else can read that file is said of the one where the key is kept.
    if !file.exists() {
        let failure = Failure::usage(format!("there is no file {}", file.display()));
        return Err(failure
            .with_hint("without a file, `clms auth login` says where to get a service key, and takes what you paste")
            .into());
    }
    let key = ServiceKey::from_file(file).map_err(StoreError::from)?.key;
    let text = fs::read_to_string(file)
        .map_err(|why| Failure::io(&format!("read {}", file.display()), &why))?;
    Ok((key, text))
}

/// The key from standard input. On a terminal a person is told where to get one, and sees nothing of it.
async fn pasted(context: &Context) -> Result<(ServiceKey, String), Stop> {
    if io::stdin().is_terminal() {
        context.printer.note(
            "To get a service key:\n\
             1. log in at https://land.copernicus.eu (with EU Login, free of charge)\n\
             2. open your profile, choose \"API tokens\", give one a name, and create it\n\
             3. copy the JSON text that is shown, which happens only once\n\
             Then paste it here. It is not shown while you do.",
        );
    }
    let text = paste::json()
        .await
        .map_err(|why| Failure::io("read the service key from standard input", &why))?;
    if text.trim().is_empty() {
        let failure = Failure::usage("standard input is empty: there is no service key in it");
        return Err(failure
            .with_hint("name the file with its JSON: clms auth login FILE")
            .into());
    }
    let key = ServiceKey::from_json(&text).map_err(StoreError::from)?;
    Ok((key, text))
}

/// Signs in with a key that is not in its place yet.
async fn checked(context: &Context, key: ServiceKey) -> Result<SignedIn, Stop> {
    let store = ClmsStore::builder()
        .api_url(&context.api_url)
        .service_key(key)
        // Nothing is cached for signing in.
        .cache("memory://")
        .build()?;
    store.sign_in().await.map_err(|why| {
        let is_down = why.is_retryable();
        let mut failure = Failure::from(why);
        failure.message.push_str("; the key was not kept");
        if is_down {
            failure.hint = Some(
                "try again later, or keep it without checking it: clms auth login --offline FILE"
                    .to_owned(),
            );
        }
        failure.into()
    })
}

fn keep(to: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let text = text.trim_start_matches('\u{feff}').trim();
    whole_file::write_secret(to, format!("{text}\n").as_bytes())
}
