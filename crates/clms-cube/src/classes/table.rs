//! Attribute tables, whatever file they come from and whatever their columns are called.

use super::{Class, MAX_CLASSES, parse_number, parse_value};

/// Rows of texts under named columns.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<String>>,
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct Column {
    pub(super) name: String,
    /// What the file says that the column is for, beyond its name.
    pub(super) usage: Option<Usage>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    Value,
    Name,
    Red,
    Green,
    Blue,
}

/// Column names in the order of preference, in lower case.
const VALUE: [&str; 6] = [
    "value",
    "pixel_value",
    "pixelvalue",
    "gridcode",
    "grid_code",
    "code",
];
const NAME: [&str; 12] = [
    "class_name",
    "classname",
    "class_nam",
    "label3",
    "label",
    "class",
    "name",
    "legend",
    "description",
    "descriptio",
    "category",
    "label2",
];

impl Table {
    /// The classes of the table.
    ///
    /// # Errors
    /// A text that says why the table has none.
    pub(super) fn classes(&self) -> Result<Vec<Class>, String> {
        let value = self.column(Usage::Value, &VALUE).ok_or("no value column")?;
        if self.rows.len() > MAX_CLASSES {
            return Err(format!("{} rows are too many for classes", self.rows.len()));
        }
        let name = self
            .column(Usage::Name, &NAME)
            .filter(|name| *name != value);
        let red = self.column(Usage::Red, &["red", "r"]);
        let green = self.column(Usage::Green, &["green", "g"]);
        let blue = self.column(Usage::Blue, &["blue", "b"]);
        let channels = match (red, green, blue) {
            (Some(red), Some(green), Some(blue)) => Some([red, green, blue]),
            _ => None,
        };
        let cell = |row: &[String], column: usize| {
            row.get(column).map_or("", |text| text.trim()).to_owned()
        };
        let colours: Vec<Option<[f64; 3]>> = self
            .rows
            .iter()
            .map(|row| {
                let [red, green, blue] = channels?;
                let channel =
                    |column| parse_number(&cell(row, column)).filter(|number| *number >= 0.0);
                Some([channel(red)?, channel(green)?, channel(blue)?])
            })
            .collect();
        // Channels are written as fractions or as bytes. A table of bytes that are all 0 or 1 does not occur.
        let greatest = colours
            .iter()
            .flatten()
            .flatten()
            .copied()
            .fold(0.0, f64::max);
        let scale = if greatest <= 1.0 { 255.0 } else { 1.0 };
        Ok(self
            .rows
            .iter()
            .zip(colours)
            .filter_map(|(row, colour)| {
                Some(Class {
                    value: parse_value(&cell(row, value))?,
                    name: name
                        .map(|name| cell(row, name))
                        .filter(|name| !name.is_empty()),
                    colour: colour
                        .map(|rgb| rgb.map(|channel| (channel * scale).round().min(255.0) as u8)),
                })
            })
            .collect())
    }

    fn column(&self, usage: Usage, names: &[&str]) -> Option<usize> {
        let lower = |column: &Column| column.name.trim().to_ascii_lowercase();
        let named = names.iter().find_map(|name| {
            self.columns
                .iter()
                .position(|column| lower(column) == *name)
        });
        named
            .or_else(|| {
                self.columns
                    .iter()
                    .position(|column| column.usage == Some(usage))
            })
            .or_else(|| {
                // LABEL1, Label_3, CLASS_NAME_EN, ...
                let prefixes: &[&str] = if usage == Usage::Name {
                    &["label", "class_n", "name"]
                } else {
                    &[]
                };
                self.columns.iter().position(|column| {
                    prefixes
                        .iter()
                        .any(|prefix| lower(column).starts_with(prefix))
                })
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: &[&str], rows: &[&[&str]]) -> Table {
        Table {
            columns: columns
                .iter()
                .map(|name| Column {
                    name: (*name).to_owned(),
                    usage: None,
                })
                .collect(),
            rows: rows
                .iter()
                .map(|row| row.iter().map(|cell| (*cell).to_owned()).collect())
                .collect(),
        }
    }

    #[test]
    fn columns_without_case_and_both_colour_scales() {
        let fractions = table(
            &["VALUE", "Count", "LABEL3", "Red", "Green", "Blue"],
            &[
                &["1", "9", "Urban", "0.901960784", "0", "0.3"],
                &["2", "9", "Other", "1", "0", "0"],
            ],
        );
        let classes = fractions.classes().unwrap();
        assert_eq!(classes[0].colour, Some([230, 0, 77]));
        assert_eq!(classes[1].name.as_deref(), Some("Other"));
        let bytes = table(
            &["value", "class_name", "red", "green", "blue"],
            &[&["1", "x", "230", "0", "77"]],
        );
        assert_eq!(bytes.classes().unwrap()[0].colour, Some([230, 0, 77]));
    }

    #[test]
    fn odd_rows() {
        let odd = table(
            &["Value", "class_name"],
            &[
                &["255 ", "out"],
                &["x", "bad"],
                &[],
                &["10,0000", "–"],
                &["1.5", "no"],
            ],
        );
        let classes = odd.classes().unwrap();
        assert_eq!(
            classes.iter().map(|class| class.value).collect::<Vec<_>>(),
            [255, 10]
        );
        assert!(table(&["a"], &[]).classes().is_err());
    }
}
