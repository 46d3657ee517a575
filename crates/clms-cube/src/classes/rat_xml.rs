//! Raster attribute tables in GDAL's `.aux.xml`.

use quick_xml::Reader;
use quick_xml::events::Event;

use super::table::{Column, Table, Usage};
use super::{MAX_CLASSES, resolve};

/// The attribute table of the first band that has one; a table without columns when there is none.
///
/// # Errors
/// A text that says what is wrong.
pub(super) fn parse(text: &str) -> Result<Table, String> {
    let mut reader = Reader::from_str(text);
    let mut table = Table::default();
    let mut inside = false;
    let mut content = String::new();
    let mut row = Vec::new();
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) => {
                content.clear();
                match start.name().as_ref() {
                    "GDALRasterAttributeTable" => inside = true,
                    "FieldDefn" if inside => table.columns.push(Column::default()),
                    "Row" if inside => row.clear(),
                    _ => {}
                }
            }
            Event::Empty(empty) if inside && empty.name().as_ref() == "F" => {
                row.push(String::new());
            }
            Event::Text(piece) => content.push_str(&piece),
            Event::GeneralRef(reference) => {
                content.push_str(&resolve(&reference));
            }
            Event::CData(piece) => content.push_str(&piece),
            Event::End(end) if inside => match end.name().as_ref() {
                "GDALRasterAttributeTable" => return Ok(table),
                "Name" => {
                    if let Some(column) = table.columns.last_mut() {
                        content.trim().clone_into(&mut column.name);
                    }
                }
                "Usage" => {
                    if let Some(column) = table.columns.last_mut() {
                        column.usage = usage(&content);
                    }
                }
                "F" => row.push(content.trim().to_owned()),
                "Row" => {
                    if table.rows.len() >= MAX_CLASSES {
                        return Err(format!("more than {MAX_CLASSES} rows are no classes"));
                    }
                    table.rows.push(std::mem::take(&mut row));
                }
                _ => {}
            },
            Event::Eof if inside => return Err("ends inside the attribute table".to_owned()),
            Event::Eof => return Ok(table),
            _ => {}
        }
    }
}

/// GDAL's numbers for what a column is for (`GDALRATFieldUsage`).
fn usage(number: &str) -> Option<Usage> {
    match number.trim() {
        "2" => Some(Usage::Name),
        "5" => Some(Usage::Value),
        "6" => Some(Usage::Red),
        "7" => Some(Usage::Green),
        "8" => Some(Usage::Blue),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = r#"<PAMDataset><PAMRasterBand band="1"><Metadata><MDI key="STATISTICS_MAXIMUM">3</MDI></Metadata>
        <GDALRasterAttributeTable tableType="thematic">
        <FieldDefn index="0"><Name>Pixel</Name><Type>0</Type><Usage>5</Usage></FieldDefn>
        <FieldDefn index="1"><Name>class_name</Name><Type>2</Type><Usage>2</Usage></FieldDefn>
        <FieldDefn index="2"><Name>R</Name><Type>0</Type><Usage>6</Usage></FieldDefn>
        <FieldDefn index="3"><Name>G</Name><Type>0</Type><Usage>7</Usage></FieldDefn>
        <FieldDefn index="4"><Name>B</Name><Type>0</Type><Usage>8</Usage></FieldDefn>
        <Row index="0"><F>1</F><F>Trees &amp; bushes &#8211; all</F><F>0</F><F>128</F><F>0</F></Row>
        <Row index="1"><F>2</F><F/><F>1</F><F>2</F><F>3</F></Row>
        </GDALRasterAttributeTable></PAMRasterBand></PAMDataset>"#;

    #[test]
    fn classes_of_a_table() {
        let classes = parse(TABLE).unwrap().classes().unwrap();
        assert_eq!(classes[0].name.as_deref(), Some("Trees & bushes – all"));
        assert_eq!(classes[0].colour, Some([0, 128, 0]));
        assert_eq!((classes[1].value, &classes[1].name), (2, &None));
    }

    #[test]
    fn no_table_and_damaged_ones() {
        assert_eq!(
            parse("<PAMDataset></PAMDataset>").unwrap(),
            Table::default()
        );
        assert!(parse(&TABLE[..TABLE.len() / 2]).is_err());
        assert!(parse("<a></b>").is_err());
    }
}
