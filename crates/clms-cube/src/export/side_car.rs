//! Names and colours of classes beside a GeoTIFF, which has no place for names in itself: GDAL's `.aux.xml`.

use std::fmt::Write as _;
use std::path::Path;

use quick_xml::escape::escape;

use super::scene::{Layer, Scene};
use crate::Class;

/// What is added to the name of the GeoTIFF.
pub(super) const ENDING: &str = ".aux.xml";

/// Class values up to here are listed as category names as well, which are a list from 0 on.
const MOST_CATEGORIES: i64 = 255;

/// Writes the classes of all bands, if there are any.
pub(super) fn write(scene: &Scene, path: &Path) -> std::io::Result<()> {
    let mut bands = String::new();
    let mut number = 0;
    for layer in &scene.layers {
        let described = describe(layer);
        for _ in 0..layer.step_count() {
            number += 1;
            if let Some(described) = &described {
                let _ = write!(
                    bands,
                    "  <PAMRasterBand band=\"{number}\">\n{described}  </PAMRasterBand>\n"
                );
            }
        }
    }
    if bands.is_empty() {
        return Ok(());
    }
    std::fs::write(path, format!("<PAMDataset>\n{bands}</PAMDataset>\n"))
}

fn describe(layer: &Layer) -> Option<String> {
    let classes = layer.array.classes();
    if !classes.iter().any(|class| class.name.is_some()) {
        return None;
    }
    Some(category_names(&classes) + &attribute_table(&classes))
}

fn category_names(classes: &[Class]) -> String {
    let within = classes
        .iter()
        .all(|class| (0..=MOST_CATEGORIES).contains(&class.value));
    let last = classes.iter().map(|class| class.value).max();
    let Some(last) = last.filter(|_| within) else {
        return String::new();
    };
    let mut text = "    <CategoryNames>\n".to_owned();
    for value in 0..=last {
        let class = classes.iter().find(|class| class.value == value);
        let name = class.and_then(|class| class.name.as_deref());
        let name = escape(name.unwrap_or_default());
        let _ = writeln!(text, "      <Category>{name}</Category>");
    }
    text + "    </CategoryNames>\n"
}

/// Type and usage of the columns are GDAL's numbers for them.
fn attribute_table(classes: &[Class]) -> String {
    const COLUMNS: [(&str, u8, u8); 5] = [
        ("Value", 0, 5),
        ("Class", 2, 2),
        ("Red", 0, 6),
        ("Green", 0, 7),
        ("Blue", 0, 8),
    ];
    let has_colours = classes.iter().any(|class| class.colour.is_some());
    let columns = if has_colours {
        &COLUMNS[..]
    } else {
        &COLUMNS[..2]
    };
    let mut text = "    <GDALRasterAttributeTable tableType=\"thematic\">\n".to_owned();
    for (index, (name, kind, usage)) in columns.iter().enumerate() {
        let _ = writeln!(
            text,
            "      <FieldDefn index=\"{index}\"><Name>{name}</Name><Type>{kind}</Type><Usage>{usage}</Usage></FieldDefn>"
        );
    }
    for (index, class) in classes.iter().enumerate() {
        let name = escape(class.name.as_deref().unwrap_or_default());
        let _ = write!(
            text,
            "      <Row index=\"{index}\"><F>{}</F><F>{name}</F>",
            class.value
        );
        if has_colours {
            for part in class.colour.unwrap_or_default() {
                let _ = write!(text, "<F>{part}</F>");
            }
        }
        text.push_str("</Row>\n");
    }
    text + "    </GDALRasterAttributeTable>\n"
}
