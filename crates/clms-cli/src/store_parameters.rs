//! The settings of the store as other software hands them over: one JSON document, in a file or on standard input, so that secrets stand
//! on no command line.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
};

use clms_store::StoreParameters;

use crate::failure::Failure;

/// More than any settings can have.
const LONGEST: u64 = 1 << 20;

/// Reads the document; `-` is standard input.
pub(crate) fn read(path: &Path) -> Result<StoreParameters, Failure> {
    let name = path.display();
    let mut text = String::new();
    let done = if path == Path::new("-") {
        io::stdin().lock().take(LONGEST).read_to_string(&mut text)
    } else {
        fs::File::open(path).and_then(|file| file.take(LONGEST).read_to_string(&mut text))
    };
    done.map_err(|why| Failure::io(&format!("read the store's parameters {name}"), &why))?;
    serde_json::from_str(&text).map_err(|why| {
        Failure::usage(format!(
            "the store's parameters {name} can't be used: {}",
            told(&why)
        ))
        .with_hint("`clms schema store` prints the JSON Schema of them")
    })
}

/// Where and what, but for the values, which may be secrets.
fn told(why: &serde_json::Error) -> String {
    let (message, line, column) = (why.to_string(), why.line(), why.column());
    match message.starts_with("unknown field") || message.starts_with("missing field") {
        true => message,
        false if why.is_data() => {
            format!("a value of another type than wanted at line {line} column {column}")
        }
        false => format!("no JSON at line {line} column {column}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_without_secrets() {
        for (text, said) in [
            (r#"{"cahce": "x"}"#, "unknown field `cahce`"),
            (
                r#"{"credentials": {"a": "hunter2"}, "offline": "hunter2"}"#,
                "another type",
            ),
            (
                r#"{"wekeo": {"username": "me"}}"#,
                "missing field `password`",
            ),
            (
                r#"{"cdse": {"secret_access_key": hunter2}}"#,
                "no JSON at line 1 column 32",
            ),
            ("", "no JSON"),
        ] {
            let why = serde_json::from_str::<StoreParameters>(text).map_err(|why| told(&why));
            let told = why.err().unwrap_or_default();
            assert!(told.contains(said) && !told.contains("hunter2"), "{told}");
        }
    }
}
