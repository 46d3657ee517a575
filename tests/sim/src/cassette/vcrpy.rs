//! Cassettes of VCR.py.

use bytes::Bytes;

use super::exchange::{Exchange, Message};
use super::yaml::Node;
use super::{Cassette, CassetteError, format_error};

const FORMAT: &str = "VCR.py";

/// Reads `version: 1` and `interactions`, in YAML or JSON. Times are not in it: the exchanges get
/// the present one.
pub(super) fn read(text: &str) -> Result<Cassette, CassetteError> {
    let document = Node::parse(text).map_err(|error| format_error(FORMAT, &error))?;
    let version = document.get("version").text();
    if version != Some("1") {
        let problem = match version {
            Some(version) => format!("its version is {version}, not 1"),
            None => "it has no version".to_owned(),
        };
        return Err(format_error(FORMAT, &problem));
    }
    let interactions = document.get("interactions").list().iter().enumerate();
    let exchanges = interactions.map(|(n, interaction)| {
        exchange(interaction)
            .map_err(|problem| format_error(FORMAT, &format!("interactions[{n}]: {problem}")))
    });
    Ok(Cassette {
        exchanges: exchanges.collect::<Result<_, _>>()?,
    })
}

fn exchange(interaction: &Node) -> Result<Exchange, String> {
    let (request, response) = (interaction.get("request"), interaction.get("response"));
    let text = |node: &Node, what: &str| {
        let text = node.text().map(str::to_owned);
        text.ok_or_else(|| format!("{what} is missing"))
    };
    let uri = text(request.get("uri"), "request.uri")?;
    let status = text(response.get("status").get("code"), "response.status.code")?;
    Ok(Exchange {
        method: text(request.get("method"), "request.method")?.to_ascii_uppercase(),
        uri: uri
            .parse()
            .map_err(|error| format!("request.uri: {error}"))?,
        request: Message {
            headers: headers(request.get("headers")),
            body: body(request.get("body"))?,
        },
        status: status
            .parse()
            .map_err(|_| format!("{status} is no status"))?,
        response: Message {
            headers: headers(response.get("headers")),
            body: body(response.get("body").get("string"))?,
        },
        recorded_at: Exchange::now(),
    })
}

/// A value is a text, or a list of texts.
fn headers(node: &Node) -> Vec<(String, String)> {
    let Node::Map(headers) = node else {
        return Vec::new();
    };
    let pairs = headers.iter().flat_map(|(name, values)| {
        let values = match values {
            Node::List(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        let texts = values.iter().filter_map(Node::text);
        texts.map(|value| (name.clone(), value.to_owned()))
    });
    pairs.collect()
}

fn body(node: &Node) -> Result<Bytes, String> {
    match node {
        Node::Null => Ok(Bytes::new()),
        Node::Text(text) => Ok(text.clone().into()),
        Node::Bytes(bytes) => Ok(bytes.clone()),
        // Old versions wrapped a text once more.
        Node::Map(_) => body(node.get("string")),
        Node::List(_) => Err("a body that is a list".to_owned()),
    }
}
