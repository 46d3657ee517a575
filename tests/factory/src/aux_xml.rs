//! GDAL's `.aux.xml`, written as text: the safe bindings have no raster attribute tables.

use std::fmt::Write as _;

use crate::classes::ClassTable;
use crate::iso_metadata::escape;
use crate::sidecars::RatColumns;
use crate::statistics::Statistics;

/// GDAL's numbers for the types (integer, real, string) and the usages of columns.
const INTEGER: u8 = 0;
const STRING: u8 = 2;
const USAGE_PIXEL_COUNT: u8 = 1;
const USAGE_NAME: u8 = 2;
const USAGE_MIN_MAX: u8 = 5;
const USAGE_RED: u8 = 6;

/// The whole document.
pub(crate) fn document(
    classes: &ClassTable,
    columns: RatColumns,
    statistics: &Statistics,
) -> String {
    let mut out = String::from("<PAMDataset>\n  <PAMRasterBand band=\"1\">\n");
    if columns != RatColumns::None {
        attribute_table(&mut out, classes, columns, statistics);
    }
    let percent = 100.0 * statistics.valid as f64 / statistics.all.max(1) as f64;
    let items = [
        ("STATISTICS_MAXIMUM", statistics.maximum),
        ("STATISTICS_MEAN", statistics.mean),
        ("STATISTICS_MINIMUM", statistics.minimum),
        ("STATISTICS_STDDEV", statistics.deviation),
        (
            "STATISTICS_VALID_PERCENT",
            (percent * 100.0).round() / 100.0,
        ),
    ];
    out.push_str("    <Metadata>\n");
    for (key, value) in items {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "      <MDI key=\"{key}\">{value}</MDI>");
    }
    out.push_str("    </Metadata>\n  </PAMRasterBand>\n</PAMDataset>\n");
    out
}

fn attribute_table(
    out: &mut String,
    classes: &ClassTable,
    columns: RatColumns,
    statistics: &Statistics,
) {
    let fields: &[(&str, u8, u8)] = match columns {
        RatColumns::None => &[],
        RatColumns::Counts => &[
            ("VALUE", INTEGER, USAGE_MIN_MAX),
            ("COUNT", INTEGER, USAGE_PIXEL_COUNT),
        ],
        RatColumns::Named => &[
            ("value", INTEGER, USAGE_MIN_MAX),
            ("count", INTEGER, USAGE_PIXEL_COUNT),
            ("class_name", STRING, USAGE_NAME),
            ("Red", INTEGER, USAGE_RED),
            ("Green", INTEGER, USAGE_RED + 1),
            ("Blue", INTEGER, USAGE_RED + 2),
        ],
    };
    out.push_str("    <GDALRasterAttributeTable tableType=\"thematic\">\n");
    for (index, (name, kind, usage)) in fields.iter().enumerate() {
        let _ = writeln!(
            out,
            "      <FieldDefn index=\"{index}\">\n        <Name>{name}</Name>\n        <Type>{kind}</Type>\n        \
             <Usage>{usage}</Usage>\n      </FieldDefn>"
        );
    }
    for (index, class) in classes.0.iter().enumerate() {
        let count = statistics.counts.get(&class.value).copied().unwrap_or(0);
        let mut row = vec![class.value.to_string(), count.to_string()];
        if columns == RatColumns::Named {
            row.push(escape(&class.name));
            row.extend(class.colour.map(|part| part.to_string()));
        }
        let cells: String = row.iter().map(|cell| format!("<F>{cell}</F>")).collect();
        let _ = writeln!(out, "      <Row index=\"{index}\">{cells}</Row>");
    }
    out.push_str("    </GDALRasterAttributeTable>\n");
}
