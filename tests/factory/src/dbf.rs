//! dBASE III tables, as ArcGIS writes them for value attribute tables (`.tif.vat.dbf`).

/// A column: its name (up to 10 characters), type and width.
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) width: u8,
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `N`, right-aligned.
    Number,
    /// `C`, left-aligned.
    Text,
    /// `F` with 11 decimals, right-aligned.
    Float,
}

/// The bytes of a table. Values longer than their column are cut, at a character's boundary.
pub(crate) fn table(columns: &[Column], rows: &[Vec<String>]) -> Vec<u8> {
    let header = 32 + 32 * columns.len() + 1;
    let record = 1 + columns
        .iter()
        .map(|column| usize::from(column.width))
        .sum::<usize>();
    let mut out = Vec::with_capacity(header + record * rows.len() + 1);
    // Version, date of the last update (years since 1900, month, day), number of records, sizes.
    out.extend([0x03, 120, 2, 1]);
    out.extend((rows.len() as u32).to_le_bytes());
    out.extend((header as u16).to_le_bytes());
    out.extend((record as u16).to_le_bytes());
    out.extend([0; 20]);
    for column in columns {
        let mut name = [0_u8; 11];
        for (to, from) in name[..10].iter_mut().zip(column.name.bytes()) {
            *to = from;
        }
        out.extend(name);
        let (kind, decimals) = match column.kind {
            Kind::Number => (b'N', 0),
            Kind::Text => (b'C', 0),
            Kind::Float => (b'F', 11),
        };
        out.extend([kind, 0, 0, 0, 0, column.width, decimals]);
        out.extend([0; 14]);
    }
    out.push(0x0D);
    for row in rows {
        out.push(b' ');
        for (column, value) in columns.iter().zip(row) {
            let width = usize::from(column.width);
            let value = &value[..value.floor_char_boundary(width)];
            let padding = vec![b' '; width - value.len()];
            if column.kind == Kind::Text {
                out.extend(value.bytes());
                out.extend(padding);
            } else {
                out.extend(padding);
                out.extend(value.bytes());
            }
        }
    }
    out.push(0x1A);
    out
}

/// A number as ArcGIS writes it into an `F` column of width 19: 11 decimals and an exponent of three digits.
pub(crate) fn float(value: f64) -> String {
    let text = format!("{value:.11e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:03}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_as_arcgis_writes_them() {
        assert_eq!(float(230.0 / 255.0), "9.01960784314e-001");
        assert_eq!(float(1.0), "1.00000000000e+000");
        assert_eq!(float(0.0), "0.00000000000e+000");
    }

    #[test]
    fn long_names_and_values_are_cut() {
        let column = Column {
            name: "A_LONG_COLUMN".into(),
            kind: Kind::Text,
            width: 3,
        };
        let bytes = table(&[column], &[vec!["aé€".into()]]);
        assert_eq!(&bytes[32..43], b"A_LONG_COL\0");
        assert_eq!(&bytes[65..], " aé\x1A".as_bytes());
        assert_eq!(bytes[4..8], 1_u32.to_le_bytes());
    }
}
