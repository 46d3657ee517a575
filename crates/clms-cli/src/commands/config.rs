//! `clms config`.

use clms_store::StorageOptions;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::Stop;
use crate::{
    printer::Printer,
    settings::{From, Setting, Settings},
    text,
};

/// All settings.
#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    /// Where the configuration file is or would be.
    config_file: Option<String>,
    /// Whether it is there.
    config_file_exists: bool,
    /// Each setting.
    settings: Vec<Row>,
}

/// A setting that is in force.
#[derive(Serialize, JsonSchema)]
struct Row {
    /// The option's name, and the key in the configuration file.
    name: &'static str,
    /// A text, a truth value or a list of texts, in which `***` stands for what is secret; null if nothing is set.
    value: Value,
    /// What decided it.
    from: From,
    /// The variable that can decide it.
    variable: Option<&'static str>,
}

/// `clms config show`.
pub(crate) fn show(settings: &Settings, printer: &Printer) -> Result<(), Stop> {
    let shown = Shown::of(settings);
    let page = || page(&shown);
    printer.result(&shown, page).map_err(Stop::Closed)
}

impl Shown {
    fn of(it: &Settings) -> Self {
        let path = |path: &Option<std::path::PathBuf>| {
            json!(path.as_ref().map(|path| path.display().to_string()))
        };
        let settings = vec![
            row(
                "credentials",
                Some("CLMS_CREDENTIALS"),
                &it.credentials,
                path,
            ),
            row("api-url", Some("CLMS_API_URL"), &it.api_url, |url| {
                json!(without_password(url))
            }),
            row("cache", Some("CLMS_CACHE"), &it.cache, |url| {
                json!(without_password(url))
            }),
            row("store-option", None, &it.store_option, |options| {
                json!(
                    options
                        .iter()
                        .map(|option| without_secret(option))
                        .collect::<Vec<_>>()
                )
            }),
            row("scratch", Some("CLMS_SCRATCH"), &it.scratch, path),
            row(
                "poll-interval",
                Some("CLMS_POLL_INTERVAL"),
                &it.poll_interval,
                |interval| json!(humantime::format_duration(*interval).to_string()),
            ),
            row("offline", Some("CLMS_OFFLINE"), &it.offline, |offline| {
                json!(offline)
            }),
            row("output", None, &it.output, |output| json!(output)),
            row(
                "progress",
                Some("CLMS_PROGRESS"),
                &it.progress,
                |progress| json!(progress),
            ),
            row("color", Some("NO_COLOR"), &it.color, |colour| json!(colour)),
            row("verbose", None, &it.verbose, |verbose| json!(verbose)),
            row("quiet", None, &it.quiet, |quiet| json!(quiet)),
        ];
        Self {
            config_file: it
                .config_file
                .as_ref()
                .map(|path| path.display().to_string()),
            config_file_exists: it.config_file_is_there,
            settings,
        }
    }
}

fn row<T>(
    name: &'static str,
    variable: Option<&'static str>,
    setting: &Setting<T>,
    value: impl FnOnce(&T) -> Value,
) -> Row {
    Row {
        name,
        value: value(&setting.value),
        from: setting.from,
        variable,
    }
}

fn page(shown: &Shown) -> String {
    let rows = shown.settings.iter().map(|row| {
        let value = match &row.value {
            Value::String(text) => text.clone(),
            Value::Null => "-".to_owned(),
            Value::Array(all) if all.is_empty() => "-".to_owned(),
            Value::Array(all) => all
                .iter()
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(" "),
            other => other.to_string(),
        };
        let from = match (row.from, row.variable) {
            (From::Option, _) => format!("option --{}", row.name),
            (From::Parameters, _) => "--store-parameters".to_owned(),
            (From::Variable, Some(variable)) => format!("variable {variable}"),
            (From::Variable, None) => "variable".to_owned(),
            (From::File, _) => "configuration file".to_owned(),
            (From::Default, _) => "default".to_owned(),
        };
        vec![row.name.to_owned(), value, from]
    });
    let table = text::table(&["setting", "value", "from"], rows, &[]);
    let file = match (&shown.config_file, shown.config_file_exists) {
        (Some(file), true) => format!("configuration file: {file}"),
        (Some(file), false) => format!("configuration file: {file} (not there)"),
        (None, _) => {
            "configuration file: none, for neither XDG_CONFIG_HOME nor HOME is set".to_owned()
        }
    };
    format!("{table}\n{file}\n")
}

/// Of a storage option only what is known to be no secret.
fn without_secret(option: &str) -> String {
    match StorageOptions::parse([option]) {
        Err(_) => "=***".to_owned(),
        Ok(options) => options
            .shown()
            .map(|(key, value)| match value {
                Some(value) => format!("{key}={}", without_password(value)),
                None => format!("{key}=***"),
            })
            .collect(),
    }
}

/// A URL without what stands for a password, and its questions, which may be signatures.
fn without_password(text: &str) -> String {
    let Ok(mut url) = url::Url::parse(text) else {
        return text.to_owned();
    };
    if url.password().is_none() && url.query().is_none() {
        return text.to_owned();
    }
    if url.password().is_some() {
        // It can only be refused by URLs that have no host, and these have no password.
        let _ = url.set_password(Some("***"));
    }
    if url.query().is_some() {
        url.set_query(Some("***"));
    }
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(without_secret("region=eu"), "region=eu");
        assert_eq!(
            without_secret("Secret-Access-Key=hush"),
            "secret_access_key=***"
        );
        assert_eq!(without_secret("hush"), "=***");
        assert_eq!(
            without_secret("endpoint=http://me:hush@here:9/x"),
            "endpoint=http://me:***@here:9/x"
        );
        assert_eq!(without_password("./clms_cache"), "./clms_cache");
        assert_eq!(without_password("az://a/b?sig=hush"), "az://a/b?***");
    }
}
