//! Colour tables as text: `.clr` (`value red green blue`) and QGIS colour maps (`value,red,green,blue,alpha,label`).

use super::{Class, MAX_CLASSES, parse_value};

/// The classes of all lines that are such; other lines (comments, `INTERPOLATION:EXACT`) are passed over.
pub(super) fn parse(text: &str) -> Vec<Class> {
    text.lines().filter_map(line).take(MAX_CLASSES).collect()
}

fn line(line: &str) -> Option<Class> {
    let line = line.trim();
    let (numbers, rest): (Vec<&str>, Option<&str>) = if line.contains(',') {
        let mut parts = line.splitn(6, ',');
        let numbers: Vec<&str> = parts.by_ref().take(4).collect();
        // The alpha channel stands before the label.
        parts.next();
        (numbers, parts.next())
    } else {
        (line.split_ascii_whitespace().take(4).collect(), None)
    };
    let [value, red, green, blue] = numbers[..] else {
        return None;
    };
    let channel = |text: &str| u8::try_from(parse_value(text)?).ok();
    let label = rest
        .map(|label| label.trim().trim_matches('"'))
        .filter(|label| !label.is_empty());
    Some(Class {
        value: parse_value(value)?,
        // Some maps write `Continuous_urban_fabric`.
        name: label.map(|label| {
            if label.contains(' ') {
                label.to_owned()
            } else {
                label.replace('_', " ")
            }
        }),
        colour: Some([channel(red)?, channel(green)?, channel(blue)?]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qgis_maps_with_crlf_and_commas_in_labels() {
        let text = "# QGIS Generated Color Map Export File\r\nINTERPOLATION:EXACT\r\n\
            111,230,0,77,255,Continuous_urban_fabric\r\n243,230,204,77,255,Land principally occupied by agriculture, with more";
        let classes = parse(text);
        assert_eq!(classes.len(), 2);
        assert_eq!(classes[0].name.as_deref(), Some("Continuous urban fabric"));
        assert_eq!(classes[0].colour, Some([230, 0, 77]));
        assert_eq!(
            classes[1].name.as_deref(),
            Some("Land principally occupied by agriculture, with more")
        );
    }

    #[test]
    fn clr_files() {
        let classes = parse("111 230 0 77\n112 255 0 0 255\nnonsense\n1 300 0 0\n1 2 3\n");
        assert_eq!(
            classes.iter().map(|class| class.value).collect::<Vec<_>>(),
            [111, 112]
        );
        assert_eq!(classes[1].name, None);
    }
}
