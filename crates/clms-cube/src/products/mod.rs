//! What is known about CLMS products beyond what their files say: a table of facts taken over from the public product
//! specifications.

mod crops;

use crate::product_classes::{self as classes, KnownClass};

/// What the values of a product are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Values {
    /// Codes of classes.
    Classes(&'static [KnownClass]),
    /// A measure with its valid range; values beyond it are codes.
    Quantity {
        min: f64,
        max: f64,
        units: &'static str,
        /// What codes beyond the range mean.
        codes: &'static [KnownClass],
    },
}

/// What is known about a product.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Product {
    /// The name of the variable.
    pub(crate) variable: &'static str,
    pub(crate) long_name: &'static str,
    pub(crate) values: Values,
    /// Code for "outside the area" in the unsigned types of 8 and 16 bits.
    outside: (Option<u8>, Option<u16>),
}

const fn percent(codes: &'static [KnownClass]) -> Values {
    Values::Quantity {
        min: 0.0,
        max: 100.0,
        units: "%",
        codes,
    }
}

const PERCENT: Values = percent(classes::BEYOND_PERCENT);
/// The change in percent plus 100: 0 is all lost, 100 no change, 200 all new.
const CHANGE: Values = Values::Quantity {
    min: 0.0,
    max: 200.0,
    units: "%",
    codes: classes::BEYOND_CHANGES,
};
const METRES: Values = Values::Quantity {
    min: 0.0,
    max: 1000.0,
    units: "m",
    codes: &[],
};
const OPEN: Values = Values::Classes(&[]);
const OUTSIDE_255: (Option<u8>, Option<u16>) = (Some(255), Some(65535));

/// Code in file names (upper case), variable, long name, values, outside codes.
const PRODUCTS: &[(&str, Product)] = &[
    product("BCD", "Broadleaved Cover Density", PERCENT),
    product("CCD", "Coniferous Cover Density", PERCENT),
    product("TCD", "Tree Cover Density", PERCENT),
    product(
        "TCPC",
        "Tree Cover Presence Change",
        Values::Classes(classes::TREE_COVER_CHANGES),
    ),
    product(
        "TCCM",
        "Tree Cover Change Mask",
        Values::Classes(classes::TREE_COVER_CHANGES),
    ),
    // Of its other codes no public source says what they mean.
    product(
        "TCMDCL",
        "Forest Derived Correction Layer",
        Values::Classes(classes::BEYOND_PERCENT),
    ),
    product(
        "DLT",
        "Dominant Leaf Type",
        Values::Classes(classes::LEAF_TYPES),
    ),
    product(
        "DLTC",
        "Dominant Leaf Type Change",
        Values::Classes(classes::LEAF_TYPE_CHANGES),
    ),
    product("FTY", "Forest Type", Values::Classes(classes::FOREST_TYPES)),
    product(
        "FADSL",
        "Forest Additional Support Layer",
        Values::Classes(classes::FOREST_SUPPORT),
    ),
    product("GRA", "Grassland", Values::Classes(classes::GRASSLAND)),
    product(
        "GRAC",
        "Grassland Change",
        Values::Classes(classes::GRASSLAND_CHANGES),
    ),
    product("GRAVPI", "Grassland Vegetation Probability Index", PERCENT),
    product(
        "GRAME",
        "Grassland Mowing Events",
        Values::Classes(classes::MOWING_EVENTS),
    ),
    product(
        "GRAMD",
        "Grassland Mowing Dates",
        Values::Quantity {
            min: 0.0,
            max: 365.0,
            units: "day of the year",
            codes: &[(65535, "outside area", 0x000000)],
        },
    ),
    product(
        "PLOUGH",
        "Ploughing Indicator",
        Values::Classes(classes::PLOUGHING),
    ),
    product(
        "HER",
        "Herbaceous Cover",
        Values::Classes(classes::HERBACEOUS),
    ),
    product("IMD", "Imperviousness Density", PERCENT),
    product("IMDC", "Imperviousness Density Change (100: none)", CHANGE),
    product("IMC", "Imperviousness Change (100: none)", CHANGE),
    product(
        "IMCC",
        "Imperviousness Classified Change",
        Values::Classes(classes::IMPERVIOUSNESS_CHANGES),
    ),
    product(
        "IBU",
        "Impervious Built-up",
        Values::Classes(classes::BUILT_UP),
    ),
    product(
        "IBUC",
        "Impervious Built-up Change",
        Values::Classes(classes::BUILT_UP_CHANGES),
    ),
    product("SBU", "Share of Built-up", PERCENT),
    product("SBUC", "Share of Built-up Change (100: none)", CHANGE),
    product(
        "SBCC",
        "Share of Built-up Classified Change",
        Values::Classes(classes::SHARE_OF_BUILT_UP_CHANGES),
    ),
    product(
        "SWF",
        "Small Woody Features",
        Values::Classes(classes::SMALL_WOODY_FEATURES),
    ),
    product(
        "SWFC",
        "Small Woody Features Change",
        Values::Classes(classes::SMALL_WOODY_FEATURES_CHANGES),
    ),
    product(
        "WVL",
        "Woody Vegetation Layer",
        Values::Classes(classes::WOODY_VEGETATION),
    ),
    product(
        "WAW",
        "Water and Wetness",
        Values::Classes(classes::WATER_AND_WETNESS),
    ),
    product(
        "WWPI",
        "Water and Wetness Probability Index",
        percent(classes::BEYOND_WATER_PROBABILITY),
    ),
    product("BBH", "Building Height", METRES),
    product("DHM", "Building Height", METRES),
    product(
        "SWS",
        "SAR Wet Snow",
        Values::Classes(classes::SAR_WET_SNOW),
    ),
    product(
        "WDS",
        "Wet and Dry Snow",
        Values::Classes(classes::WET_AND_DRY_SNOW),
    ),
    product(
        "LULUCF",
        "Land Use and Forestry",
        Values::Classes(classes::LULUCF),
    ),
    product(
        "LCM",
        "Global Land Cover Map",
        Values::Classes(classes::GLOBAL_LAND_COVER),
    ),
    product("CTY", "Crop Types", Values::Classes(classes::CROP_TYPES)),
    product(
        "FSC",
        "Fractional Snow Cover",
        percent(classes::BEYOND_SNOW),
    ),
    product(
        "WIC",
        "Water and Ice Cover",
        Values::Classes(classes::WATER_ICE),
    ),
    (
        "CLC",
        Product {
            variable: "CLC",
            long_name: "CORINE Land Cover",
            values: OPEN,
            outside: (Some(48), Some(999)),
        },
    ),
    (
        "CHA",
        Product {
            variable: "CHA",
            long_name: "CORINE Land Cover Change",
            values: OPEN,
            outside: (None, Some(999)),
        },
    ),
    (
        "CLCPLUS",
        Product {
            variable: "CLCplus",
            long_name: "CLCplus Backbone",
            values: Values::Classes(classes::CLCPLUS),
            outside: (Some(254), None),
        },
    ),
];

/// Products whose maps of 100 m hold shares of the pixel, where the others hold classes; and what these shares are.
const SHARES_AT_100_M: &[(&str, Product)] = &[
    product("SWF", "Small Woody Features Density", PERCENT),
    // The specification says classes, the legend says percent: nothing is said here.
    product("GRA", "Grassland", OPEN),
];

const fn product(
    code: &'static str,
    long_name: &'static str,
    values: Values,
) -> (&'static str, Product) {
    (
        code,
        Product {
            variable: code,
            long_name,
            values,
            outside: OUTSIDE_255,
        },
    )
}

impl Product {
    /// The code that fills what lies outside the area; the signed byte of CORINE Land Cover has its own.
    pub(crate) fn outside(&self, dtype: crate::DataType) -> Option<f64> {
        use crate::DataType;
        match dtype {
            DataType::UInt8 => self.outside.0.map(f64::from),
            DataType::UInt16 => self.outside.1.map(f64::from),
            DataType::Int16 if self.variable == "CLC" => Some(999.0),
            DataType::Int8 if self.variable == "CLC" => Some(-128.0),
            _ => None,
        }
    }
}

/// The product that a file name (without folders) speaks of: `FTY_2015_100m_eu_...`, `CLMS_HRLVLCC_TCD_S2018_...`,
/// `U2018_CLC2018_V2020_20u1`, `CLMS_CLCplus_RASTER_2021_...`.
pub(crate) fn by_file_name(stem: &str) -> Option<&'static Product> {
    let mut found: Option<&(&str, Product)> = None;
    let is_100_m = |token: &str| ["100m", "r100m"].contains(&token.to_ascii_lowercase().as_str());
    let separators = ['_', '-', '.', ' '];
    for token in stem.split(separators) {
        let token = token.to_ascii_uppercase();
        let mut all = PRODUCTS.iter().chain(crops::CROPS);
        let exact = all.find(|(code, _)| *code == token);
        let found_here = exact.or_else(|| {
            // CORINE Land Cover appends the year of reference.
            let code = token.get(..3)?;
            let year = token
                .get(3..)
                .is_some_and(|y| !y.is_empty() && y.bytes().all(|b| b.is_ascii_digit()));
            PRODUCTS
                .iter()
                .find(|(known, _)| year && *known == code && matches!(code, "CLC" | "CHA"))
        });
        // LULUCF maps are a member of the CLCplus family.
        let is_family = found.is_some_and(|(code, _)| *code == "CLCPLUS");
        found = found_here
            .filter(|_| is_family || found.is_none())
            .or(found);
    }
    let Some((code, product)) = found else {
        return quality_flag(stem);
    };
    let mut shares = SHARES_AT_100_M
        .iter()
        .filter(|_| stem.split(separators).any(is_100_m));
    let share = shares.find(|(known, _)| known == code);
    Some(share.map_or(product, |(_, product)| product))
}

/// The quality of phenology, whose files are named by their family first.
fn quality_flag(stem: &str) -> Option<&'static Product> {
    let mut tokens = stem.split(['_', '-', '.', ' ']);
    let family = tokens.next()?;
    let is_flag = tokens.any(|token| token.eq_ignore_ascii_case("QFLAG"));
    let mut known = crops::QUALITY_FLAGS.iter().filter(|_| is_flag);
    let found = known.find(|(known, _)| known.eq_ignore_ascii_case(family));
    found.map(|(_, product)| product)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DataType;

    #[test]
    fn products_by_file_name() {
        let variable = |stem: &str| by_file_name(stem).map(|product| product.variable);
        assert_eq!(variable("FTY_2015_100m_eu_03035_d02_full"), Some("FTY"));
        assert_eq!(
            variable("CLMS_HRLVLCC_TCD_S2018_R10m_E44N36_03035_V01_R00"),
            Some("TCD")
        );
        assert_eq!(variable("U2018_CLC2018_V2020_20u1"), Some("CLC"));
        assert_eq!(
            variable("CLMS_CLCplus_RASTER_2021_010m_eu_03035_V1_1"),
            Some("CLCplus")
        );
        assert_eq!(variable("imd_2018_100m_eu_03035_v020"), Some("IMD"));
        assert_eq!(variable("CLMS_CLCplus_LULUCF_2018_100m_eu"), Some("LULUCF"));
        let values = |stem: &str| by_file_name(stem).map(|product| product.values);
        assert_eq!(values("swf_2018_100m_eu_03035_v1_0"), Some(PERCENT));
        assert_eq!(values("CLMS_HRLVLCC_GRA_S2018_R100m_E44N36"), Some(OPEN));
        assert_eq!(
            values("swf_2018_005m_eu_03035_v1_0"),
            Some(Values::Classes(classes::SMALL_WOODY_FEATURES))
        );
        assert_eq!(variable("something"), None);
        assert_eq!(variable("CLCä"), None);
    }

    #[test]
    fn outside_codes() {
        assert_eq!(
            by_file_name("FTY").unwrap().outside(DataType::UInt8),
            Some(255.0)
        );
        assert_eq!(
            by_file_name("CLMS_CLCplus_RASTER")
                .unwrap()
                .outside(DataType::UInt8),
            Some(254.0)
        );
        assert_eq!(
            by_file_name("CTY").unwrap().outside(DataType::UInt16),
            Some(65535.0)
        );
        assert_eq!(
            by_file_name("CLC2018").unwrap().outside(DataType::Int8),
            Some(-128.0)
        );
        assert_eq!(
            by_file_name("TCD").unwrap().outside(DataType::Float32),
            None
        );
    }
}
