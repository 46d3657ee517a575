//! Plain text from the portal's rich text fields.

use serde_json::Value;

use super::fields::as_text;

/// The text of `{"content-type": "text/html", "data": …}` without its markup, or of a plain
/// string. Paragraphs and list items become lines.
pub(crate) fn as_plain_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::Object(map) if map.contains_key("data") => {
            let data = map.get("data")?.as_str()?;
            let is_html = map
                .get("content-type")
                .and_then(Value::as_str)
                .is_none_or(|kind| kind.contains("html"));
            if is_html {
                strip_markup(data)
            } else {
                data.trim().to_owned()
            }
        }
        other => as_text(other)?,
    };
    (!text.is_empty()).then_some(text)
}

fn strip_markup(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        push_unescaped(&mut text, &rest[..open]);
        let tag = &rest[open + 1..];
        match tag.find('>') {
            Some(length)
                if tag.starts_with(|c: char| c.is_ascii_alphabetic() || "/!".contains(c)) =>
            {
                if ends_line(&tag[..length]) {
                    text.push('\n');
                }
                rest = &tag[length + 1..];
            }
            // A lone `<` in running text.
            _ => {
                text.push('<');
                rest = tag;
            }
        }
    }
    push_unescaped(&mut text, rest);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether a tag (without its brackets) ends a line of text.
fn ends_line(tag: &str) -> bool {
    let name = tag
        .trim_start_matches('/')
        .split(|c: char| !c.is_ascii_alphanumeric())
        .next();
    matches!(
        name.unwrap_or_default().to_ascii_lowercase().as_str(),
        "p" | "br" | "li" | "ul" | "ol" | "div" | "tr" | "blockquote" | "h1" | "h2" | "h3" | "h4"
    )
}

fn push_unescaped(text: &mut String, escaped: &str) {
    let mut rest = escaped;
    while let Some(start) = rest.find('&') {
        text.push_str(&rest[..start]);
        rest = &rest[start..];
        let entity = rest
            .find(';')
            .and_then(|end| Some((character(&rest[1..end])?, end)));
        let (character, length) = entity.map_or(('&', 1), |(c, end)| (c, end + 1));
        text.push(character);
        rest = &rest[length..];
    }
    text.push_str(rest);
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn markup_goes_and_lines_stay() {
        let value = json!({"content-type": "text/html", "encoding": "utf8", "data":
            "<html><body><ul><li><strong>DOI:</strong> <a href=\"https://doi.org/1\">https://doi.org/1</a></li></ul>\
             <p></p><p>Tom &amp; Jerry&nbsp;&#8211; a &lt; b &c; 1 < 2</p></body></html>"});
        let text = as_plain_text(&value).unwrap();
        assert_eq!(
            text,
            "DOI: https://doi.org/1\nTom & Jerry – a < b &c; 1 < 2"
        );
        assert_eq!(as_plain_text(&json!(" plain ")).as_deref(), Some("plain"));
        assert_eq!(
            as_plain_text(&json!({"content-type": "text/html", "data": "<p> </p>"})),
            None
        );
        assert_eq!(as_plain_text(&Value::Null), None);
    }

    proptest! {
        #[test]
        fn never_panics(html in "[<>/&;#a-zé ]{0,60}") {
            let _ = strip_markup(&html);
        }
    }
}
