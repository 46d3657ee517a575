//! What is no command or option, but typed by many: tips that lead on, in place of guesses.

use std::{ffi::OsString, io::IsTerminal as _};

use clap::{
    ArgMatches, Command, Error,
    builder::StyledStr,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::{
    args::{self, Colour, Output},
    exit,
    failure::Failure,
    printer::{self, Printer},
};

/// Commands of other programs, below which command they are looked for (none: at the top), and what is meant.
const COMMANDS: [(&str, &[&str], &str); 5] = [
    ("", &["download", "get", "fetch", "request"], "clms preload"),
    ("", &["info", "show"], "clms describe"),
    ("", &["version"], "clms --version"),
    ("", &["login"], "clms auth login"),
    ("auth", &["status", "info", "whoami"], "clms auth check"),
];

/// Options of other programs.
const OPTIONS: [(&[&str], &str); 4] = [
    (
        &[
            "--place",
            "--country",
            "--region",
            "--city",
            "--area",
            "--location",
        ],
        "places are given as --bbox W,S,E,N",
    ),
    (
        &["--nuts"],
        "only `clms preload` takes codes of regions; elsewhere places are given as --bbox W,S,E,N",
    ),
    (
        &["--year", "--date"],
        "times are given as --time, such as --time 2018",
    ),
    (&["--json"], "for JSON: -o json"),
];

/// Letters that a slip of the pen puts, takes, changes or swaps at most.
const SLIPS: usize = 2;

/// What is typed, as clap reads it; the exit code where that is too little. Where it is nothing that clap knows, the program ends here.
pub(crate) fn matches() -> Result<ArgMatches, u8> {
    let typed: Vec<OsString> = std::env::args_os().collect();
    let words: Vec<String> = typed
        .iter()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    if let Some(sides) = box_in_words(&words) {
        let message = format!(
            "a box is one word: join its sides with commas: --bbox {}",
            sides.join(",")
        );
        let why = command_of(args::command(), &words).error(ErrorKind::ValueValidation, message);
        return Err(refused(&why, &words));
    }
    match args::command().try_get_matches_from(typed) {
        Ok(matches) => Ok(matches),
        Err(why) if why.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            printer::to_stderr(&short_help(&words));
            as_document("words are missing", None, &words);
            Err(exit::USAGE)
        }
        Err(why) if why.use_stderr() => Err(refused(&advised(why, &words), &words)),
        // Help and version are results.
        Err(why) => why.exit(),
    }
}

/// Says why what was typed can't be done; the exit code.
fn refused(why: &Error, words: &[String]) -> u8 {
    // Whoever closed standard error doesn't want to know.
    let _ = why.print();
    let text = why.render().to_string();
    let (message, rest) = text.split_once("\n\n").unwrap_or((&text, ""));
    let message = message.strip_prefix("error: ").unwrap_or(message).trim();
    let tips: Vec<&str> = rest
        .lines()
        .filter_map(|line| line.trim().strip_prefix("tip: "))
        .collect();
    as_document(message, Some(tips.join("\n")), words);
    exit::USAGE
}

/// The same for programs, where JSON was asked for.
fn as_document(message: &str, hint: Option<String>, words: &[String]) {
    let options = words.split(|word| word == "--").next().unwrap_or_default();
    let is_json = options
        .iter()
        .any(|word| word == "-ojson" || word == "--output=json")
        || options
            .windows(2)
            .any(|pair| (pair[0] == "-o" || pair[0] == "--output") && pair[1] == "json");
    if is_json {
        let mut failure = Failure::usage(message);
        failure.hint = hint.filter(|hint| !hint.is_empty());
        let printer = Printer::new(Output::Json, true, Colour::Never);
        printer.document_of(&failure);
    }
}

/// The sides of a box that stand behind `--bbox` as four words.
fn box_in_words(words: &[String]) -> Option<[&str; 4]> {
    let at = words.iter().position(|word| word == "--bbox")?;
    let behind = words.get(at + 1..at + 5)?;
    let sides: Vec<&str> = behind
        .iter()
        .map(|word| word.trim_end_matches(','))
        .filter(|side| side.parse::<f64>().is_ok())
        .collect();
    sides.try_into().ok()
}

/// The same error with tips for what is often meant, and with guesses only where they are near.
fn advised(mut why: Error, words: &[String]) -> Error {
    let text = |why: &Error, kind| match why.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let (asked, guesses, tip) = match why.kind() {
        ErrorKind::InvalidSubcommand => {
            let asked = text(&why, ContextKind::InvalidSubcommand).unwrap_or_default();
            let above = words.iter().find(|word| !word.starts_with('-'));
            let above = above.filter(|above| **above != asked);
            let above = above.map_or("", String::as_str);
            let meant = COMMANDS
                .iter()
                .find(|(below, names, _)| *below == above && names.contains(&asked.as_str()));
            let tip = meant.map(|(_, _, meant)| format!("what you want may be: {meant}"));
            (asked, ContextKind::SuggestedSubcommand, tip)
        }
        ErrorKind::UnknownArgument => {
            let asked = text(&why, ContextKind::InvalidArg).unwrap_or_default();
            let meant = OPTIONS
                .iter()
                .find(|(names, _)| names.contains(&asked.as_str()));
            let tip = meant.map(|(_, tip)| (*tip).to_owned());
            (asked, ContextKind::SuggestedArg, tip)
        }
        _ => return why,
    };
    let guessed = match why.remove(guesses) {
        Some(ContextValue::String(guess)) => vec![guess],
        Some(ContextValue::Strings(guesses)) => guesses,
        _ => Vec::new(),
    };
    let near = guessed.into_iter().filter(|guess| is_near(&asked, guess));
    let near: Vec<String> = near.collect();
    if tip.is_none() && !near.is_empty() {
        let _ = why.insert(guesses, ContextValue::Strings(near));
    } else if why.kind() == ErrorKind::UnknownArgument {
        // Clap's usage shows the option that it guessed.
        let usage = command_of(args::command(), words).render_usage();
        let _ = why.insert(ContextKind::Usage, ContextValue::StyledStr(usage));
    }
    // What looks like an option is hardly ever meant as a value.
    let _ = why.remove(ContextKind::Suggested);
    if let Some(tip) = tip {
        let tips = ContextValue::StyledStrs(vec![StyledStr::from(tip)]);
        let _ = why.insert(ContextKind::Suggested, tips);
    }
    why
}

fn is_near(typed: &str, guess: &str) -> bool {
    let [typed, guess] = [typed, guess].map(|word| word.trim_start_matches('-'));
    let slips = strsim::osa_distance(typed, guess);
    // Of short words half may be wrong if at least the beginning is right.
    let begins_alike = typed.chars().next() == guess.chars().next();
    slips <= SLIPS && slips * 2 < typed.len().max(guess.len()) + usize::from(begins_alike)
}

/// The command that was typed, as far as it is known.
fn command_of(mut all: Command, words: &[String]) -> Command {
    all.build();
    let mut command = &all;
    for word in words {
        command = command.find_subcommand(word).unwrap_or(command);
    }
    command.clone()
}

/// The help of a command that is typed without what belongs behind it: short enough to be read, without the options that all commands have.
fn short_help(words: &[String]) -> String {
    let all = args::command();
    let global: Vec<clap::Id> = all
        .get_arguments()
        .filter(|arg| arg.is_global_set())
        .map(|arg| arg.get_id().clone())
        .collect();
    let hide = |all: Command, id: &clap::Id| all.mut_arg(id, |arg| arg.hide(true));
    let all = global.iter().fold(all, hide);
    let help = command_of(all, words).render_help();
    let help = match std::io::stderr().is_terminal() && console::colors_enabled_stderr() {
        true => help.ansi().to_string(),
        false => help.to_string(),
    };
    format!("{}\n\nGlobal options: clms --help", help.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_spellings_are_near() {
        for (typed, guess) in [
            ("serach", "search"),
            ("ls", "list"),
            ("--cahce", "--cache"),
            ("--detatch", "--detach"),
        ] {
            assert!(is_near(typed, guess), "{typed}");
        }
        for (typed, guess) in [
            ("serach", "cache"),
            ("--place", "--cache"),
            ("--nuts", "--out"),
            ("get", "gc"),
        ] {
            assert!(!is_near(typed, guess), "{typed}");
        }
    }

    #[test]
    fn a_box_with_blanks_is_seen() {
        let words = |line: &str| -> Vec<String> { line.split(' ').map(str::to_owned).collect() };
        let found = |line| box_in_words(&words(line)).map(|sides| sides.join(","));
        let joined = "-8.5,41.3,9.6,43.1";
        for line in [
            "search --bbox -8.5 41.3 9.6 43.1",
            "search --bbox -8.5, 41.3, 9.6, 43.1 forest",
        ] {
            assert_eq!(found(line).as_deref(), Some(joined), "{line}");
        }
        assert_eq!(found("search --bbox 8.5,41.3,9.6,43.1 2018 1 2 3"), None);
        assert_eq!(found("search --bbox 8.5 2018"), None);
    }
}
