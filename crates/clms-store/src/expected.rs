//! Which values the rasters of a product have, before one of them is here: by the names of files, as the product's documents tell them.
//!
//! What a package says of itself counts more: of a cached cube [`CubeContents`](crate::CubeContents) tells.

use clms_cube::Class;
use schemars::JsonSchema;
use serde::Serialize;

/// What the values of a raster will stand for; see [`Description::expected`](crate::Description::expected).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ExpectedValues {
    /// Of a quantity: the least and the greatest value, and its units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<ExpectedQuantity>,
    /// What codes stand for, by value.
    pub classes: Vec<Class>,
}

/// The values of a quantity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ExpectedQuantity {
    /// The least value.
    pub min: i64,
    /// The greatest value.
    pub max: i64,
    /// Units, as UDUNITS writes them.
    pub units: String,
}

type Names = &'static [(i64, &'static str)];

impl ExpectedValues {
    /// Of the file of a product, if it is a raster whose values are documented.
    pub(crate) fn of_file(file: &str) -> Option<Self> {
        let (percent, names) = names(file)?;
        let class = |(value, name): &(i64, &str)| Class {
            value: *value,
            name: Some((*name).to_owned()),
            colour: None,
        };
        Some(Self {
            quantity: percent.then(|| ExpectedQuantity {
                min: 0,
                max: 100,
                units: "%".to_owned(),
            }),
            classes: names.iter().map(class).collect(),
        })
    }
}

/// Whether the values are per cent, and what codes stand for.
fn names(file: &str) -> Option<(bool, Names)> {
    let file = file.to_ascii_lowercase();
    let mut words = file.split('_');
    // `FTY_2015_100m_...`; newer ones are `CLMS_<group>_<variable>_...`.
    let mut code = words.next()?;
    if code == "clms" {
        code = match words.next()? {
            "clcplus" => "clcplus",
            _ => words.next()?,
        };
    }
    let is_coarse = file.contains("_100m_");
    match code {
        "clcplus" => Some((false, CLCPLUS)),
        "fty" if is_coarse => Some((false, FOREST_TYPE_100M)),
        "fty" => Some((false, FOREST_TYPE)),
        "dlt" => Some((false, LEAF_TYPE)),
        "tcpc" => Some((false, TREE_COVER_CHANGE)),
        "ctype" | "cty" => Some((false, CROPS)),
        "tcd" | "bcd" | "ccd" | "imd" | "sbu" => Some((true, &[])),
        "gra" if !is_coarse => Some((false, GRASSLAND)),
        "fsc" => Some((true, SNOW)),
        // `u2018_clc2018_v2020_20u1_raster100m`: the third word is the version of the whole series, in which pixels are numbered.
        _ if file.contains("_clc") && file.contains("_v2020_") && file.contains("raster") => {
            Some((false, CORINE))
        }
        _ => None,
    }
}

/// The 44 classes of CORINE Land Cover by their numbers; 48 is what has no data.
const CORINE: Names = &[
    (1, "111 Continuous urban fabric"),
    (2, "112 Discontinuous urban fabric"),
    (3, "121 Industrial or commercial units"),
    (4, "122 Road and rail networks and associated land"),
    (5, "123 Port areas"),
    (6, "124 Airports"),
    (7, "131 Mineral extraction sites"),
    (8, "132 Dump sites"),
    (9, "133 Construction sites"),
    (10, "141 Green urban areas"),
    (11, "142 Sport and leisure facilities"),
    (12, "211 Non-irrigated arable land"),
    (13, "212 Permanently irrigated land"),
    (14, "213 Rice fields"),
    (15, "221 Vineyards"),
    (16, "222 Fruit trees and berry plantations"),
    (17, "223 Olive groves"),
    (18, "231 Pastures"),
    (19, "241 Annual crops associated with permanent crops"),
    (20, "242 Complex cultivation patterns"),
    (
        21,
        "243 Land principally occupied by agriculture, with significant areas of natural vegetation",
    ),
    (22, "244 Agro-forestry areas"),
    (23, "311 Broad-leaved forest"),
    (24, "312 Coniferous forest"),
    (25, "313 Mixed forest"),
    (26, "321 Natural grasslands"),
    (27, "322 Moors and heathland"),
    (28, "323 Sclerophyllous vegetation"),
    (29, "324 Transitional woodland-shrub"),
    (30, "331 Beaches, dunes, sands"),
    (31, "332 Bare rocks"),
    (32, "333 Sparsely vegetated areas"),
    (33, "334 Burnt areas"),
    (34, "335 Glaciers and perpetual snow"),
    (35, "411 Inland marshes"),
    (36, "412 Peat bogs"),
    (37, "421 Salt marshes"),
    (38, "422 Salines"),
    (39, "423 Intertidal flats"),
    (40, "511 Water courses"),
    (41, "512 Water bodies"),
    (42, "521 Coastal lagoons"),
    (43, "522 Estuaries"),
    (44, "523 Sea and ocean"),
    (48, "no data"),
];

const CLCPLUS: Names = &[
    (1, "Sealed"),
    (2, "Woody needle leaved trees"),
    (3, "Woody broadleaved deciduous trees"),
    (4, "Woody broadleaved evergreen trees"),
    (5, "Low-growing woody plants"),
    (6, "Permanent herbaceous"),
    (7, "Periodically herbaceous"),
    (8, "Lichens and mosses"),
    (9, "Non and sparsely vegetated"),
    (10, "Water"),
    (11, "Snow and ice"),
    (253, "Coastal seawater buffer"),
    (254, "Outside area"),
    (255, "No data"),
];

const FOREST_TYPE: Names = &[
    (0, "all non-forest areas"),
    (1, "broadleaved forest"),
    (2, "coniferous forest"),
];

const FOREST_TYPE_100M: Names = &[
    (0, "all non-forest areas"),
    (1, "broadleaved forest"),
    (2, "coniferous forest"),
    (3, "mixed forest"),
];

const LEAF_TYPE: Names = &[
    (0, "all non-tree covered areas"),
    (1, "broadleaved trees"),
    (2, "coniferous trees"),
];

const TREE_COVER_CHANGE: Names = &[
    (0, "unchanged areas with no tree cover"),
    (1, "new tree cover"),
    (2, "loss of tree cover"),
    (10, "unchanged areas with tree cover"),
];

const GRASSLAND: Names = &[(0, "all non-grassland areas"), (1, "grassland")];

/// Beside the per cent of snow.
const SNOW: Names = &[
    (205, "cloud or cloud shadow"),
    (210, "inland water"),
    (255, "no data"),
];

const CROPS: Names = &[
    (0, "No cropland"),
    (1110, "Wheat"),
    (1120, "Barley"),
    (1130, "Maize"),
    (1140, "Rice"),
    (1150, "Other cereals"),
    (1210, "Fresh vegetables"),
    (1220, "Dry pulses"),
    (1310, "Potatoes"),
    (1320, "Sugar beet"),
    (1410, "Sunflower"),
    (1420, "Soybeans"),
    (1430, "Rapeseed"),
    (1440, "Flax, cotton and hemp"),
    (2100, "Grapes"),
    (2200, "Olives"),
    (2310, "Fruits"),
    (2320, "Nuts"),
    (3100, "Unclassified arable crop"),
    (3200, "Unclassified permanent crop"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_by_the_names_of_files() {
        let told = |file: &str| {
            let expected = ExpectedValues::of_file(file)?;
            let last = expected.classes.last();
            let last = last.map(|class| (class.value, class.name.clone().unwrap_or_default()));
            Some((expected.quantity.is_some(), expected.classes.len(), last))
        };
        let named = |value, name: &str| Some((value, name.to_owned()));
        for (file, wanted) in [
            (
                "FTY_2015_100m_eu_03035_d02_Full",
                Some((false, 4, named(3, "mixed forest"))),
            ),
            (
                "FTY_2015_020m_eu_03035_d04_E00N20",
                Some((false, 3, named(2, "coniferous forest"))),
            ),
            ("IMD_2018_100m_eu_03035_v020", Some((true, 0, None))),
            (
                "u2018_clc2018_v2020_20u1_raster100m",
                Some((false, 45, named(48, "no data"))),
            ),
            (
                "CLMS_CLCplus_RASTER_2021",
                Some((false, 14, named(255, "No data"))),
            ),
            (
                "CLMS_WSI_FSC_020m_T32TNS_20210101T103421_S2A_V200",
                Some((true, 3, named(255, "no data"))),
            ),
            // Pixels are codes, not numbers, in the first edition of 2018.
            ("clc2018_clc2018_v2018_20_raster100m", None),
            ("u2018_clc2018_v2020_20u1_geoPackage", None),
            ("IMC_1215_100m_eu_03035_d03_Full", None),
            ("", None),
            ("CLMS", None),
        ] {
            assert_eq!(told(file), wanted, "{file}");
        }
    }
}
