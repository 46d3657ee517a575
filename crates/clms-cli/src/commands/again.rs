//! The command that was typed, with another data id.

use std::env;

use crate::args::{Cache, StoreCommand};

/// Writes the command for a data id. Of the options only those that it can't be without are repeated: others may hold secrets.
pub(super) fn with_another_id(command: &StoreCommand) -> impl Fn(&str) -> String + use<> {
    let (words, out) = match command {
        StoreCommand::Preload(_) => ("preload", None),
        StoreCommand::Open(_) => ("open", None),
        StoreCommand::Export(export) => ("export", export.out.as_ref()),
        StoreCommand::Preview(preview) => ("preview", preview.out.as_ref()),
        StoreCommand::Report(report) => ("report", Some(&report.out)),
        StoreCommand::Cache(Cache::Info(_)) => ("cache info", None),
        StoreCommand::Cache(Cache::Remove(_)) => ("cache remove", None),
        StoreCommand::Cache(Cache::Verify(_)) => ("cache verify", None),
        _ => ("describe", None),
    };
    let out = out.map(|out| format!(" --out {}", quoted(&out.display().to_string())));
    let out = out.unwrap_or_default();
    move |data_id| format!("clms {words} '{data_id}'{out}")
}

/// The command as it was typed; nothing where an option may hold a secret, or where software has typed it.
pub(super) fn as_typed() -> Option<String> {
    let words: Vec<String> = env::args_os()
        .skip(1)
        .map(|word| word.into_string().ok())
        .collect::<Option<_>>()?;
    let may_be_secret = |word: &String| {
        word.starts_with("--store-") || (word.contains("://") && word.contains('@'))
    };
    if words.iter().any(may_be_secret) {
        return None;
    }
    let quoted: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    Some(format!("clms {}", quoted.join(" ")))
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/+:,=@".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_word_stays_one_word() {
        assert_eq!(quoted("maps/a.png"), "maps/a.png");
        assert_eq!(quoted("my map.png"), "'my map.png'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
