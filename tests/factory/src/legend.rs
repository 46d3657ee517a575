//! Legends as packages bring them: `.clr`, `_QGIS.txt`, `.qml` and `.sld`.

use std::fmt::Write as _;

use crate::classes::{Class, ClassTable};
use crate::iso_metadata::escape;
use crate::sidecars::ClrKey;

/// ESRI's colour map: `111 230 0 77` on each line, without names.
#[must_use]
pub fn clr(classes: &ClassTable, key: ClrKey) -> String {
    let line = |class: &Class| {
        let [r, g, b] = class.colour;
        match key {
            ClrKey::Value => format!("{} {r} {g} {b}\r\n", class.value),
            ClrKey::Code => format!("{} {r} {g} {b}\r\n", class.code),
        }
    };
    classes.0.iter().map(line).collect()
}

/// QGIS's text colour map: `111,230,0,77,255,Continuous urban fabric`; CRLF, no header, the last line without an end.
/// Names may hold commas, and are not quoted.
#[must_use]
pub fn qgis_txt(classes: &ClassTable) -> String {
    let line = |class: &Class| {
        let [r, g, b] = class.colour;
        format!("{},{r},{g},{b},255,{}", class.code, class.name)
    };
    classes.0.iter().map(line).collect::<Vec<_>>().join("\r\n")
}

fn hex(class: &Class) -> String {
    let [r, g, b] = class.colour;
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// A QGIS layer style with a paletted renderer.
#[must_use]
pub fn qml(classes: &ClassTable) -> String {
    let mut out = String::from(
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n<qgis version=\"3.16.0-Hannover\" styleCategories=\"AllStyleCategories\">\n  \
         <pipe>\n    <rasterrenderer type=\"paletted\" band=\"1\" opacity=\"1\" alphaBand=\"-1\">\n      <colorPalette>\n",
    );
    for class in &classes.0 {
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "        <paletteEntry value=\"{}\" color=\"{}\" label=\"{}\" alpha=\"255\"/>",
            class.value,
            hex(class),
            escape(&class.name)
        );
    }
    out.push_str("      </colorPalette>\n    </rasterrenderer>\n  </pipe>\n</qgis>\n");
    out
}

/// An OGC Styled Layer Descriptor with a colour map of values.
#[must_use]
pub fn sld(name: &str, classes: &ClassTable) -> String {
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<StyledLayerDescriptor xmlns=\"http://www.opengis.net/sld\" version=\"1.0.0\">\n  \
         <UserLayer>\n    <Name>{}</Name>\n    <UserStyle>\n      <FeatureTypeStyle>\n        <Rule>\n          <RasterSymbolizer>\n            \
         <ColorMap type=\"values\">\n",
        escape(name)
    );
    for class in &classes.0 {
        let _ = writeln!(
            out,
            "              <ColorMapEntry quantity=\"{}\" color=\"{}\" label=\"{}\"/>",
            class.value,
            hex(class),
            escape(&class.name)
        );
    }
    out.push_str(
        "            </ColorMap>\n          </RasterSymbolizer>\n        </Rule>\n      </FeatureTypeStyle>\n    </UserStyle>\n  \
         </UserLayer>\n</StyledLayerDescriptor>\n",
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qgis_text_has_crlf_between_lines_only() {
        let table = ClassTable::new(&[(1, "One, and more", [1, 2, 3]), (2, "Two", [4, 5, 6])]);
        assert_eq!(
            qgis_txt(&table),
            "1,1,2,3,255,One, and more\r\n2,4,5,6,255,Two"
        );
    }
}
