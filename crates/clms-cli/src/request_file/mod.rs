//! Requests in files: what `--request-file` reads and `--save-request` writes, as JSON or TOML.

mod export;
mod preload;
mod values;

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

pub(crate) use self::{export::ExportRequest, preload::PreloadRequest, values::Numbers};
use crate::{args::RequestFiles, failure::Failure};

/// More than any request can have.
const LONGEST: u64 = 1 << 20;

/// What is asked for: what the file says, where `given` on the command line says nothing. Of `rivals`, which are different words for one
/// thing, those of the file don't count once one is given. It is saved if that is wanted.
fn complete<T: Serialize + DeserializeOwned>(
    given: T,
    rivals: &[&str],
    files: &RequestFiles,
) -> Result<T, Failure> {
    let request = match &files.request_file {
        None => given,
        Some(path) => {
            let name = path.display().to_string();
            let mut whole = read(path)?;
            let given = as_map(&given, &name)?;
            if given.keys().any(|key| rivals.contains(&key.as_str())) {
                whole.retain(|key, _| !rivals.contains(&key.as_str()));
            }
            whole.extend(given);
            serde_json::from_value(Value::Object(whole))
                .map_err(|why| wrong(&name, &why.to_string()))?
        }
    };
    if let Some(path) = &files.save_request {
        Failure::unless_folder_of(path)?;
        save(&request, path)?;
    }
    Ok(request)
}

fn as_map<T: Serialize>(request: &T, name: &str) -> Result<Map<String, Value>, Failure> {
    match serde_json::to_value(request) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Ok(Map::new()),
        Err(why) => Err(wrong(name, &why.to_string())),
    }
}

fn read(path: &Path) -> Result<Map<String, Value>, Failure> {
    let name = path.display().to_string();
    let mut text = String::new();
    let done = if path == Path::new("-") {
        io::stdin().lock().take(LONGEST).read_to_string(&mut text)
    } else {
        fs::File::open(path).and_then(|file| file.take(LONGEST).read_to_string(&mut text))
    };
    done.map_err(|why| {
        let failure = Failure::io(&format!("read the request file {name}"), &why);
        failure.with_hint("--save-request FILE writes one that can be changed")
    })?;
    let is_json = match Format::of(path) {
        Some(format) => format == Format::Json,
        None => text.trim_start().starts_with('{'),
    };
    let read: Result<Map<String, Value>, String> = if is_json {
        serde_json::from_str(&text).map_err(|why| why.to_string())
    } else {
        toml::from_str(&text).map_err(|why| {
            let line = why
                .span()
                .map_or(1, |span| 1 + text[..span.start].matches('\n').count());
            format!("line {line}: {}", why.message())
        })
    };
    read.map_err(|why| wrong(&name, &why))
}

fn save<T: Serialize>(request: &T, path: &Path) -> Result<(), Failure> {
    let name = path.display().to_string();
    let text = match Format::of(path) {
        Some(Format::Json) => serde_json::to_string_pretty(request).map_err(|why| why.to_string()),
        Some(Format::Toml) => toml::to_string_pretty(request).map_err(|why| why.to_string()),
        None => {
            let failure = Failure::usage(format!("--save-request {name} says no format"));
            return Err(failure.with_hint("give the file a name that ends in .json or .toml"));
        }
    };
    let mut text = text.map_err(|why| wrong(&name, &why))?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    crate::whole_file::write(path, text.as_bytes())
        .map_err(|why| Failure::io(&format!("write the request to {name}"), &why))
}

fn wrong(name: &str, why: &str) -> Failure {
    Failure::usage(format!("the request file {name} can't be used: {why}"))
        .with_hint("--save-request FILE writes one that can be changed")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Toml,
}

impl Format {
    fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "json" => Some(Self::Json),
            "toml" => Some(Self::Toml),
            _ => None,
        }
    }
}
