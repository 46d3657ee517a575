//! What searches must find among all titles of the service: a list judged by hand.

use std::time::{Duration, Instant};

use clms_api::Dataset;
use clms_store::{Catalogue, catalogue::Query};
use serde_json::json;

/// The titles of the service's products in August 2026.
const TITLES: &str = include_str!("portfolio.txt");

/// What is typed, and parts of titles of which each must be in one of the first three.
const JUDGED: &[(&str, &[&str])] = &[
    ("forest Europe 2018", &["Forest Type 2018"]),
    ("forest type 2015", &["Forest Type 2015"]),
    ("sealed soil", &["Imperviousness Density 2024"]),
    ("soil sealing 2018", &["Imperviousness Density 2018"]),
    ("imperviousnes", &["Imperviousness Density 2024"]),
    (
        "imperviousness change 2015 2018",
        &["Imperviousness Density Change 2015-2018"],
    ),
    ("impervious surface 2006", &["Imperviousness Density 2006"]),
    ("built-up 2021", &["Impervious Built-Up 2021"]),
    ("built up area 2018", &["Impervious Built-Up 2018"]),
    ("snow", &["Snow Cover"]),
    ("fsc", &["Fractional Snow Cover 2016"]),
    ("wet snow", &["SAR Wet Snow"]),
    (
        "snow cover 500m",
        &["Snow Cover Extent 2017-present (raster 500 m)"],
    ),
    (
        "urban atlas 2018",
        &["Urban Atlas Land Cover/Land Use 2018"],
    ),
    ("urbn atlas 2012", &["Urban Atlas Land Cover/Land Use 2012"]),
    (
        "city land use 2021",
        &["Urban Atlas Land Cover/Land Use 2021"],
    ),
    ("street trees 2018", &["Urban Atlas Street Tree Layer 2018"]),
    ("building height 2012", &["Building Block Height 2012"]),
    (
        "tree cover density 10 m",
        &["Tree Cover Density 2018-present (raster 10 m)"],
    ),
    ("TCD 2015", &["Tree Cover Density 2015"]),
    (
        "canopy density 100m",
        &["Tree Cover Density 2018-present (raster 100 m)"],
    ),
    ("deforestation", &["Tree Cover"]),
    ("dominant leaf type 2015", &["Dominant Leaf Type 2015"]),
    (
        "NDVI 300m",
        &["Normalised Difference Vegetation Index 2014-present (raster 300 m)"],
    ),
    (
        "normalized difference vegetation index 1km",
        &["Normalised Difference Vegetation Index 1999-2020 (raster 1 km)"],
    ),
    (
        "vegetation index 2016",
        &["Normalised Difference Vegetation Index 2014-present"],
    ),
    ("LAI", &["Leaf Area Index 2014-present"]),
    (
        "leaf area index 1 km",
        &["Leaf Area Index 1999-2020 (raster 1 km)"],
    ),
    (
        "FAPAR 300 m",
        &["Fraction of Absorbed Photosynthetically Active Radiation 2014-present (raster 300 m)"],
    ),
    (
        "gross primary production",
        &["Gross Primary Production 2014-present"],
    ),
    (
        "water quality lake",
        &[
            "Lake Water Quality 2024-present (raster 100 m)",
            "Lake Water Quality 2024-present (raster 300 m)",
        ],
    ),
    ("chlorophyll lakes", &["Lake Water Quality"]),
    (
        "lake ice baltic",
        &["Lake Ice Extent 2017-2024 (raster 250 m), Baltic"],
    ),
    ("river water level", &["River Water Level"]),
    (
        "burnt area",
        &["Burnt Area 2018-present", "Burnt Area 2025-present"],
    ),
    (
        "wildfires daily",
        &["Burnt Area 2025-present (raster 300 m), global, daily"],
    ),
    ("riparian", &["Riparian Zones Land Cover/Land Use 2018"]),
    ("Corine", &["CORINE Land Cover 2018"]),
    ("corine 2000", &["CORINE Land Cover 2000"]),
    (
        "CLC change 2012-2018",
        &["CORINE Land Cover Change 2012-2018"],
    ),
    (
        "CLC+ backbone",
        &[
            "CLCplus Backbone 2021 (raster 10 m)",
            "CLCplus Backbone 2023",
        ],
    ),
    ("clcplus 2021", &["CLCplus Backbone 2021"]),
    ("soil moisture", &["Surface Soil Moisture 2014-present"]),
    ("soil water index", &["Soil Water Index"]),
    ("drought", &["Soil"]),
    (
        "land surface temperature hourly",
        &["Land Surface Temperature 2018-present (raster 3km), global, hourly"],
    ),
    ("LST", &["Land Surface Temperature 2018-present"]),
    ("evapotranspiration", &["Evapotranspiration 2025-present"]),
    ("crop types", &["Crop Types 2017-present"]),
    ("wheat", &["Crop Types 2017-present"]),
    (
        "grassland mowing",
        &["Grassland Mowing Dates", "Grassland Mowing Events"],
    ),
    ("grassland 2015", &["Grassland 2015"]),
    (
        "coastal zones 2012",
        &["Coastal Zones Land Cover/Land Use 2012"],
    ),
    ("natura 2000", &["N2K Land Cover/Land Use 2018"]),
    (
        "protected areas land cover 2012",
        &["N2K Land Cover/Land Use 2012"],
    ),
    ("wetlands 2015", &["Water and Wetness status 2015"]),
    ("hedges", &["Small Woody Features 2021"]),
    ("ground motion", &["European Ground Motion Service"]),
    ("subsidence", &["European Ground Motion Service"]),
    ("eu hydro", &["EU-Hydro River Network"]),
    (
        "global land cover 100 m",
        &["Land Cover 2015-2019 (raster 100 m), global"],
    ),
    (
        "landcover 10m global",
        &["Land Cover 2020 (raster 10 m), global"],
    ),
    ("phenology start of season", &["Start-of-season Date"]),
    (
        "satellite mosaic 2018",
        &["High Resolution Image Mosaic 2018"],
    ),
];

fn catalogue() -> Catalogue {
    let datasets = TITLES.lines().map(|title| {
        let id: Vec<&str> = title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let id = id.join("-").to_lowercase();
        // Of `2012`, `2006-2012` and `2018-present`.
        let years: Vec<&str> = title
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| word.len() == 4 && word.parse::<i16>().is_ok())
            .collect();
        let start = years.first().map_or(String::new(), |year| format!("{year}-01-01"));
        let end = match (years.last(), title.contains("present")) {
            (Some(year), false) => format!("{year}-12-31"),
            _ => String::new(),
        };
        Dataset::from_portal(json!({
            "@id": format!("https://land.copernicus.eu/en/products/x/{id}"),
            "UID": id, "id": id, "title": title, "description": "",
            "temporalExtentStart": start, "temporalExtentEnd": end,
            "downloadable_files": {"items": [{"@id": id, "file": format!("{id}_eu"), "format": "Geotiff", "type": "Raster",
                "source": "EEA", "path": "H:\\x", "size": "1 GB"}]},
        }))
        .unwrap()
    });
    Catalogue::of(datasets.collect())
}

fn search(catalogue: &Catalogue, text: &str) -> Vec<String> {
    let query = Query {
        text: text.to_owned(),
        ..Query::default()
    };
    let hits = catalogue.search(&query);
    hits.into_iter().map(|hit| hit.entry.title).collect()
}

#[test]
fn what_is_meant_is_among_the_first_three() {
    let catalogue = catalogue();
    let mut wrong = Vec::new();
    for (text, wanted) in JUDGED {
        let found = search(&catalogue, text);
        let first = &found[..found.len().min(3)];
        let missing: Vec<_> = wanted
            .iter()
            .filter(|wanted| !first.iter().any(|title| title.contains(**wanted)))
            .collect();
        if !missing.is_empty() {
            wrong.push(format!("{text}: {missing:#?} not in {first:#?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        JUDGED.len(),
        wrong.join("\n")
    );
}

#[test]
fn what_is_not_there_is_not_found() {
    let catalogue = catalogue();
    for text in ["volcano", "xyzzy plugh", "1850"] {
        let found = search(&catalogue, text);
        assert!(found.is_empty(), "{text}: {found:?}");
    }
}

#[test]
fn it_is_said_why_something_fits() {
    let query = Query {
        text: "imperviousnes in 2019".to_owned(),
        ..Query::default()
    };
    let catalogue = catalogue();
    let hits = catalogue.search(&query);
    let why: Vec<(&str, &str)> = hits[0]
        .matches
        .iter()
        .map(|it| (it.asked.as_str(), it.found.as_str()))
        .collect();
    assert!(
        why.contains(&("imperviousnes", "imperviousness")),
        "{why:?}"
    );
}

/// For people who look at speeds; asserts nothing about them.
#[test]
#[ignore = "tells how long it takes: cargo nextest run -p clms-store --run-ignored only --no-capture how_long"]
fn how_long_searches_and_near_misses_take() {
    let catalogue = catalogue();
    let runs = 50_u32;
    let timed = |what: &str, work: &dyn Fn()| {
        let begun = Instant::now();
        for _ in 0..runs {
            work();
        }
        let each: Duration = begun.elapsed() / runs;
        eprintln!("{what}: {each:?}");
    };
    timed("search", &|| {
        drop(catalogue.search(&Query {
            text: "forest europe 2018 imperviousnes".to_owned(),
            ..Query::default()
        }));
    });
    let missed = "imperviousness-density-2018|imperviousness-density-2018-raster"
        .parse()
        .unwrap();
    timed("nearest", &|| drop(catalogue.entry(&missed).err()));
}
