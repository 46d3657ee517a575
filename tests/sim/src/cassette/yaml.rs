//! As much of YAML as cassettes need: a tree of texts that remembers which of them are base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use granit_parser::{Event, Parser, ScalarStyle};

/// A node of a document. JSON is YAML too.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Null,
    /// A text, a number, true or false.
    Text(String),
    /// `!!binary`.
    Bytes(Bytes),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    /// Reads the first document of a text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut open: Vec<Open> = Vec::new();
        for next in Parser::new_from_str(text) {
            let (event, span) = next.map_err(|error| error.to_string())?;
            let line = span.start.line();
            let node = match event {
                Event::Scalar(text, style, _, tag) => {
                    let is_binary = tag.is_some_and(|tag| tag.suffix() == "binary");
                    scalar(&text, style, is_binary).map_err(|why| format!("line {line}: {why}"))?
                }
                Event::SequenceStart(..) => {
                    open.push(Open::List(Vec::new()));
                    continue;
                }
                Event::MappingStart(..) => {
                    open.push(Open::Map(Vec::new(), None));
                    continue;
                }
                Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                    Some(Open::List(list)) => Self::List(list),
                    Some(Open::Map(map, _)) => Self::Map(map),
                    None => return Err(format!("line {line}: an end without a beginning")),
                },
                Event::Alias(_) => return Err(format!("line {line}: aliases are not understood")),
                _ => continue,
            };
            match open.last_mut() {
                None => return Ok(node),
                Some(Open::List(list)) => list.push(node),
                Some(Open::Map(map, key)) => match (key.take(), node) {
                    (Some(key), value) => map.push((key, value)),
                    (None, Self::Text(text)) => *key = Some(text),
                    (None, _) => return Err(format!("line {line}: a key that is no text")),
                },
            }
        }
        Err("there is nothing in it".to_owned())
    }

    /// The value of a key of a map; null if it isn't there.
    pub(super) fn get(&self, key: &str) -> &Self {
        match self {
            Self::Map(map) => map
                .iter()
                .find(|(name, _)| name == key)
                .map_or(&Self::Null, |(_, value)| value),
            _ => &Self::Null,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn list(&self) -> &[Self] {
        match self {
            Self::List(list) => list,
            _ => &[],
        }
    }
}

enum Open {
    List(Vec<Node>),
    /// With the key whose value is to come.
    Map(Vec<(String, Node)>, Option<String>),
}

fn scalar(text: &str, style: ScalarStyle, is_binary: bool) -> Result<Node, String> {
    if is_binary {
        let compact: String = text.split_ascii_whitespace().collect();
        let bytes = STANDARD
            .decode(compact)
            .map_err(|error| error.to_string())?;
        return Ok(Node::Bytes(bytes.into()));
    }
    let is_null =
        style == ScalarStyle::Plain && matches!(text, "" | "~" | "null" | "Null" | "NULL");
    Ok(match is_null {
        true => Node::Null,
        false => Node::Text(text.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree() {
        let text = "a: [1, 'null', ~]\nb: !!binary |\n  UEsF\n  Bg==\n'c': \"x\\u2013\"\nd: {}\n";
        let tree = Node::parse(text).unwrap();
        let texts = ["1", "null"].map(|text| Node::Text(text.to_owned()));
        assert_eq!(tree.get("a").list()[..2], texts);
        assert_eq!(tree.get("a").list()[2], Node::Null);
        assert_eq!(
            tree.get("b"),
            &Node::Bytes(Bytes::from_static(b"PK\x05\x06"))
        );
        assert_eq!(tree.get("c").text(), Some("x\u{2013}"));
        assert_eq!(tree.get("d"), &Node::Map(Vec::new()));
        assert_eq!(tree.get("e"), &Node::Null);
    }

    #[test]
    fn what_is_no_tree_says_where() {
        assert!(Node::parse("").is_err());
        assert!(
            Node::parse("a: &x 1\nb: *x")
                .unwrap_err()
                .contains("line 2")
        );
        assert!(
            Node::parse("a: !!binary '%'")
                .unwrap_err()
                .contains("line 1")
        );
        assert!(Node::parse("a: [1").is_err());
    }
}
