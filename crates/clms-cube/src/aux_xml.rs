//! What a raster's `.aux.xml` says beside its attribute table (which [`crate::classes`] reads): GDAL's own place for nodata, units,
//! scales, names, metadata and georeferencing that the format of the raster can't hold, or that somebody set later.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::classes::{resolve, unescape};
use crate::raster_header::{BandHeader, Items, RasterHeader};

/// More bands than this are not looked at: no product has as many.
const MOST_BANDS: usize = 4096;
/// More items than this of one band are no description of it.
const MOST_ITEMS: usize = 256;

/// What stands in the file; all of it is optional.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct AuxXml {
    /// The CRS as WKT, or whatever else GDAL takes.
    pub(crate) srs: Option<String>,
    pub(crate) geotransform: Option<[f64; 6]>,
    items: Items,
    bands: Vec<Band>,
}

#[derive(Debug, Default, Clone, PartialEq)]
struct Band {
    nodata: Option<f64>,
    description: Option<String>,
    unit: Option<String>,
    scale: Option<f64>,
    offset: Option<f64>,
    items: Items,
}

impl AuxXml {
    /// Reads the file.
    ///
    /// # Errors
    /// A text that says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader::from_str(text);
        let mut found = Self::default();
        let mut open = Open::default();
        loop {
            match reader.read_event().map_err(|error| error.to_string())? {
                Event::Start(start) => open.begin(&start, &mut found),
                Event::Text(piece) => open.content.push_str(&piece),
                Event::GeneralRef(reference) => open.content.push_str(&resolve(&reference)),
                Event::CData(piece) => open.content.push_str(&piece),
                Event::End(_) => open.end(&mut found),
                Event::Eof if open.path.is_empty() => return Ok(found),
                Event::Eof => return Err("ends inside an element".to_owned()),
                _ => {}
            }
        }
    }

    /// Whether it says anything that is used.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Puts what it says over what the raster's own header says, as GDAL does; georeferencing only where the header has none.
    pub(crate) fn apply(self, header: &mut RasterHeader) {
        header.geotransform = header.geotransform.or(self.geotransform);
        put_over(&mut header.items, self.items);
        for (band, header) in self.bands.into_iter().zip(&mut header.bands) {
            band.apply(header);
        }
    }

    fn band(&mut self, number: usize) -> Option<&mut Band> {
        let index = number.checked_sub(1).filter(|index| *index < MOST_BANDS)?;
        if self.bands.len() <= index {
            self.bands.resize(index + 1, Band::default());
        }
        self.bands.get_mut(index)
    }
}

impl Band {
    fn apply(self, header: &mut BandHeader) {
        header.nodata = self.nodata.or(header.nodata);
        header.description = self.description.or(header.description.take());
        header.unit = self.unit.or(header.unit.take());
        header.scale = self.scale.or(header.scale);
        header.offset = self.offset.or(header.offset);
        put_over(&mut header.items, self.items);
    }
}

/// New values for known names, and new names behind them.
fn put_over(items: &mut Items, over: Items) {
    for (name, value) in over {
        match items.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => items.push((name, value)),
        }
    }
}

/// Where in the document the reader is.
#[derive(Default)]
struct Open {
    path: Vec<String>,
    band: Option<usize>,
    /// The name of the metadata item that is open.
    key: Option<String>,
    /// Metadata of a domain is for GDAL's own use.
    in_domain: bool,
    content: String,
}

impl Open {
    fn begin(&mut self, start: &BytesStart<'_>, found: &mut AuxXml) {
        let attribute = |wanted: &str| {
            let mut all = start.attributes().flatten();
            let found = all.find(|attribute| attribute.key.as_ref() == wanted)?;
            Some(unescape(&found.value))
        };
        let name = start.name().as_ref().to_owned();
        match name.as_str() {
            "PAMRasterBand" => {
                self.band = attribute("band").and_then(|number| number.trim().parse().ok());
                if let Some(number) = self.band {
                    found.band(number);
                }
            }
            "Metadata" => self.in_domain = attribute("domain").is_some_and(|name| !name.is_empty()),
            "MDI" => self.key = attribute("key"),
            _ => {}
        }
        self.content.clear();
        self.path.push(name);
    }

    fn end(&mut self, found: &mut AuxXml) {
        let Some(name) = self.path.pop() else { return };
        let content = std::mem::take(&mut self.content);
        let text = Some(content.trim().to_owned()).filter(|text| !text.is_empty());
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        match (path.as_slice(), name.as_str()) {
            ([_], "PAMRasterBand") => self.band = None,
            ([_], "SRS") => found.srs = text,
            ([_], "GeoTransform") => found.geotransform = text.as_deref().and_then(geotransform),
            ([_, "Metadata"], "MDI") => {
                if let (Some(key), Some(text)) = (self.key.take(), text) {
                    self.keep(&mut found.items, key, text);
                }
            }
            ([_, "PAMRasterBand", "Metadata"], "MDI") => {
                let band = self.band.and_then(|number| found.band(number));
                if let (Some(band), Some(key), Some(text)) = (band, self.key.take(), text) {
                    self.keep(&mut band.items, key, text);
                }
            }
            ([_, "PAMRasterBand"], _) => {
                let Some(band) = self.band.and_then(|number| found.band(number)) else {
                    return;
                };
                let number = || text.as_deref().and_then(|text| text.parse::<f64>().ok());
                match name.as_str() {
                    "Description" => band.description = text,
                    "UnitType" => band.unit = text,
                    "NoDataValue" => band.nodata = number(),
                    "Scale" => band.scale = number().filter(|scale| scale.is_normal()),
                    "Offset" => band.offset = number().filter(|offset| offset.is_finite()),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn keep(&self, items: &mut Items, key: String, text: String) {
        if !self.in_domain && items.len() < MOST_ITEMS {
            items.push((key, text));
        }
    }
}

fn geotransform(text: &str) -> Option<[f64; 6]> {
    let numbers: Option<Vec<f64>> = text
        .split(',')
        .map(|number| number.trim().parse().ok().filter(|n: &f64| n.is_finite()))
        .collect();
    numbers?.try_into().ok()
}

/// The geotransform of a world file: six lines, of which the last two are the centre of the upper left pixel and not its corner.
pub(crate) fn world_file(text: &str) -> Option<[f64; 6]> {
    let numbers: Option<Vec<f64>> = text
        .split_ascii_whitespace()
        .take(6)
        .map(|number| {
            let number = number.replace(',', ".");
            number.parse().ok().filter(|n: &f64| n.is_finite())
        })
        .collect();
    let [dx, column_rotation, row_rotation, dy, x, y] = numbers?.try_into().ok()?;
    let west = x - (dx + row_rotation) / 2.0;
    let north = y - (column_rotation + dy) / 2.0;
    Some([west, dx, row_rotation, north, column_rotation, dy])
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUX: &str = r#"<PAMDataset>
        <SRS dataAxisToSRSAxisMapping="2,1">EPSG:3035</SRS>
        <GeoTransform> 9.0e+05, 1.0e+02, 0, 5.5e+06, 0, -100 </GeoTransform>
        <Metadata><MDI key="title">Trees &amp; bushes</MDI></Metadata>
        <Metadata domain="IMAGE_STRUCTURE"><MDI key="INTERLEAVE">BAND</MDI></Metadata>
        <PAMRasterBand band="2"><Description>second</Description><NoDataValue>-9999</NoDataValue>
          <UnitType>m</UnitType><Offset>1.5</Offset><Scale>0.1</Scale>
          <Metadata><MDI key="STATISTICS_MAXIMUM">3</MDI></Metadata>
          <Metadata domain="X"><MDI key="b">c</MDI></Metadata></PAMRasterBand></PAMDataset>"#;

    #[test]
    fn all_that_it_may_say() {
        let aux = AuxXml::parse(AUX).unwrap();
        assert_eq!(aux.srs.as_deref(), Some("EPSG:3035"));
        assert_eq!(
            aux.geotransform,
            Some([9e5, 100.0, 0.0, 5.5e6, 0.0, -100.0])
        );
        assert_eq!(
            aux.items,
            [("title".to_owned(), "Trees & bushes".to_owned())]
        );
        assert_eq!(aux.bands[0], Band::default());
        let band = &aux.bands[1];
        assert_eq!(
            (band.nodata, band.scale, band.offset),
            (Some(-9999.0), Some(0.1), Some(1.5))
        );
        assert_eq!(
            (band.description.as_deref(), band.unit.as_deref()),
            (Some("second"), Some("m"))
        );
        assert_eq!(band.items.len(), 1);
        assert!(!aux.is_empty() && AuxXml::parse("<PAMDataset/>").unwrap().is_empty());
    }

    #[test]
    fn damaged_files() {
        assert!(AuxXml::parse(&AUX[..AUX.len() / 2]).is_err());
        let odd = "<PAMDataset><PAMRasterBand band=\"99999999999\"><Scale>0</Scale></PAMRasterBand>\
            <PAMRasterBand band=\"0\"><Scale>nan</Scale></PAMRasterBand><GeoTransform>1,2,nan,4,5,6</GeoTransform></PAMDataset>";
        assert!(AuxXml::parse(odd).unwrap().is_empty());
    }

    #[test]
    fn world_files_tell_the_centre_of_a_pixel() {
        let text = "100.0\n0.0\r\n0.0\n-100.0\n617201.0003\n1836432.158\n";
        assert_eq!(
            world_file(text),
            Some([617_151.000_3, 100.0, 0.0, 1_836_482.158, 0.0, -100.0])
        );
        assert_eq!(world_file("100 0 0 -100 1"), None);
        assert_eq!(world_file("100 0 0 -100 1 NaN"), None);
    }
}
