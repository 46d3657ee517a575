//! A small ISO 19139 metadata record, as each raster of a package has one.

use std::path::Path;

use gdal::spatial_ref::{AxisMappingStrategy, CoordTransform, SpatialRef};

use crate::error::{AtPath, Result};
use crate::geotiff::spatial_ref;
use crate::raster::{Crs, RasterSpec};

/// The record of a raster: title, CRS, resolution and geographic extent.
pub(crate) fn document(spec: &RasterSpec) -> Result<String> {
    let path = Path::new(&spec.name);
    let title = escape(&path.file_stem().unwrap_or_default().to_string_lossy());
    let crs = match &spec.crs {
        Some(Crs::Epsg(code)) => format!("http://www.opengis.net/def/crs/EPSG/0/{code}"),
        Some(Crs::Definition(text)) => escape(text),
        None => String::new(),
    };
    let [west, south, east, north] = geographic_bounds(spec).at(path)?;
    let pixel = spec.transform()[1];
    Ok(format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<gmd:MD_Metadata xmlns:gmd="http://www.isotc211.org/2005/gmd" xmlns:gco="http://www.isotc211.org/2005/gco">
  <gmd:fileIdentifier><gco:CharacterString>{title}</gco:CharacterString></gmd:fileIdentifier>
  <gmd:language><gco:CharacterString>eng</gco:CharacterString></gmd:language>
  <gmd:referenceSystemInfo><gmd:MD_ReferenceSystem><gmd:referenceSystemIdentifier><gmd:RS_Identifier>
    <gmd:code><gco:CharacterString>{crs}</gco:CharacterString></gmd:code>
  </gmd:RS_Identifier></gmd:referenceSystemIdentifier></gmd:MD_ReferenceSystem></gmd:referenceSystemInfo>
  <gmd:identificationInfo><gmd:MD_DataIdentification>
    <gmd:citation><gmd:CI_Citation><gmd:title><gco:CharacterString>{title}</gco:CharacterString></gmd:title></gmd:CI_Citation></gmd:citation>
    <gmd:abstract><gco:CharacterString>Made by clms-factory for tests. Not a product of the Copernicus Land Monitoring Service.</gco:CharacterString></gmd:abstract>
    <gmd:spatialResolution><gmd:MD_Resolution><gmd:distance><gco:Distance uom="m">{pixel}</gco:Distance></gmd:distance></gmd:MD_Resolution></gmd:spatialResolution>
    <gmd:extent><gmd:EX_Extent><gmd:geographicElement><gmd:EX_GeographicBoundingBox>
      <gmd:westBoundLongitude><gco:Decimal>{west:.6}</gco:Decimal></gmd:westBoundLongitude>
      <gmd:eastBoundLongitude><gco:Decimal>{east:.6}</gco:Decimal></gmd:eastBoundLongitude>
      <gmd:southBoundLatitude><gco:Decimal>{south:.6}</gco:Decimal></gmd:southBoundLatitude>
      <gmd:northBoundLatitude><gco:Decimal>{north:.6}</gco:Decimal></gmd:northBoundLatitude>
    </gmd:EX_GeographicBoundingBox></gmd:geographicElement></gmd:EX_Extent></gmd:extent>
  </gmd:MD_DataIdentification></gmd:identificationInfo>
</gmd:MD_Metadata>
"#
    ))
}

/// West, south, east and north in degrees; zeros without a CRS.
fn geographic_bounds(spec: &RasterSpec) -> gdal::errors::Result<[f64; 4]> {
    let Some(crs) = &spec.crs else {
        return Ok([0.0; 4]);
    };
    let mut from = spatial_ref(crs)?;
    let mut to = SpatialRef::from_epsg(4326)?;
    for crs in [&mut from, &mut to] {
        crs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    }
    CoordTransform::new(&from, &to)?.transform_bounds(&spec.bounds(), 21)
}

/// Escapes a text for XML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
