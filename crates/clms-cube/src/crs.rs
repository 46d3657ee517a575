//! Coordinate reference systems: compared by what they do, written as WKT 2 and CF.

use std::rc::Rc;

use gdal::spatial_ref::{AxisMappingStrategy, CoordTransform, SpatialRef};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::gdal_source::LocalConfig;

/// A coordinate reference system. Coordinates are always x (easting, longitude) before y (northing, latitude), whatever
/// the order of axes in the definition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Crs {
    /// Authority and code, such as `EPSG:3035`.
    pub code: Option<String>,
    /// The name in the definition.
    pub name: Option<String>,
    /// The definition as WKT 2.
    pub wkt: String,
}

impl Crs {
    /// The CRS of a definition: `EPSG:3035`, which may be called `3035`, WKT of any kind, a PROJ string. `None` when GDAL and PROJ don't
    /// know it.
    #[must_use]
    pub fn from_definition(definition: &str) -> Option<Self> {
        crate::gdal_source::initialise();
        let definition = definition.trim();
        let is_number = !definition.is_empty() && definition.bytes().all(|c| c.is_ascii_digit());
        let of_number = is_number.then(|| format!("EPSG:{definition}"));
        let definition = of_number.as_deref().unwrap_or(definition);
        let srs = SpatialRef::from_definition(definition).ok()?;
        SourceCrs::new(srs).identified().to_crs().ok()
    }

    /// The rectangle in this CRS around a bbox (west, south, east, north) in another one. Edges are followed at 21 points each, because they
    /// are curves in the other CRS.
    pub(crate) fn bbox_from(&self, other: &Self, bbox: [f64; 4]) -> Option<[f64; 4]> {
        let transform = self.transform_from(other).ok()?;
        let bbox = transform.transform_bounds(&bbox, 21).ok()?;
        bbox.iter().all(|edge| edge.is_finite()).then_some(bbox)
    }

    /// The same place in this CRS.
    pub(crate) fn point_from(&self, other: &Self, [x, y]: [f64; 2]) -> Option<[f64; 2]> {
        let (mut x, mut y) = ([x], [y]);
        let transform = self.transform_from(other).ok()?;
        transform.transform_coords(&mut x, &mut y, &mut []).ok()?;
        Some([x[0], y[0]]).filter(|place| place.iter().all(|number| number.is_finite()))
    }

    /// The way from another CRS to this one, x before y in both.
    pub(crate) fn transform_from(&self, other: &Self) -> gdal::errors::Result<CoordTransform> {
        CoordTransform::new(&other.spatial_ref()?, &self.spatial_ref()?)
    }

    /// As GDAL has it, x before y.
    pub(crate) fn spatial_ref(&self) -> gdal::errors::Result<SpatialRef> {
        let mut srs = SpatialRef::from_definition(&self.wkt)?;
        srs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
        Ok(srs)
    }

    /// Whether coordinates mean the same place in both, whatever they are called.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let both = SourceCrs::of_text(&self.wkt).zip(SourceCrs::of_text(&other.wkt));
        both.is_some_and(|(one, other)| one.same(&other))
    }

    /// True if coordinates are longitude and latitude in degrees, false if they are in the units of a projection.
    #[must_use]
    pub fn is_geographic(&self) -> bool {
        self.wkt.trim_start().starts_with("GEOG")
    }
}

/// Codes that CLMS products use, for definitions that come without one.
const USUAL_CODES: [u32; 12] = [
    3035, 4326, 4258, 3857, 32620, 32622, 32738, 32740, 4559, 2972, 4471, 2975,
];

/// The parameters that decide where a coordinate lies, but for the datum's name.
///
/// Published rasters name the datum of EPSG:3035 in several ways (ETRS89, IRENET95, "European Terrestrial Reference
/// System"), so names can't decide.
#[derive(Debug, Clone, PartialEq)]
struct Parameters {
    method: String,
    values: [f64; PARAMETER_NAMES.len()],
    semi_axes: [f64; 2],
    unit: f64,
}

const PARAMETER_NAMES: [&str; 11] = [
    "latitude_of_center",
    "longitude_of_center",
    "latitude_of_origin",
    "central_meridian",
    "standard_parallel_1",
    "standard_parallel_2",
    "scale_factor",
    "azimuth",
    "rectified_grid_angle",
    "false_easting",
    "false_northing",
];

impl Parameters {
    fn of(srs: &SpatialRef) -> Option<Self> {
        let geographic = srs.is_geographic();
        let method = match srs.get_attr_value("PROJECTION", 0).ok().flatten() {
            Some(method) => method.to_ascii_lowercase(),
            None if geographic => "geographic".to_owned(),
            None => return None,
        };
        let mut values = [0.0; PARAMETER_NAMES.len()];
        for (value, name) in values.iter_mut().zip(PARAMETER_NAMES) {
            *value = srs.get_proj_param(name).ok().flatten().unwrap_or(0.0);
        }
        let unit = if geographic {
            srs.angular_units()
        } else {
            srs.linear_units()
        };
        Some(Self {
            method,
            values,
            semi_axes: [srs.semi_major().ok()?, srs.semi_minor().ok()?],
            unit,
        })
    }

    fn same(&self, other: &Self) -> bool {
        let close = |a: &[f64], b: &[f64], tolerance: f64| {
            a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance)
        };
        self.method == other.method
            && close(&self.values, &other.values, 1e-9)
            && close(&self.semi_axes, &other.semi_axes, 1e-5)
            && (self.unit - other.unit).abs() <= 1e-12
    }
}

/// The CRS of a raster, in a form that can be compared. Clones share what they are made of.
#[derive(Debug, Clone)]
pub(crate) struct SourceCrs(Rc<Definition>);

#[derive(Debug)]
struct Definition {
    srs: SpatialRef,
    /// As the raster has it.
    wkt: String,
    code: Option<String>,
    parameters: Option<Parameters>,
}

impl SourceCrs {
    pub(crate) fn new(srs: SpatialRef) -> Self {
        Self(Rc::new(Definition {
            wkt: srs.to_wkt().unwrap_or_default(),
            code: srs.authority().ok().filter(|code| !code.ends_with(':')),
            parameters: Parameters::of(&srs),
            srs,
        }))
    }

    /// The known one with the same definition, or itself, which is known then: a million tiles have one.
    pub(crate) fn shared(self, known: &mut Vec<Self>) -> Self {
        let same = known.iter().find(|known| known.0.wkt == self.0.wkt);
        if let Some(same) = same {
            return same.clone();
        }
        known.push(self.clone());
        self
    }

    /// From a text that GDAL takes for a CRS; nothing is looked up in files or on the network for it.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        let code = text.trim().strip_prefix("EPSG:");
        let srs = match code.and_then(|code| code.parse().ok()) {
            Some(code) => SpatialRef::from_epsg(code),
            None => SpatialRef::from_wkt(text),
        };
        srs.ok().map(Self::new)
    }

    /// Whether coordinates mean the same place. Two that both have a code are the same only if PROJ says so.
    pub(crate) fn same(&self, other: &Self) -> bool {
        let (a, b) = (&self.0, &other.0);
        if Rc::ptr_eq(a, b) || a.srs == b.srs {
            return true;
        }
        if a.code.is_some() && b.code.is_some() {
            return false;
        }
        matches!((&a.parameters, &b.parameters), (Some(a), Some(b)) if a.same(b))
    }

    pub(crate) fn has_code(&self) -> bool {
        self.0.code.is_some()
    }

    /// Gives one without a code the code of the usual CRS with the same parameters.
    pub(crate) fn identified(self) -> Self {
        if self.has_code() {
            return self;
        }
        let usual = USUAL_CODES
            .iter()
            .filter_map(|code| SpatialRef::from_epsg(*code).ok())
            .map(Self::new);
        usual
            .into_iter()
            .find(|usual| usual.same(&self))
            .unwrap_or(self)
    }

    pub(crate) fn to_crs(&self) -> Result<Crs, gdal::errors::GdalError> {
        let _format = LocalConfig::set("OSR_WKT_FORMAT", "WKT2");
        Ok(Crs {
            code: self.0.code.clone(),
            name: self.0.srs.name(),
            wkt: self.0.srs.to_wkt()?,
        })
    }
}

impl Crs {
    /// The attributes of a CF grid mapping variable: `crs_wkt` always, the rest for the projections that CLMS uses.
    pub(crate) fn cf_grid_mapping(&self) -> Map<String, Value> {
        let mut attributes = Map::new();
        if let Some(code) = &self.code {
            attributes.insert("code".into(), json!(code));
        }
        attributes.insert("crs_wkt".into(), json!(self.wkt));
        // rioxarray and GDAL look for the definition under this name too.
        attributes.insert("spatial_ref".into(), json!(self.wkt));
        if let Ok(srs) = SpatialRef::from_wkt(&self.wkt)
            && let Some(parameters) = Parameters::of(&srs)
        {
            attributes.extend(parameters.cf());
            for (attribute, name) in [
                ("projected_crs_name", srs.is_projected()),
                ("geographic_crs_name", srs.is_geographic()),
            ]
            .into_iter()
            .filter_map(|(attribute, applies)| {
                Some((attribute, applies.then(|| srs.name()).flatten()?))
            }) {
                attributes.insert(attribute.into(), json!(name));
            }
        }
        attributes
    }
}

impl Parameters {
    fn cf(&self) -> Vec<(String, Value)> {
        let value = |name: &str| {
            PARAMETER_NAMES
                .iter()
                .position(|known| *known == name)
                .map_or(0.0, |index| self.values[index])
        };
        let (name, parameters): (&str, Vec<(&str, f64)>) = match self.method.as_str() {
            "geographic" => ("latitude_longitude", vec![]),
            "lambert_azimuthal_equal_area" => (
                "lambert_azimuthal_equal_area",
                vec![
                    ("latitude_of_projection_origin", value("latitude_of_center")),
                    (
                        "longitude_of_projection_origin",
                        value("longitude_of_center"),
                    ),
                    ("false_easting", value("false_easting")),
                    ("false_northing", value("false_northing")),
                ],
            ),
            "transverse_mercator" => (
                "transverse_mercator",
                vec![
                    ("latitude_of_projection_origin", value("latitude_of_origin")),
                    ("longitude_of_central_meridian", value("central_meridian")),
                    ("scale_factor_at_central_meridian", value("scale_factor")),
                    ("false_easting", value("false_easting")),
                    ("false_northing", value("false_northing")),
                ],
            ),
            _ => return Vec::new(),
        };
        let axes = [
            ("semi_major_axis", self.semi_axes[0]),
            ("semi_minor_axis", self.semi_axes[1]),
        ];
        let numbers = parameters
            .into_iter()
            .chain(axes)
            .map(|(name, value)| (name.to_owned(), json!(value)));
        std::iter::once(("grid_mapping_name".to_owned(), json!(name)))
            .chain(numbers)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// EPSG:3035 as some published rasters have it: another datum name, no authority.
    const LAEA_IRENET: &str = r#"PROJCS["ETRS89-extended / LAEA Europe",GEOGCS["IRENET95",DATUM["IRENET95",
        SPHEROID["GRS 1980",6378137,298.257222101]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],
        PROJECTION["Lambert_Azimuthal_Equal_Area"],PARAMETER["latitude_of_center",52],
        PARAMETER["longitude_of_center",10],PARAMETER["false_easting",4321000],
        PARAMETER["false_northing",3210000],UNIT["metre",1]]"#;

    fn epsg(code: u32) -> SourceCrs {
        SourceCrs::new(SpatialRef::from_epsg(code).unwrap())
    }

    #[test]
    fn compared_by_parameters() {
        let odd = SourceCrs::new(SpatialRef::from_wkt(LAEA_IRENET).unwrap());
        assert!(!odd.has_code());
        assert!(odd.same(&epsg(3035)));
        assert!(epsg(3035).same(&odd));
        assert!(!odd.same(&epsg(32620)));
        assert_eq!(
            odd.identified().to_crs().unwrap().code.as_deref(),
            Some("EPSG:3035")
        );
        // UTM 20N on GRS 80 (Guadeloupe) and on WGS 84 are a different CRS.
        assert!(!epsg(4559).same(&epsg(32620)));
        assert!(!epsg(4326).same(&epsg(4258)));
    }

    #[test]
    fn written_as_wkt2_and_cf() {
        let crs = epsg(3035).to_crs().unwrap();
        assert!(crs.wkt.starts_with("PROJCRS["), "{}", crs.wkt);
        let attributes = crs.cf_grid_mapping();
        assert_eq!(
            attributes["grid_mapping_name"],
            "lambert_azimuthal_equal_area"
        );
        assert_eq!(attributes["latitude_of_projection_origin"], 52.0);
        let utm = epsg(32620).to_crs().unwrap().cf_grid_mapping();
        assert_eq!(utm["grid_mapping_name"], "transverse_mercator");
        assert_eq!(utm["longitude_of_central_meridian"], -63.0);
    }
}
