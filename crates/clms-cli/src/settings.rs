//! The settings of a run: an option wins over a variable, that over the configuration file, and that over the default.

use std::{
    collections::BTreeMap,
    env, fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{ArgMatches, parser::ValueSource};
use serde::{Deserialize, Serialize};

use crate::{
    args::{Colour, Global, Output, Progress, duration},
    failure::Failure,
};

/// What the options and the rest came to.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The configuration file, whether it is there or not; `None` if nobody knows where it would be.
    pub(crate) config_file: Option<PathBuf>,
    pub(crate) config_file_is_there: bool,
    pub(crate) credentials: Setting<Option<PathBuf>>,
    pub(crate) api_url: Setting<String>,
    pub(crate) cache: Setting<String>,
    pub(crate) store_option: Setting<Vec<String>>,
    pub(crate) scratch: Setting<Option<PathBuf>>,
    pub(crate) poll_interval: Setting<Duration>,
    pub(crate) output: Setting<Output>,
    pub(crate) progress: Setting<Progress>,
    pub(crate) offline: Setting<bool>,
    pub(crate) color: Setting<Colour>,
    pub(crate) verbose: Setting<u8>,
    pub(crate) quiet: Setting<bool>,
    pub(crate) cdse_catalogue: Option<String>,
    pub(crate) cdse_endpoint: Option<String>,
}

/// A setting, and what decided it.
#[derive(Debug, Clone)]
pub(crate) struct Setting<T> {
    pub(crate) value: T,
    pub(crate) from: From,
}

/// What decided a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum From {
    Option,
    Variable,
    File,
    Default,
}

/// The configuration file: the global options by their names.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct ConfigFile {
    credentials: Option<PathBuf>,
    api_url: Option<String>,
    cache: Option<String>,
    store_option: Option<BTreeMap<String, OptionValue>>,
    scratch: Option<PathBuf>,
    poll_interval: Option<String>,
    output: Option<Output>,
    progress: Option<Progress>,
    offline: Option<bool>,
    color: Option<Colour>,
    verbose: Option<u8>,
    quiet: Option<bool>,
}

/// `anonymous = true` is as good as `anonymous = "true"`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OptionValue {
    Text(String),
    Flag(bool),
    Number(i64),
}

impl OptionValue {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Flag(flag) => flag.to_string(),
            Self::Number(number) => number.to_string(),
        }
    }
}

impl Settings {
    /// Reads the configuration file, if there is one.
    pub(crate) fn resolve(global: Global, matches: &ArgMatches) -> Result<Self, Failure> {
        let config_file = user_config().map(|folder| folder.join("clms").join("config.toml"));
        let found = match &config_file {
            Some(path) => read(path)?,
            None => None,
        };
        let config_file_is_there = found.is_some();
        let file = found.unwrap_or_default();
        let poll_interval =
            match &file.poll_interval {
                Some(text) => Some(duration(text).map_err(|why| {
                    wrong(config_file.as_deref(), &format!("poll-interval: {why}"))
                })?),
                None => None,
            };
        let store_option = file.store_option.map(|options| {
            let pair = |(key, value): (&String, &OptionValue)| format!("{key}={}", value.text());
            options.iter().map(pair).collect()
        });
        let given = |name: &str| match matches.value_source(name) {
            Some(ValueSource::CommandLine) => Some(From::Option),
            Some(ValueSource::EnvVariable) => Some(From::Variable),
            _ => None,
        };
        // A variable that is empty is not set.
        let path = |value: Option<std::ffi::OsString>| {
            value.filter(|value| !value.is_empty()).map(PathBuf::from)
        };
        let text = |value: Option<String>| value.filter(|value| !value.is_empty());
        Ok(Self {
            credentials: choose(
                given("credentials").zip(path(global.credentials).map(Some)),
                file.credentials.map(|path| Some(at_home(path))),
                || user_config().map(|folder| folder.join("clms").join("credentials.json")),
            ),
            api_url: choose(
                given("api_url").zip(text(global.api_url)),
                file.api_url,
                || clms_store::DEFAULT_API_URL.to_owned(),
            ),
            cache: choose(
                given("cache").zip(text(global.cache)),
                file.cache.map(url_at_home),
                || "./clms_cache".to_owned(),
            ),
            store_option: choose(
                given("store_option").map(|from| (from, global.store_option)),
                store_option,
                Vec::new,
            ),
            scratch: choose(
                given("scratch").zip(path(global.scratch).map(Some)),
                file.scratch.map(|path| Some(at_home(path))),
                || None,
            ),
            poll_interval: choose(
                given("poll_interval").zip(global.poll_interval),
                poll_interval,
                || clms_store::DEFAULT_POLL_INTERVAL,
            ),
            output: choose(
                given("output").zip(global.output),
                file.output,
                Output::default,
            ),
            progress: choose(
                given("progress").zip(global.progress),
                file.progress,
                Progress::default,
            ),
            offline: choose(
                given("offline").map(|from| (from, global.offline)),
                file.offline,
                bool::default,
            ),
            color: colour(given("color").zip(global.color), file.color),
            verbose: choose(
                given("verbose").map(|from| (from, global.verbose)),
                // What is asked for now must not be refused for what was asked for once.
                file.verbose.filter(|_| !global.quiet),
                u8::default,
            ),
            quiet: choose(
                given("quiet").map(|from| (from, global.quiet)),
                file.quiet.filter(|_| global.verbose == 0),
                bool::default,
            ),
            cdse_catalogue: global.cdse_catalogue,
            cdse_endpoint: global.cdse_endpoint,
            config_file,
            config_file_is_there,
        })
    }
}

fn choose<T>(given: Option<(From, T)>, file: Option<T>, default: impl FnOnce() -> T) -> Setting<T> {
    match (given, file) {
        (Some((from, value)), _) => Setting { value, from },
        (None, Some(value)) => Setting {
            value,
            from: From::File,
        },
        (None, None) => Setting {
            value: default(),
            from: From::Default,
        },
    }
}

/// `NO_COLOR` is the variable of this option, and of many programs.
fn colour(given: Option<(From, Colour)>, file: Option<Colour>) -> Setting<Colour> {
    let no_colour = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let variable = no_colour.then_some((From::Variable, Colour::Never));
    choose(given.or(variable), file, Colour::default)
}

fn read(path: &Path) -> Result<Option<ConfigFile>, Failure> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(why)
            if matches!(
                why.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(why) => {
            let failure = Failure::io(
                &format!("read the configuration file {}", path.display()),
                &why,
            );
            return Err(failure.with_hint("check the owner and the permissions of the file"));
        }
    };
    toml::from_str(&text).map(Some).map_err(|why| {
        // The line itself is not shown: it may hold a secret.
        let line = why
            .span()
            .map(|span| 1 + text[..span.start].matches('\n').count());
        let line = line.map_or_else(String::new, |line| format!("line {line}: "));
        wrong(Some(path), &format!("{line}{}", why.message()))
    })
}

fn wrong(path: Option<&Path>, why: &str) -> Failure {
    let path = path.unwrap_or(Path::new("config.toml")).display();
    Failure::usage(format!("the configuration file {path} can't be used: {why}")).with_hint(
        "its keys are the names of the global options in `clms --help`, such as cache = \"/data/clms\"",
    )
}

/// `$XDG_CONFIG_HOME`, or `~/.config`.
fn user_config() -> Option<PathBuf> {
    match env::var_os("XDG_CONFIG_HOME").filter(|value| !value.is_empty()) {
        Some(config) => Some(config.into()),
        None => Some(home()?.join(".config")),
    }
}

fn home() -> Option<PathBuf> {
    env::var_os("HOME")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// On a command line the shell puts the home folder in place of `~`; in a file nobody does.
fn at_home(path: PathBuf) -> PathBuf {
    match (path.strip_prefix("~"), home()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path,
    }
}

fn url_at_home(url: String) -> String {
    if url == "~" || url.starts_with("~/") {
        at_home(PathBuf::from(&url))
            .to_str()
            .map_or(url, str::to_owned)
    } else {
        url
    }
}
