//! Texts as words that can be compared.

/// The words of a text in lower case: without the endings of plurals, sizes of pixels in metres as one word (`10m`, `1000m`), versions as `v3`, parts of
/// words with a hyphen as well as the whole, and a year that hangs at a word (`clc2018`) also alone.
pub(super) fn words_of(text: &str) -> Vec<String> {
    let text = text.to_lowercase().replace('+', "plus");
    let mut words: Vec<String> = Vec::new();
    let mut tokens = text
        .split(|c: char| !(c.is_alphanumeric() || c == '.' || c == '-' || c == '–'))
        .flat_map(parts)
        .peekable();
    while let Some(token) = tokens.next() {
        let next = tokens.peek().copied().unwrap_or_default();
        if is_number(token)
            && let Some(size) = size(token, next)
        {
            tokens.next();
            words.push(size);
        } else if token == "version" && is_number(next) {
            words.push(format!("v{}", major(next)));
            tokens.next();
        } else {
            push(&mut words, token);
        }
    }
    for compound in text.split(|c: char| !(c.is_alphanumeric() || c == '-')) {
        // `eu-hydro` is also `euhydro`; `2012-2018` is nothing but two years.
        let letters = |part: &str| part.len() > 1 && part.chars().all(char::is_alphabetic);
        if compound.contains('-') && compound.split('-').all(letters) {
            words.push(stem(&compound.replace('-', "")));
        }
    }
    words
}

/// What hyphens hold together, and dots that do not stand in a number.
fn parts(token: &str) -> impl Iterator<Item = &str> {
    token
        .split(['-', '–'])
        .flat_map(|part| {
            let is_decimal = is_number(part.trim_end_matches(|c: char| c.is_alphabetic()))
                || part.strip_prefix('v').is_some_and(is_number);
            let pieces: Vec<&str> = match is_decimal {
                true => vec![part],
                false => part.split('.').collect(),
            };
            pieces
        })
        .map(|part| part.trim_matches('.'))
        .filter(|part| !part.is_empty())
}

fn push(words: &mut Vec<String>, token: &str) {
    let digits = token.find(|c: char| !c.is_ascii_digit() && c != '.');
    if let Some(end) = digits.filter(|end| *end > 0)
        && let Some(size) = size(&token[..end], &token[end..])
    {
        words.push(size);
        return;
    }
    if let Some(version) = token.strip_prefix('v').filter(|version| is_number(version)) {
        words.push(format!("v{}", major(version)));
        return;
    }
    if let Some(at) = token.len().checked_sub(4).filter(|at| *at > 0)
        && token.is_char_boundary(at)
        && year_of(&token[at..]).is_some()
        && token[..at].chars().all(char::is_alphabetic)
    {
        words.push(stem(&token[..at]));
        words.push(token[at..].to_owned());
    }
    words.push(stem(token));
}

/// A length in metres, however it is written.
fn size(number: &str, unit: &str) -> Option<String> {
    let number: f64 = number.parse().ok()?;
    let metres = match unit {
        "m" | "metre" | "metres" | "meter" | "meters" => number,
        "km" => number * 1000.0,
        "ha" => return Some(format!("{number}ha")),
        _ => return None,
    };
    Some(format!("{metres}m"))
}

/// The year that a word is, if it is one.
pub(super) fn year_of(word: &str) -> Option<i16> {
    let is_year = word.len() == 4 && (word.starts_with("19") || word.starts_with("20"));
    is_year.then(|| word.parse().ok()).flatten()
}

fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || c == '.')
}

fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or(version)
}

/// A word without the ending of its plural (after Harman's S stemmer).
fn stem(word: &str) -> String {
    let ends = |endings: &[&str]| endings.iter().any(|ending| word.ends_with(ending));
    match word {
        _ if word.len() < 4 => word.to_owned(),
        _ if ends(&["ies"]) && !ends(&["eies", "aies"]) => {
            format!("{}y", &word[..word.len() - 3])
        }
        _ if ends(&["s"]) && !ends(&["us", "ss", "is"]) => word[..word.len() - 1].to_owned(),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::words_of;

    #[test]
    fn texts_become_words() {
        for (text, words) in [
            (
                "Forests, 1 km and 10m",
                &["forest", "and", "1000m", "10m"][..],
            ),
            ("CLC+ Cities", &["clcplus", "city"]),
            ("clc2018", &["clc", "2018", "clc2018"]),
            ("version 3.1 v2", &["v3", "v2"]),
            (
                "EU-Hydro 2006-2012",
                &["eu", "hydro", "2006", "2012", "euhydro"],
            ),
            ("(raster 2.5 m), 0.25 ha.", &["raster", "2.5m", "0.25ha"]),
            ("imperviousness status", &["imperviousness", "status"]),
        ] {
            let mut found = words_of(text);
            let mut words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            found.sort();
            words.sort();
            assert_eq!(found, words, "{text}");
        }
    }
}
