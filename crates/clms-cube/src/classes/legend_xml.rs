//! Legends of QGIS (`.qml`) and of map servers (`.sld`): entries with a value, a label and a colour as attributes.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::{Class, MAX_CLASSES, parse_value, unescape};

/// The classes of all entries that are such: `paletteEntry` and `item` of QML, `ColorMapEntry` of SLD with any prefix.
///
/// # Errors
/// A text that says what is wrong.
pub(super) fn parse(text: &str) -> Result<Vec<Class>, String> {
    let mut reader = Reader::from_str(text);
    let mut classes = Vec::new();
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(element) | Event::Empty(element) if classes.len() < MAX_CLASSES => {
                let name = element.local_name();
                if ["paletteEntry", "item", "ColorMapEntry"].contains(&name.as_ref()) {
                    classes.extend(class(&element));
                }
            }
            Event::Eof => return Ok(classes),
            _ => {}
        }
    }
}

/// `None` for an entry without a whole number as its value.
fn class(element: &BytesStart<'_>) -> Option<Class> {
    let attribute = |wanted: &str| {
        let mut all = element.attributes().flatten();
        let found = all.find(|attribute| attribute.key.local_name().as_ref() == wanted)?;
        Some(unescape(&found.value))
    };
    let value = attribute("value").or_else(|| attribute("quantity"))?;
    let label = attribute("label").unwrap_or_default();
    Some(Class {
        value: parse_value(&value)?,
        name: Some(label.trim().to_owned()).filter(|label| !label.is_empty()),
        colour: attribute("color").and_then(|colour| colour_of(&colour)),
    })
}

/// `#rrggbb`, with two more digits for the opacity in some files.
fn colour_of(text: &str) -> Option<[u8; 3]> {
    let digits = text.trim().strip_prefix('#')?;
    let channel = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    Some([channel(0)?, channel(2)?, channel(4)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qml_with_a_palette() {
        let text = r##"<!DOCTYPE qgis><qgis><pipe><rasterrenderer type="paletted"><colorPalette>
            <paletteEntry value="1" alpha="255" label="Trees &amp; bushes" color="#228b22"/>
            <paletteEntry value="254" alpha="0" label="" color="#e6e6e6ff"/>
            <paletteEntry value="x" label="no number" color="#000000"/>
            </colorPalette></rasterrenderer></pipe></qgis>"##;
        let classes = parse(text).unwrap();
        assert_eq!(classes.len(), 2);
        assert_eq!(classes[0].name.as_deref(), Some("Trees & bushes"));
        assert_eq!(classes[0].colour, Some([0x22, 0x8b, 0x22]));
        assert_eq!((classes[1].value, &classes[1].name), (254, &None));
        assert_eq!(classes[1].colour, Some([0xe6; 3]));
    }

    #[test]
    fn sld_with_and_without_a_prefix() {
        let text = r##"<sld:ColorMap type="values"><sld:ColorMapEntry color="#FF0000" quantity="1.0" label="1: Sealed"/>
            <ColorMapEntry color="red" quantity="2" label="–"></ColorMapEntry></sld:ColorMap>"##;
        let classes = parse(text).unwrap();
        assert_eq!(
            (classes[0].value, classes[0].colour),
            (1, Some([255, 0, 0]))
        );
        assert_eq!(
            (classes[1].name.as_deref(), classes[1].colour),
            (Some("–"), None)
        );
    }

    #[test]
    fn damaged_files() {
        assert!(parse("<a><b></a>").is_err());
        assert_eq!(parse("no legend"), Ok(Vec::new()));
    }
}
