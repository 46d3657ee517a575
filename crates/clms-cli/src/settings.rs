//! The settings of a run: an option wins over what other software hands over, that over a variable, that over the configuration file, and
//! that over the default.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::ValueEnum as _;
use clms_store::StoreParameters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    args::{Colour, Global, Output, Progress, duration},
    failure::Failure,
    store_parameters,
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
    /// Other servers than CDSE's; variables only, for nobody but tests and mirrors needs them.
    pub(crate) cdse_catalogue: Option<String>,
    pub(crate) cdse_endpoint: Option<String>,
    /// What `--store-parameters` holds; of what has an option of its own, the value is above.
    pub(crate) parameters: StoreParameters,
}

/// A setting, and what decided it.
#[derive(Debug, Clone)]
pub(crate) struct Setting<T> {
    pub(crate) value: T,
    pub(crate) from: From,
}

/// What decided a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum From {
    /// An option on the command line.
    Option,
    /// The document that `--store-parameters` names.
    Parameters,
    /// An environment variable.
    Variable,
    /// The configuration file.
    File,
    /// Nothing: it is the default.
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
    pub(crate) fn resolve(global: Global) -> Result<Self, Failure> {
        let parameters = match &global.store_parameters {
            Some(path) => store_parameters::read(path)?,
            None => StoreParameters::default(),
        };
        let given = parameters.clone();
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
        Ok(Self {
            credentials: choose(
                global.credentials.map(Some),
                given.credentials_file.map(Some),
                path_in("CLMS_CREDENTIALS").map(Some),
                file.credentials.map(|path| Some(at_home(path))),
                || user_config().map(|folder| folder.join("clms").join("credentials.json")),
            ),
            api_url: choose(
                global.api_url,
                given.api_url,
                text_in("CLMS_API_URL")?,
                file.api_url,
                || clms_store::DEFAULT_API_URL.to_owned(),
            ),
            cache: choose(
                global.cache,
                given.cache,
                text_in("CLMS_CACHE")?,
                file.cache.map(url_at_home),
                || "./clms_cache".to_owned(),
            ),
            store_option: choose(
                Some(global.store_option).filter(|options| !options.is_empty()),
                Some(pairs(given.storage_options)).filter(|options| !options.is_empty()),
                None,
                store_option,
                Vec::new,
            ),
            scratch: choose(
                global.scratch.map(Some),
                given.scratch.map(Some),
                path_in("CLMS_SCRATCH").map(Some),
                file.scratch.map(|path| Some(at_home(path))),
                || None,
            ),
            poll_interval: choose(
                global.poll_interval,
                given.poll_interval,
                parsed_in("CLMS_POLL_INTERVAL", duration)?,
                poll_interval,
                || clms_store::DEFAULT_POLL_INTERVAL,
            ),
            output: choose(global.output, None, None, file.output, Output::default),
            progress: choose(
                global.progress,
                None,
                parsed_in("CLMS_PROGRESS", |text| Progress::from_str(text, true))?,
                file.progress,
                Progress::default,
            ),
            offline: choose(
                global.offline.then_some(true),
                given.offline,
                text_in("CLMS_OFFLINE")?.map(|text| is_yes(&text)),
                file.offline,
                bool::default,
            ),
            color: choose(
                global.color,
                None,
                // It is the variable of many programs.
                set("NO_COLOR").map(|_| Colour::Never),
                file.color,
                Colour::default,
            ),
            verbose: choose(
                Some(global.verbose).filter(|verbose| *verbose > 0),
                None,
                None,
                // What is asked for now must not be refused for what was asked for once.
                file.verbose.filter(|_| !global.quiet),
                u8::default,
            ),
            quiet: choose(
                global.quiet.then_some(true),
                None,
                None,
                file.quiet.filter(|_| global.verbose == 0),
                bool::default,
            ),
            cdse_catalogue: text_in("CLMS_CDSE_CATALOGUE")?,
            cdse_endpoint: text_in("CLMS_CDSE_ENDPOINT")?,
            config_file,
            config_file_is_there,
            parameters,
        })
    }
}

fn pairs(options: BTreeMap<String, String>) -> Vec<String> {
    let pair = |(key, value): (String, String)| format!("{key}={value}");
    options.into_iter().map(pair).collect()
}

fn choose<T>(
    option: Option<T>,
    parameter: Option<T>,
    variable: Option<T>,
    file: Option<T>,
    default: impl FnOnce() -> T,
) -> Setting<T> {
    let given = [
        (option, From::Option),
        (parameter, From::Parameters),
        (variable, From::Variable),
        (file, From::File),
    ];
    let first = given.into_iter().find_map(|(value, from)| {
        Some(Setting {
            value: value?,
            from,
        })
    });
    first.unwrap_or_else(|| Setting {
        value: default(),
        from: From::Default,
    })
}

/// A variable that is empty is not set.
fn set(variable: &str) -> Option<OsString> {
    env::var_os(variable).filter(|value| !value.is_empty())
}

fn path_in(variable: &str) -> Option<PathBuf> {
    set(variable).map(PathBuf::from)
}

fn text_in(variable: &str) -> Result<Option<String>, Failure> {
    parsed_in(variable, |text| Ok::<_, String>(text.to_owned()))
}

fn parsed_in<T>(
    variable: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, Failure> {
    let Some(value) = set(variable) else {
        return Ok(None);
    };
    let text = value
        .to_str()
        .ok_or_else(|| "its value is no text".to_owned());
    let parsed = text.and_then(parse);
    parsed.map(Some).map_err(|why| {
        Failure::usage(format!("the variable {variable} can't be used: {why}"))
            .with_hint("set it to something else, or unset it")
    })
}

fn is_yes(text: &str) -> bool {
    let no = ["0", "n", "no", "f", "false", "off"];
    !no.contains(&text.trim().to_lowercase().as_str())
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
    match path_in("XDG_CONFIG_HOME") {
        Some(config) => Some(config),
        None => Some(home()?.join(".config")),
    }
}

fn home() -> Option<PathBuf> {
    path_in("HOME")
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
