//! Records the cassettes of `tests/cassettes/sessions`; run by `cargo xtask record`.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

#[path = "../tests/sessions/mod.rs"]
mod sessions;

use std::error::Error;
use std::path::{Path, PathBuf};

use clms_api::{Client, DEFAULT_BASE_URL, ServiceKey, Url};
use clms_sim::cassette::{CassetteServer, Mode, Secrets};
use sessions::{SESSIONS, Session};

type Failure = Box<dyn Error + Send + Sync>;

/// What was asked for.
struct Settings {
    mode: Mode,
    api: Url,
    folder: PathBuf,
    names: Vec<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let settings = settings(std::env::args().skip(1))?;
    let path = std::env::var("CLMS_CREDENTIALS")
        .map_err(|_| "CLMS_CREDENTIALS must name the file of a service key for that portal")?;
    let json = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let key = ServiceKey::from_json(&json)?;
    let secrets = Secrets::new().service_key(&json).word(key.user_id());
    let wanted = |session: &&Session| {
        settings.names.is_empty() || settings.names.iter().any(|name| name == session.name)
    };
    for session in SESSIONS.iter().filter(wanted) {
        record(session, &settings, &key, secrets.clone())
            .await
            .map_err(|error| format!("{}: {error}", session.name))?;
    }
    Ok(())
}

async fn record(
    session: &Session,
    settings: &Settings,
    key: &ServiceKey,
    secrets: Secrets,
) -> Result<(), Failure> {
    let path = settings.folder.join(format!("{}.json", session.name));
    let server = CassetteServer::open(&path, settings.mode)?
        .upstream(settings.api.clone())
        .secrets(secrets)
        .start()?;
    let here = |path: &str| format!("{}{path}", server.url());
    let client = Client::builder()
        .base_url(here(settings.api.path()))
        .token_endpoint(here(key.token_uri().path()).parse()?)
        .service_key(key.clone())
        .build()?;
    let told = (session.run)(client).await?;
    let recorded = server.recorded();
    // Here secrets are sought, and nothing is written if one is left.
    server.finish()?;
    println!(
        "{}: {told}; {recorded} exchanges recorded in {}",
        session.name,
        path.display()
    );
    Ok(())
}

fn settings(mut args: impl Iterator<Item = String>) -> Result<Settings, Failure> {
    let cassettes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cassettes/sessions");
    let mut settings = Settings {
        mode: Mode::All,
        api: DEFAULT_BASE_URL.parse()?,
        folder: cassettes,
        names: Vec::new(),
    };
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--mode" => settings.mode = value()?.parse()?,
            "--against" => match value()?.as_str() {
                "live" => settings.api = DEFAULT_BASE_URL.parse()?,
                url => settings.api = url.parse().map_err(|error| format!("{url}: {error}"))?,
            },
            "--folder" => settings.folder = value()?.into(),
            name if SESSIONS.iter().any(|session| session.name == name) => settings.names.push(arg),
            other => {
                let names: Vec<_> = SESSIONS.iter().map(|session| session.name).collect();
                return Err(format!(
                    "`{other}` is neither --mode none|once|new-episodes|all, --against live|URL, --folder DIR \
                     nor a session: {}",
                    names.join(", ")
                )
                .into());
            }
        }
    }
    Ok(settings)
}
