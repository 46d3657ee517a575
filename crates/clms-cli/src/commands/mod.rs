//! The commands, one module each.

mod again;
mod auth;
mod cache;
mod cached_first;
pub(crate) mod config;
mod describe;
mod documents;
mod export;
mod jobs;
mod list;
mod open;
mod preload;
mod preview;
mod report;
mod schema;
mod search;
pub(crate) mod shell;
mod shown;

use std::path::PathBuf;

use clms_store::{ClmsStore, ClmsStoreBuilder, DataId, Listing, StorageOptions, StoreError};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::{
    args::{Auth, Jobs, StoreCommand},
    failure::Failure,
    printer::{Closed, Printer},
    progress::Screen,
    settings::{self, Settings},
};

/// What every command works with.
pub(crate) struct Context {
    pub(crate) store: ClmsStore,
    pub(crate) printer: Printer,
    pub(crate) api_url: String,
    /// Where the service key is, or is to be.
    pub(crate) credentials: Option<PathBuf>,
    /// What decided where the service key is.
    pub(crate) credentials_from: settings::From,
    pub(crate) is_offline: bool,
    pub(crate) screen: Screen,
    pub(crate) progress: crate::args::Progress,
    /// Cancelled by the first Ctrl-C or SIGTERM.
    pub(crate) stop: CancellationToken,
}

/// Why a command did not end well.
pub(crate) enum Stop {
    /// It failed, and that is still to be said.
    Failure(Failure),
    /// All is said; only the exit code is missing.
    Code(u8),
    /// Its result could not be printed.
    Closed(Closed),
}

pub(crate) type Done = Result<(), Stop>;

impl Context {
    pub(crate) fn new(
        settings: &Settings,
        printer: Printer,
        screen: Screen,
        stop: CancellationToken,
    ) -> Result<Self, StoreError> {
        let parameters = &settings.parameters;
        let cdse = parameters.cdse.clone().unwrap_or_default();
        let mut builder = ClmsStoreBuilder::try_from(parameters.clone())?
            .api_url(&settings.api_url.value)
            .cache(&settings.cache.value)
            .storage_options(StorageOptions::parse(&settings.store_option.value)?)
            .poll_interval(settings.poll_interval.value)
            .offline(settings.offline.value)
            .cdse_servers(
                cdse.catalogue
                    .or(settings.cdse_catalogue.clone())
                    .as_deref(),
                cdse.endpoint.or(settings.cdse_endpoint.clone()).as_deref(),
            );
        let has_key = parameters.credentials.is_some();
        let is_option = settings.credentials.from == settings::From::Option;
        if let Some(file) = &settings.credentials.value
            && (is_option || !has_key)
        {
            builder = builder.credentials_file(file);
        }
        if let Some(scratch) = &settings.scratch.value {
            builder = builder.scratch(scratch);
        }
        Ok(Self {
            store: builder.build()?,
            printer,
            screen,
            api_url: settings.api_url.value.clone(),
            credentials: settings.credentials.value.clone(),
            credentials_from: settings.credentials.from,
            is_offline: settings.offline.value,
            progress: match settings.quiet.value {
                true => crate::args::Progress::None,
                false => settings.progress.value,
            },
            stop,
        })
    }

    /// Prints a command's result.
    pub(crate) fn result<T: Serialize>(&self, value: &T, text: impl FnOnce() -> String) -> Done {
        self.printer.result(value, text).map_err(Stop::Closed)
    }
}

impl Context {
    /// What the portal offers, with a word on what of it can't be read.
    async fn listing(&self, refresh: bool) -> Result<Listing, StoreError> {
        let listing = match refresh {
            true => self.store.refresh_listing().await?,
            false => self.store.listing().await?,
        };
        match listing.unreadable().len() {
            0 => {}
            1 => self.printer.note(
                "note: one dataset of the portal can't be read and is missing here (-v shows why)",
            ),
            count => self.printer.note(&format!(
                "note: {count} datasets of the portal can't be read and are missing here (-v shows why)"
            )),
        }
        Ok(listing)
    }
}

/// The ids as typed, each once.
fn data_ids(typed: &[String]) -> Result<Vec<DataId>, StoreError> {
    let mut data_ids: Vec<DataId> = Vec::new();
    for text in typed {
        let data_id = text.parse()?;
        if !data_ids.contains(&data_id) {
            data_ids.push(data_id);
        }
    }
    Ok(data_ids)
}

/// Runs a command to its end.
pub(crate) async fn run(context: &Context, command: StoreCommand) -> Done {
    let again = again::with_another_id(&command);
    let opens = matches!(
        command,
        StoreCommand::Open(_)
            | StoreCommand::Export(_)
            | StoreCommand::Preview(_)
            | StoreCommand::Report(_)
    );
    match one(context, command).await {
        Err(Stop::Failure(mut failure)) => {
            if opens && !failure.nearest.is_empty() {
                failure = cached_first::sorted(context, failure).await;
            }
            Err(Stop::Failure(failure.with_commands(again)))
        }
        done => done,
    }
}

async fn one(context: &Context, command: StoreCommand) -> Done {
    match command {
        StoreCommand::Auth(Auth::Check) => auth::check(context).await,
        StoreCommand::Auth(Auth::Login { file }) => auth::login(context, file.as_deref()).await,
        StoreCommand::List(list) => list::run(context, list).await,
        StoreCommand::Search(search) => search::run(context, search).await,
        StoreCommand::Describe(describe) => describe::run(context, describe).await,
        StoreCommand::Preload(preload) => preload::run(context, preload).await,
        StoreCommand::Jobs { jobs } => jobs::run(context, jobs.unwrap_or(Jobs::List)).await,
        StoreCommand::Open(open) => open::run(context, open).await,
        StoreCommand::Export(export) => export::run(context, export).await,
        StoreCommand::Preview(preview) => preview::run(context, preview).await,
        StoreCommand::Report(report) => report::run(context, report).await,
        StoreCommand::Cache(command) => cache::run(context, command).await,
        StoreCommand::Schema(of) => schema::run(context, of).await,
    }
}

impl From<StoreError> for Stop {
    fn from(why: StoreError) -> Self {
        Self::Failure(why.into())
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}
