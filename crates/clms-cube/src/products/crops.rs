//! Croplands, the confidence layers of vegetated land cover, and plant phenology.
//!
//! The layers of 16 bits have flags from 65526 to 65534 of which no public source says what they mean; these keep their numbers.

use super::{Product, Values, percent, product};
use crate::product_classes::KnownClass;

const OUTSIDE: KnownClass = (255, "outside area", 0x000000);
const OUTSIDE_16: KnownClass = (65535, "outside area", 0x000000);
const NO_ANNUAL_CROPLAND: KnownClass = (0, "no annual cropland", 0xf0f0f0);

/// The confidence of a class in percent; 253 is what the classification does not speak of.
const CONFIDENCE_OF_TREES: Values = percent(&[(253, "no tree cover", 0xf0f0f0), OUTSIDE]);
const CONFIDENCE_OF_CHANGES: Values = percent(&[(253, "unchanged areas", 0xf0f0f0), OUTSIDE]);
const CONFIDENCE_OF_CROPS: Values = percent(&[(253, "no cropland", 0xf0f0f0), OUTSIDE]);
const CONFIDENCE: Values = percent(&[OUTSIDE]);

/// From the first day to `most` days.
const fn days(most: f64, codes: &'static [KnownClass]) -> Values {
    Values::Quantity {
        min: 1.0,
        max: most,
        units: "days",
        codes,
    }
}

const DAYS: Values = days(366.0, &[NO_ANNUAL_CROPLAND, OUTSIDE_16]);
const FALLOW_DAYS: Values = days(1826.0, &[(0, "no fallow land", 0xf0f0f0), OUTSIDE_16]);

/// Days as two digits of the year and three of the day in it: 17120 is the last of April 2017.
const fn dates(codes: &'static [KnownClass]) -> Values {
    Values::Quantity {
        min: 1.0,
        max: 65_525.0,
        units: "1",
        codes,
    }
}

const CROP_DATES: Values = dates(&[NO_ANNUAL_CROPLAND, OUTSIDE_16]);

const CROPPING_SEASONS: &[KnownClass] = &[
    NO_ANNUAL_CROPLAND,
    (1, "one growing season", 0xe79d1d),
    (2, "two growing seasons", 0x8ae937),
    OUTSIDE_16,
];
const CROPS_OF_THREE_YEARS: &[KnownClass] = &[
    (0, "no annual cropland in three years", 0xf0f0f0),
    (1, "one type of annual crop in three years", 0xe79d1d),
    (2, "two types of annual crops in three years", 0x8ae937),
    (3, "three types of annual crops in three years", 0xf33afc),
    OUTSIDE_16,
];
const SECONDARY_CROPS: &[KnownClass] = &[
    NO_ANNUAL_CROPLAND,
    (1, "short summer CC", 0xfecb5b),
    (2, "long summer CC", 0xff9e01),
    (3, "short winter CC", 0x63e53b),
    (4, "long winter CC", 0x106400),
    OUTSIDE_16,
];
const FALLOW: &[KnownClass] = &[
    (0, "no fallow land", 0xf0f0f0),
    (1, "fallow", 0xce8b27),
    OUTSIDE_16,
];

/// As `PRODUCTS`.
pub(super) const CROPS: &[(&str, Product)] = &[
    product("CTYCL", "Confidence of Crop Types", CONFIDENCE_OF_CROPS),
    product(
        "DLTCL",
        "Confidence of Dominant Leaf Type",
        CONFIDENCE_OF_TREES,
    ),
    product(
        "TCDCL",
        "Confidence of Tree Cover Density",
        CONFIDENCE_OF_TREES,
    ),
    product(
        "TCPCCL",
        "Confidence of Tree Cover Presence Change",
        CONFIDENCE_OF_CHANGES,
    ),
    product("GRACL", "Confidence of Grassland", CONFIDENCE),
    product("GRACCL", "Confidence of Grassland Change", CONFIDENCE),
    product(
        "GRAMECL",
        "Confidence of Grassland Mowing Events",
        CONFIDENCE,
    ),
    product(
        "CPMCE",
        "Main Crop Emergence (year and day as YYDDD)",
        CROP_DATES,
    ),
    product("CPMCECL", "Confidence of Main Crop Emergence", DAYS),
    product(
        "CPMCH",
        "Main Crop Harvest (year and day as YYDDD)",
        CROP_DATES,
    ),
    product("CPMCHCL", "Confidence of Main Crop Harvest", DAYS),
    product("CPMCD", "Main Crop Duration", DAYS),
    product("CPMCDCL", "Confidence of Main Crop Duration", DAYS),
    product(
        "CPSCT",
        "Secondary Crop Types",
        Values::Classes(SECONDARY_CROPS),
    ),
    product(
        "CPSCE",
        "Secondary Crop Emergence (year and day as YYDDD)",
        CROP_DATES,
    ),
    product("CPSCD", "Secondary Crop Duration", DAYS),
    product("CPSCDCL", "Confidence of Secondary Crop Duration", DAYS),
    product("CPBSB", "Bare Soil before the Main Crop", DAYS),
    product(
        "CPBSBCL",
        "Confidence of Bare Soil before the Main Crop",
        DAYS,
    ),
    product("CPBSA", "Bare Soil after the Main Crop", DAYS),
    product(
        "CPBSACL",
        "Confidence of Bare Soil after the Main Crop",
        DAYS,
    ),
    product(
        "CPCSY",
        "Cropping Seasons of the Year",
        Values::Classes(CROPPING_SEASONS),
    ),
    product(
        "CPCST",
        "Cropping Seasons Types",
        Values::Classes(CROPS_OF_THREE_YEARS),
    ),
    product("CPFLP", "Fallow Land Presence", Values::Classes(FALLOW)),
    product(
        "CPFLPCL",
        "Confidence of Fallow Land Presence",
        percent(&[(253, "no fallow land", 0xf0f0f0), OUTSIDE_16]),
    ),
    product("CPFLD", "Fallow Land Duration", FALLOW_DAYS),
    product("CPFLDCL", "Confidence of Fallow Land Duration", FALLOW_DAYS),
];

/// The quality of phenology, by the first word of a file's name: no code of its own tells these two apart.
pub(super) const QUALITY_FLAGS: &[(&str, Product)] = &[
    (
        "VPP",
        Product {
            variable: "QFLAG",
            long_name: "Quality of Vegetation Phenology and Productivity",
            values: Values::Classes(&[
                (0, "not processed", 0xa0a0a0),
                (1, "no season", 0xffffff),
                (2, "filled", 0xa6d96a),
                (3, "low quality: 3", 0x1a9641),
                (4, "low quality: 4", 0x1a9641),
                (5, "low quality: 5", 0x1a9641),
                (6, "low quality: 6", 0x1a9641),
                (7, "medium quality: 7", 0x1a9641),
                (8, "medium quality: 8", 0x1a9641),
                (9, "medium quality: 9", 0x1a9641),
                (10, "high quality", 0x1a9641),
            ]),
            outside: (None, None),
        },
    ),
    (
        "ST",
        Product {
            variable: "QFLAG",
            long_name: "Quality of Seasonal Trajectories",
            values: Values::Classes(&[
                (0, "no data", 0xffffff),
                (1, "extrapolated", 0xa6d96a),
                (2, "interpolated", 0xa6d96a),
                (3, "low quality", 0x1a9641),
                (4, "medium quality", 0x1a9641),
                (5, "high quality", 0x1a9641),
            ]),
            outside: (None, None),
        },
    ),
];

#[cfg(test)]
mod tests {
    use super::super::by_file_name;
    use super::*;
    use crate::DataType;

    #[test]
    fn crops_and_quality_by_file_name() {
        let of = |stem: &str| by_file_name(stem).unwrap();
        let harvest = of("CLMS_HRLVLCC_CPMCH_S2021_R10m_E44N36_03035_V01_R00");
        assert_eq!(harvest.values, CROP_DATES);
        assert_eq!(harvest.outside(DataType::UInt16), Some(65535.0));
        assert_eq!(
            of("CLMS_HRLVLCC_CTYCL_S2021_R10m").values,
            CONFIDENCE_OF_CROPS
        );
        // Phenology has tiles, parameters and seasons in its names.
        let quality = of("VPP_2022_S2_T40KCC-010m_V105_s2_QFLAG");
        assert!(matches!(quality.values, Values::Classes(classes) if classes.len() == 11));
        let quality = of("ST_20220101T000000_S2_T40KCC-010m_V105_QFLAG");
        assert!(matches!(quality.values, Values::Classes(classes) if classes.len() == 6));
        assert_eq!(by_file_name("something_QFLAG"), None);
    }

    #[test]
    fn codes_rise_and_have_names() {
        for (code, product) in CROPS.iter().chain(QUALITY_FLAGS) {
            let classes = match product.values {
                Values::Classes(classes) => classes,
                Values::Quantity { codes, .. } => codes,
            };
            let rise = classes.windows(2).all(|pair| pair[0].0 < pair[1].0);
            assert!(rise && !classes.is_empty(), "{code}");
        }
    }
}
