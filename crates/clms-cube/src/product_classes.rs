//! Classes of known products, for packages that come without a table of their own: codes, names and colours as the product
//! specifications and their legends have them.

/// Value, name, and colour as `0xrrggbb` or [`NO_COLOUR`].
pub(crate) type KnownClass = (i64, &'static str, u32);

/// Of a class whose colour no source tells.
const NO_COLOUR: u32 = u32::MAX;

const OUTSIDE: KnownClass = (255, "outside area", 0x00_0000);
const UNCLASSIFIABLE: KnownClass = (254, "unclassifiable area", NO_COLOUR);

pub(crate) const LEAF_TYPES: &[KnownClass] = &[
    (0, "non-tree areas", 0xf0f0f0),
    (1, "broadleaved trees", 0x469e4a),
    (2, "coniferous trees", 0x1c5c24),
    UNCLASSIFIABLE,
    OUTSIDE,
];
pub(crate) const LEAF_TYPE_CHANGES: &[KnownClass] = &[
    (0, "no tree cover, unchanged", 0xffffff),
    (1, "new broadleaved cover", 0x14ff14),
    (2, "new coniferous cover", 0x009600),
    (3, "loss of broadleaved cover", 0xff0000),
    (4, "loss of coniferous cover", 0xff8000),
    (10, "tree cover, unchanged", 0xbfbfbf),
    UNCLASSIFIABLE,
    OUTSIDE,
];
pub(crate) const TREE_COVER_CHANGES: &[KnownClass] = &[
    (0, "no tree cover, unchanged", 0xffffff),
    (1, "new tree cover", 0x14ff14),
    (2, "loss of tree cover", 0xff0000),
    (10, "tree cover, unchanged", 0xbfbfbf),
    UNCLASSIFIABLE,
    OUTSIDE,
];
pub(crate) const FOREST_TYPES: &[KnownClass] = &[
    (0, "non-forest areas", 0xf0f0f0),
    (1, "broadleaved forest", 0x469e4a),
    (2, "coniferous forest", 0x1c5c24),
    (3, "mixed forest", 0x4c8543),
    UNCLASSIFIABLE,
    OUTSIDE,
];
pub(crate) const FOREST_SUPPORT: &[KnownClass] = &[
    (
        0,
        "no trees, or trees without urban context or agricultural use",
        0xf0f0f0,
    ),
    (
        3,
        "broadleaved trees used for agriculture (from CORINE Land Cover)",
        0xccad47,
    ),
    (4, "trees in urban context (from imperviousness)", 0xff5500),
    (
        5,
        "trees in urban context (from CORINE Land Cover)",
        0xa83800,
    ),
    OUTSIDE,
];
pub(crate) const GRASSLAND: &[KnownClass] = &[
    (0, "non-grassland areas", 0xf0f0f0),
    (1, "grassland", 0xa3c738),
    UNCLASSIFIABLE,
    OUTSIDE,
];
pub(crate) const GRASSLAND_CHANGES: &[KnownClass] = &[
    (0, "no grassland, unchanged", 0xf0f0f0),
    (1, "grassland gain", 0x008df6),
    (2, "grassland loss", 0xff0000),
    (10, "grassland, unchanged", 0xa3c738),
    OUTSIDE,
];
pub(crate) const MOWING_EVENTS: &[KnownClass] = &[
    (0, "not mowed", 0xf0f0f0),
    (1, "mowed once", 0xedf8fb),
    (2, "mowed twice", 0xb2e2e2),
    (3, "mowed three times", 0x66c2a4),
    (4, "mowed four times or more", 0x238b45),
    (253, "non-herbaceous areas", 0xf0f0f0),
    OUTSIDE,
];
pub(crate) const PLOUGHING: &[KnownClass] = &[
    (0, "ploughed in this year", 0x420000),
    (1, "ploughed 1 year ago", 0x800000),
    (2, "ploughed 2 years ago", 0xc73c12),
    (3, "ploughed 3 years ago", 0xe66b25),
    (4, "ploughed 4 years ago", 0xf7993b),
    (5, "ploughed 5 years ago", 0xfcc95b),
    (6, "ploughed 6 years ago", 0xffec8c),
    (100, "change of herbaceous cover", 0xe5fb11),
    (253, "no information about ploughing", 0xf0f0f0),
    OUTSIDE,
];
pub(crate) const HERBACEOUS: &[KnownClass] = &[
    (0, "non-grassland areas", 0xf0f0f0),
    (1, "permanent and temporary grassland", 0x74970b),
    OUTSIDE,
];
pub(crate) const BUILT_UP: &[KnownClass] = &[
    (0, "non built-up areas", 0xf0f0f0),
    (1, "built-up areas", 0xffb200),
    UNCLASSIFIABLE,
    OUTSIDE,
];
pub(crate) const BUILT_UP_CHANGES: &[KnownClass] = &[
    (0, "not built-up, unchanged", 0xf0f0f0),
    (1, "new built-up", 0xff0000),
    (2, "loss of built-up", 0x006400),
    (10, "built-up, unchanged", 0x9c9c9c),
    OUTSIDE,
];
pub(crate) const IMPERVIOUSNESS_CHANGES: &[KnownClass] = &[
    (0, "not impervious, unchanged", 0xf0f0f0),
    (1, "new impervious cover", 0xff0000),
    (2, "loss of impervious cover", 0x006400),
    (10, "impervious, unchanged", 0x9c9c9c),
    (11, "impervious, of higher density", 0xffbf00),
    (12, "impervious, of lower density", 0x40b200),
    UNCLASSIFIABLE,
    OUTSIDE,
];
pub(crate) const SHARE_OF_BUILT_UP_CHANGES: &[KnownClass] = &[
    (0, "not built-up, unchanged", 0xf0f0f0),
    (1, "new built-up", 0xff0000),
    (2, "loss of built-up", 0x006400),
    (10, "built-up, unchanged", 0x9c9c9c),
    (11, "built-up, of higher share", 0xffbf00),
    (12, "built-up, of lower share", 0x40b200),
    OUTSIDE,
];
/// Of changes of a density, which are stored as the change in percent plus 100.
pub(crate) const BEYOND_CHANGES: &[KnownClass] = &[
    (201, "none in both years", 0xf0f0f0),
    UNCLASSIFIABLE,
    OUTSIDE,
];
/// Of percentages.
pub(crate) const BEYOND_PERCENT: &[KnownClass] = &[UNCLASSIFIABLE, OUTSIDE];
pub(crate) const BEYOND_SNOW: &[KnownClass] = &[
    (205, "cloud or cloud shadow", 0x7b7b7b),
    (210, "inland water", 0x6464d7),
    (255, "no data", 0x000000),
];
pub(crate) const BEYOND_WATER_PROBABILITY: &[KnownClass] =
    &[(253, "sea water", NO_COLOUR), UNCLASSIFIABLE, OUTSIDE];
pub(crate) const WATER_AND_WETNESS: &[KnownClass] = &[
    (0, "dry", NO_COLOUR),
    (1, "permanent water", NO_COLOUR),
    (2, "temporary water", NO_COLOUR),
    (3, "permanent wetness", NO_COLOUR),
    (4, "temporary wetness", NO_COLOUR),
    (253, "sea water", NO_COLOUR),
    UNCLASSIFIABLE,
    OUTSIDE,
];
pub(crate) const SMALL_WOODY_FEATURES: &[KnownClass] = &[
    (0, "no small woody features", 0xf0f0f0),
    (1, "small woody features", 0xd7f500),
    (3, "additional woody features", 0xf0c800),
    (254, "unclassifiable area", 0x999999),
    OUTSIDE,
];
/// The codes 201 to 203 have colours, and no source says what they are.
pub(crate) const SMALL_WOODY_FEATURES_CHANGES: &[KnownClass] = &[
    (0, "no change", 0xf0f0f0),
    (1, "gain", 0x14ff00),
    (2, "loss", 0xff0000),
    (254, "unclassifiable area", 0x999999),
    OUTSIDE,
];
pub(crate) const WOODY_VEGETATION: &[KnownClass] = &[
    (0, "no woody vegetation", 0xf0f0f0),
    (1, "woody vegetation", 0x75dd00),
    OUTSIDE,
];
pub(crate) const SAR_WET_SNOW: &[KnownClass] = &[
    (110, "wet snow", 0xff00ff),
    (125, "dry, patchy or no snow", 0x5ae6b4),
    (200, "radar shadow, layover or foreshortening", 0x282828),
    (210, "water", 0x6464d7),
    (220, "forest", 0x19a023),
    (230, "urban area", 0xffbe64),
    (240, "not in mountains", 0x3c3c3c),
    (255, "no data", 0x000000),
];
pub(crate) const WET_AND_DRY_SNOW: &[KnownClass] = &[
    (110, "wet snow", 0xff00ff),
    (115, "dry snow", 0xffffff),
    (120, "no or patchy snow", 0xe1e65a),
    (200, "radar shadow, layover or foreshortening", 0x282828),
    (205, "cloud or cloud shadow", 0x7b7b7b),
    (210, "water", 0x6464d7),
    (220, "forest", 0x19a023),
    (230, "urban area", 0xffbe64),
    (255, "no data", 0x000000),
];
pub(crate) const GLOBAL_LAND_COVER: &[KnownClass] = &[
    (10, "tree cover", NO_COLOUR),
    (20, "shrubland", NO_COLOUR),
    (30, "grassland", NO_COLOUR),
    (40, "cropland", NO_COLOUR),
    (50, "herbaceous wetland", NO_COLOUR),
    (60, "mangroves", NO_COLOUR),
    (70, "moss and lichen", NO_COLOUR),
    (80, "bare or sparse vegetation", NO_COLOUR),
    (90, "built-up", NO_COLOUR),
    (100, "permanent water", NO_COLOUR),
    (110, "snow and ice", NO_COLOUR),
];
pub(crate) const LULUCF: &[KnownClass] = &[
    (11, "settlements: burnt areas", 0x5b0c01),
    (12, "settlements", 0xbf0228),
    (13, "settlements: green urban areas", 0xf42636),
    (14, "settlements: other", 0xff6b21),
    (21, "forest land: burnt areas", 0x101d10),
    (22, "forest land: transitional woodland", 0x012a0f),
    (23, "forest land: deciduous", 0x023e16),
    (24, "forest land: coniferous or evergreen", 0x04551f),
    (25, "forest land: other", 0x05752a),
    (31, "cropland: burnt areas", 0x7e7c11),
    (32, "cropland: annual crops", 0xc47a46),
    (33, "cropland: perennial crops", 0xf99e59),
    (34, "cropland: other", 0xf9d059),
    (41, "grassland: burnt areas", 0xbdff1a),
    (42, "grassland: pastures", 0x11a406),
    (43, "grassland: shrubs", 0x16c106),
    (44, "grassland: natural", 0x1bed08),
    (45, "grassland: other", 0x80ed08),
    (51, "wetlands: managed", 0x0cb2ff),
    (52, "wetlands: unmanaged", 0x0a98d9),
    (53, "wetlands: managed water", 0x0062fc),
    (54, "wetlands: unmanaged water", 0x0105cd),
    (55, "wetlands: burnt areas", 0x2160a2),
    (61, "other land: bare soil and rocks", 0x595858),
    (62, "other land: permanent snow and ice", 0x828181),
    (63, "other land: lichens and mosses", 0xa8a7a7),
    (64, "other land", 0xcccdcd),
    (254, "unclassified", 0xf7f7f7),
    (255, "no data", 0xffffff),
];
pub(crate) const CROP_TYPES: &[KnownClass] = &[
    (0, "no cropland", 0xf0f0f0),
    (1110, "wheat", 0xee6e32),
    (1120, "barley", 0xfba24a),
    (1130, "maize", 0xfadc14),
    (1140, "rice", 0xe94301),
    (1150, "other cereals", 0xe8a995),
    (1210, "fresh vegetables", 0xaec7e8),
    (1220, "dry pulses", 0x4897bf),
    (1310, "potatoes", 0xc98c43),
    (1320, "sugar beet", 0x9c5b0c),
    (1410, "sunflower", 0xff7979),
    (1420, "soybeans", 0xa86a96),
    (1430, "rapeseed", 0xe377c2),
    (1440, "flax, cotton and hemp", 0xf7b6d2),
    (2100, "grapes", 0xdbdb8d),
    (2200, "olives", 0xc1ce12),
    (2310, "fruits", 0x79a03a),
    (2320, "nuts", 0x5a7c30),
    (3100, "unclassified arable crop", 0xd7d7d7),
    (3200, "unclassified permanent crop", 0xababab),
    (65535, "outside area", 0x000000),
];
pub(crate) const CLCPLUS: &[KnownClass] = &[
    (1, "Sealed", 0xff0000),
    (2, "Woody needle leaved trees", 0x228b22),
    (3, "Woody broadleaved deciduous trees", 0x80ff00),
    (4, "Woody broadleaved evergreen trees", 0x00ff08),
    (5, "Low-growing woody plants", 0x804000),
    (6, "Permanent herbaceous", 0xccf24d),
    (7, "Periodically herbaceous", 0xffff80),
    (8, "Lichens and mosses", 0xff80ff),
    (9, "Non and sparsely vegetated", 0xbfbfbf),
    (10, "Water", 0x0080ff),
    (11, "Snow and ice", 0x00ffff),
    (253, "Coastal seawater buffer", 0xbfdfff),
    (254, "Outside area", 0xe6e6e6),
    (255, "No data", 0x000000),
];
pub(crate) const WATER_ICE: &[KnownClass] = &[
    (1, "open water", 0x0000ff),
    (100, "ice, snow covered or not", 0x00ffff),
    (200, "radar shadow, layover or foreshortening", 0x282828),
    (205, "cloud or cloud shadow", 0x7b7b7b),
    (254, "other features", 0xff0000),
    (255, "no data", 0xd2d2d2),
];

/// Red, green, blue, if the class has a colour.
pub(crate) fn colour(class: &KnownClass) -> Option<[u8; 3]> {
    let [_, red, green, blue] = class.2.to_be_bytes();
    (class.2 != NO_COLOUR).then_some([red, green, blue])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_rise_and_have_names() {
        for table in [
            LEAF_TYPES,
            LEAF_TYPE_CHANGES,
            TREE_COVER_CHANGES,
            FOREST_TYPES,
            FOREST_SUPPORT,
            GRASSLAND,
            GRASSLAND_CHANGES,
            MOWING_EVENTS,
            PLOUGHING,
            HERBACEOUS,
            BUILT_UP,
            BUILT_UP_CHANGES,
            IMPERVIOUSNESS_CHANGES,
            SHARE_OF_BUILT_UP_CHANGES,
            BEYOND_CHANGES,
            BEYOND_PERCENT,
            BEYOND_SNOW,
            BEYOND_WATER_PROBABILITY,
            WATER_AND_WETNESS,
            SMALL_WOODY_FEATURES,
            SMALL_WOODY_FEATURES_CHANGES,
            WOODY_VEGETATION,
            SAR_WET_SNOW,
            WET_AND_DRY_SNOW,
            GLOBAL_LAND_COVER,
            LULUCF,
            CROP_TYPES,
            CLCPLUS,
            WATER_ICE,
        ] {
            assert!(
                table.windows(2).all(|pair| pair[0].0 < pair[1].0),
                "{table:?}"
            );
            assert!(
                table
                    .iter()
                    .all(|class| !class.1.is_empty()
                        && (class.2 <= 0xff_ffff || class.2 == NO_COLOUR))
            );
        }
        assert_eq!(colour(&(1, "a", 0x01_02_03)), Some([1, 2, 3]));
        assert_eq!(colour(&UNCLASSIFIABLE), None);
    }
}
