//! The words of the field: what people say, and what products are called.
//!
//! Words of questions stand here as [`words_of`](super::words::words_of) gives them: in lower case, in the singular.

/// What products are called for short, by a part of their titles in lower case; a longer part stands before one that it holds. Whoever types the short name
/// means the product.
const SHORT_NAMES: [(&str, &[&str]); 46] = [
    ("gross dry matter productivity", &["gdmp"]),
    ("dry matter productivity", &["dmp"]),
    ("corine land cover", &["clc"]),
    ("land cover", &["lc"]),
    ("imperviousness density", &["imd"]),
    ("imperviousness classified change", &["imcc"]),
    ("impervious built-up", &["ibu"]),
    ("tree cover density", &["tcd"]),
    ("dominant leaf type", &["dlt"]),
    ("forest type", &["fty"]),
    ("small woody features", &["swf"]),
    ("water and wetness", &["waw"]),
    ("building block height", &["bbh"]),
    ("street tree layer", &["stl"]),
    ("urban atlas", &["ua"]),
    ("n2k", &["natura", "natura2000"]),
    ("european ground motion service", &["egms"]),
    ("leaf area index", &["lai"]),
    (
        "fraction of absorbed photosynthetically active radiation",
        &["fapar", "fpar"],
    ),
    ("fraction of green vegetation cover", &["fcover", "fvc"]),
    ("normalised difference vegetation", &["ndvi"]),
    ("gross primary production", &["gpp"]),
    ("net primary production", &["npp"]),
    ("plant phenology index", &["ppi"]),
    ("land surface phenology", &["lsp"]),
    ("vegetation phenology and productivity", &["vpp", "hrvpp"]),
    ("start-of-season", &["sos", "sosd"]),
    ("end-of-season", &["eos", "eosd"]),
    ("lake surface water temperature", &["lswt"]),
    ("land surface temperature", &["lst"]),
    ("surface soil moisture", &["ssm"]),
    ("soil water index", &["swi"]),
    ("fractional snow cover", &["fsc"]),
    ("snow cover extent", &["sce"]),
    ("snow water equivalent", &["swe"]),
    ("sar wet snow", &["sws"]),
    ("lake ice extent", &["lie"]),
    ("lake water quality", &["lwq"]),
    ("water bodies", &["wb"]),
    ("water and ice cover", &["wic"]),
    ("burnt area", &["ba"]),
    ("evapotranspiration", &["eta"]),
    ("surface reflectance", &["toc"]),
    ("grassland", &["gra"]),
    ("crop types", &["cty"]),
    ("riparian zones", &["rz"]),
];

/// The short names of a product of that title.
pub(super) fn short_names(title: &str) -> Vec<&'static str> {
    let mut title = title.to_lowercase();
    let mut found = Vec::new();
    for (name, short) in SHORT_NAMES {
        if title.contains(name) {
            found.extend(short);
            title = title.replacen(name, "", 1);
        }
    }
    found
}

/// What people say in several words, or in one, and what stands in the catalogue instead.
pub(super) const SAID: [(&[&str], &[&str]); 26] = [
    (&["sealed", "soil"], &["imperviousness"]),
    (&["soil", "sealing"], &["imperviousness"]),
    (&["sealed", "surface"], &["imperviousness"]),
    (&["sealed", "area"], &["imperviousness"]),
    (&["artificial", "surface"], &["imperviousness"]),
    (&["impervious", "surface"], &["imperviousness"]),
    (&["built", "up", "area"], &["builtup"]),
    (&["built", "up"], &["builtup"]),
    (&["natura", "2000"], &["n2k"]),
    (&["clc", "plus"], &["clcplus"]),
    (&["landcover"], &["land", "cover"]),
    (&["landuse"], &["land", "use"]),
    (&["lulc"], &["land", "cover", "use"]),
    (&["snowcover"], &["snow", "cover"]),
    (&["treecover"], &["tree", "cover"]),
    (&["deforestation"], &["tree", "cover", "change"]),
    (&["forest", "loss"], &["tree", "cover", "change"]),
    (&["vegetation", "index"], &["ndvi"]),
    (&["growing", "season"], &["season"]),
    (&["forest", "fire"], &["burnt", "area"]),
    (&["ground", "temperature"], &["lst"]),
    (&["satellite", "picture"], &["image", "mosaic"]),
    (&["tree", "height"], &["tree", "cover"]),
    (&["tree", "in", "city"], &["street", "tree"]),
    (&["urban", "tree"], &["street", "tree"]),
    (&["protected", "site"], &["n2k"]),
];

/// Words of one row mean much the same. Whoever says one means all, though their own word counts more.
pub(super) const SYNONYMS: [&[&str]; 31] = [
    &[
        "sealed",
        "sealing",
        "impervious",
        "imperviousness",
        "builtup",
    ],
    &["forest", "tree", "woodland", "woody", "canopy"],
    &[
        "crop",
        "cropland",
        "agriculture",
        "agricultural",
        "arable",
        "farming",
        "wheat",
        "maize",
        "rice",
    ],
    &["city", "urban", "town", "settlement"],
    &["building", "house"],
    &["water", "inland"],
    &["lake", "reservoir"],
    &["river", "stream", "hydrography", "hydro", "drainage"],
    &["wetness", "wet", "wetland"],
    &["flood", "flooding", "water", "wetness"],
    &["moisture", "ssm", "swi", "humidity"],
    &["drought", "swi", "moisture"],
    &["grassland", "grass", "meadow", "pasture", "herbaceous"],
    &["ndvi", "greenness", "vegetation"],
    &["fire", "burnt", "burned", "wildfire", "burn"],
    &["temperature", "lst", "heat"],
    &["coast", "coastal", "shore"],
    &["elevation", "height", "dem"],
    &["hedge", "hedgerow", "swf"],
    &["natura", "n2k", "protected"],
    &["corine", "clc"],
    &[
        "subsidence",
        "insar",
        "deformation",
        "landslide",
        "egms",
        "motion",
    ],
    &["evaporation", "transpiration", "evapotranspiration"],
    &["photosynthesis", "gpp", "npp", "fapar"],
    &["biomass", "dmp", "gdmp", "productivity"],
    &["phenology", "season", "sos", "eos"],
    &["chlorophyll", "turbidity", "trophic", "lwq"],
    &["altimetry", "level"],
    &["plowing", "ploughing"],
    &["europe", "european", "eu", "eea38", "eea39"],
    &["global", "world", "worldwide"],
];

/// Words that say nothing of a product.
pub(super) const EMPTY: [&str; 19] = [
    "present",
    "the",
    "of",
    "in",
    "and",
    "for",
    "a",
    "an",
    "to",
    "with",
    "from",
    "on",
    "by",
    "at",
    "data",
    "map",
    "dataset",
    "copernicus",
    "clms",
];

/// Words of titles that are meant only by those who say them: what changed, how sure it is, what has a successor.
pub(super) const ASIDE: [&str; 8] = [
    "change",
    "changed",
    "flag",
    "confidence",
    "additional",
    "superseded",
    "statistic",
    "mask",
];
