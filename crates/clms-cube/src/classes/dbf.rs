//! dBASE III tables (`.vat.dbf`), read so that a damaged one gives an error and never more memory than its size.

use super::decode_text;
use super::table::{Column, Table};

/// Parses a table; deleted records are left out.
///
/// # Errors
/// A text that says what is wrong.
pub(super) fn parse(bytes: &[u8]) -> Result<Table, String> {
    let header = bytes
        .first_chunk::<32>()
        .ok_or("shorter than a dBASE header")?;
    let records = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
    let header_size = usize::from(u16::from_le_bytes([header[8], header[9]]));
    let record_size = usize::from(u16::from_le_bytes([header[10], header[11]]));
    let descriptors = bytes.get(32..header_size).ok_or("truncated header")?;
    let mut columns = Vec::new();
    let mut widths = Vec::new();
    for field in descriptors
        .chunks_exact(32)
        .take_while(|field| field[0] != 0x0d)
    {
        let name = field[..11]
            .split(|byte| *byte == 0)
            .next()
            .unwrap_or_default();
        columns.push(Column {
            name: decode_text(name),
            usage: None,
        });
        widths.push(usize::from(field[16]));
    }
    if columns.is_empty() || record_size != 1 + widths.iter().sum::<usize>() {
        return Err("field descriptors don't fit the record size".to_owned());
    }
    let body = bytes.get(header_size..).unwrap_or_default();
    let rows = body
        .chunks_exact(record_size)
        .take(records)
        .filter(|record| record[0] != b'*')
        .map(|record| {
            let mut rest = &record[1..];
            widths
                .iter()
                .map(|width| {
                    let (cell, tail) = rest.split_at(*width);
                    rest = tail;
                    decode_text(cell).trim_matches(['\0', ' ']).to_owned()
                })
                .collect()
        })
        .collect();
    Ok(Table { columns, rows })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A dBASE III file of the given fields (name, type, width) and rows.
    pub(in crate::classes) fn write(fields: &[(&str, u8, u8)], rows: &[&[&str]]) -> Vec<u8> {
        let record_size = 1 + fields.iter().map(|field| u16::from(field.2)).sum::<u16>();
        let header_size = 32 * (fields.len() as u16 + 1) + 1;
        let mut bytes = vec![3, 118, 1, 1];
        bytes.extend((rows.len() as u32).to_le_bytes());
        bytes.extend(header_size.to_le_bytes());
        bytes.extend(record_size.to_le_bytes());
        bytes.resize(32, 0);
        for (name, kind, width) in fields {
            let mut field = name.as_bytes().to_vec();
            field.resize(11, 0);
            field.push(*kind);
            field.resize(16, 0);
            field.push(*width);
            field.resize(32, 0);
            bytes.extend(field);
        }
        bytes.push(0x0d);
        for row in rows {
            bytes.push(b' ');
            for (cell, (_, kind, width)) in row.iter().zip(fields) {
                let width = usize::from(*width);
                let text = if *kind == b'C' {
                    format!("{cell:<width$}")
                } else {
                    format!("{cell:>width$}")
                };
                bytes.extend(&text.as_bytes()[..width]);
            }
        }
        bytes.push(0x1a);
        bytes
    }

    #[test]
    fn reads_what_is_written() {
        let bytes = write(
            &[("Value", b'N', 10), ("LABEL3", b'C', 20)],
            &[&["1", "Urban"], &["48", "NODATA"]],
        );
        let table = parse(&bytes).unwrap();
        assert_eq!(table.columns[1].name, "LABEL3");
        assert_eq!(table.rows, [["1", "Urban"], ["48", "NODATA"]]);
    }

    #[test]
    fn damaged_files_are_errors_or_shorter_tables() {
        let bytes = write(&[("Value", b'N', 10)], &[&["1"], &["2"]]);
        for end in 0..bytes.len() {
            if let Ok(table) = parse(&bytes[..end]) {
                assert!(table.rows.len() <= 2);
            }
        }
        let mut endless = bytes.clone();
        endless[4..8].fill(0xff);
        assert_eq!(parse(&endless).unwrap().rows.len(), 2);
        let mut odd = bytes;
        odd[10] = 0;
        odd[11] = 0;
        assert!(parse(&odd).is_err());
    }
}
