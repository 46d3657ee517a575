//! High Resolution Layers of 2012 to 2018: forest type, dominant leaf type, tree cover density, imperviousness.
//!
//! Values, the outside code 255, LZW and tiles of at most 1024 pixels are those of the delivery specifications. That 255 stands
//! in the nodata tag is probable, but was not seen in a real file.

use crate::classes::{Class, ClassTable};
use crate::legend;
use crate::package::{Layout, PackageSpec};
use crate::pattern::{Density, LandCover, Pattern, Zone};
use crate::products::Scale;
use crate::products::country::{self, GRID_CORNER, GRID_END, SEA_LEVEL, TILE};
use crate::raster::RasterSpec;
use crate::sidecars::{RatColumns, Sidecar, VatColumns};

const OUTSIDE: f64 = 255.0;

/// The parts of a file name such as `FTY_2015_020m_eu_03035_d04_E00N20`.
struct Name<'a> {
    file: &'a str,
    theme: Theme,
    year: &'a str,
    resolution: &'a str,
    pixel: f64,
    aoi: &'a str,
    version: &'a str,
    extent: Option<&'a str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Theme {
    ForestType,
    DominantLeafType,
    TreeCoverDensity,
    Imperviousness,
}

impl Theme {
    fn parse(code: &str) -> Option<Self> {
        match code {
            "FTY" => Some(Self::ForestType),
            "DLT" => Some(Self::DominantLeafType),
            "TCD" => Some(Self::TreeCoverDensity),
            "IMD" => Some(Self::Imperviousness),
            _ => None,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::ForestType => "FTY",
            Self::DominantLeafType => "DLT",
            Self::TreeCoverDensity => "TCD",
            Self::Imperviousness => "IMD",
        }
    }
}

impl<'a> Name<'a> {
    fn parse(file: &'a str) -> Option<Self> {
        let parts: Vec<&str> = file.split('_').collect();
        let (&[code, year, resolution, aoi, "03035", version], rest) =
            parts.split_first_chunk::<6>()?
        else {
            return None;
        };
        let extent = match rest {
            [] => None,
            [extent] => Some(*extent),
            _ => return None,
        };
        Some(Self {
            file,
            theme: Theme::parse(code)?,
            year,
            resolution,
            pixel: resolution
                .strip_suffix('m')?
                .parse()
                .ok()
                .filter(|pixel| *pixel >= 1.0)?,
            aoi,
            version,
            extent,
        })
    }
}

pub(super) fn package(file: &str, scale: Scale) -> Option<PackageSpec> {
    let name = Name::parse(file)?;
    let rasters = match name.extent {
        None => tiles(&name, scale),
        Some("Full") => vec![mosaic(&name, scale)],
        Some(extent) => vec![block(&name, scale, tile_corner(extent)?)],
    };
    let layout = Layout {
        // Which of the spellings a layer has is a matter of its year.
        data_folder: if name.year >= "2018" { "DATA" } else { "Data" }.into(),
        ..Layout::default()
    };
    let (_, classes) = theme(name.theme, name.pixel);
    let colours = format!(
        "Symbology/{}_{}_{}_QGISColour.txt",
        name.theme.code(),
        name.year,
        name.resolution
    );
    Some(
        PackageSpec::new(file)
            .layout(layout)
            .rasters(rasters)
            .document(colours, legend::qgis_txt(&classes))
            .document(
                "Documents/readme.txt",
                "Made by clms-factory for tests.\r\n",
            ),
    )
}

/// All Europe in one raster; the file in the package ends in `_full` where the package ends in `_Full`.
fn mosaic(name: &Name<'_>, scale: Scale) -> RasterSpec {
    let full = pixels(
        GRID_END.0 - GRID_CORNER.0,
        GRID_CORNER.1 - GRID_END.1,
        name.pixel,
    );
    let size = scale.size(full, (6500, 4600));
    let file = format!("{}.tif", name.file.replace("_Full", "_full"));
    raster(name, file, GRID_CORNER, size).sidecar(Sidecar::Ovr(vec![2, 4, 8, 16]))
}

/// Ten by ten tiles, cut at the edges of the grid, so that the westernmost are one tile wide.
fn block(name: &Name<'_>, scale: Scale, (west, south): (f64, f64)) -> RasterSpec {
    let left = west.max(GRID_CORNER.0);
    let top = (south + 10.0 * TILE).min(GRID_CORNER.1);
    let right = (west + 10.0 * TILE).min(GRID_END.0);
    let bottom = south.max(GRID_END.1);
    let full = pixels(right - left, top - bottom, name.pixel);
    let size = scale.size(full, (5000, 5000));
    raster(name, format!("{}.tif", name.file), (left, top), size)
}

/// Three by three tiles without the middle one. Smaller than real, the tiles keep their names and pixels and stay
/// adjacent, with the south-western one's lower left corner where it belongs.
fn tiles(name: &Name<'_>, scale: Scale) -> Vec<RasterSpec> {
    let (east, north) = if name.aoi == "lv" { (49, 37) } else { (43, 30) };
    let full = pixels(TILE, TILE, name.pixel);
    let (width, height) = scale.size(full, (1000, 1000));
    let places = (0..9_u32).filter(|k| *k != 4).map(|k| (k % 3, k / 3));
    let tile = |(column, row): (u32, u32)| {
        let left = f64::from(east) * TILE + f64::from(column) * width as f64 * name.pixel;
        let top = f64::from(north) * TILE + f64::from(row + 1) * height as f64 * name.pixel;
        let tile = format!("E{:02}N{:02}", east + column, north + row);
        let file = [
            name.theme.code(),
            name.year,
            name.resolution,
            &tile,
            "03035",
            name.version,
        ]
        .join("_");
        raster(name, format!("{file}.tif"), (left, top), (width, height))
    };
    places.map(tile).collect()
}

fn raster(
    name: &Name<'_>,
    file: String,
    (left, top): (f64, f64),
    (width, height): (usize, usize),
) -> RasterSpec {
    let (pattern, classes) = theme(name.theme, name.pixel);
    RasterSpec::new(file, width, height)
        .corner(left, top, name.pixel)
        .block((width > 512 && height > 512).then_some(512))
        .nodata("255")
        .pattern(pattern)
        .classes(classes)
        .palette()
        .sidecars(vec![
            Sidecar::Tfw,
            Sidecar::VatDbf(VatColumns::high_resolution_layer()),
            Sidecar::VatCpg,
            Sidecar::AuxXml(RatColumns::None),
        ])
}

fn pixels(width: f64, height: f64, pixel: f64) -> (usize, usize) {
    (
        (width / pixel).round() as usize,
        (height / pixel).round() as usize,
    )
}

/// The lower left corner that a tile name such as `E43N30` tells.
fn tile_corner(name: &str) -> Option<(f64, f64)> {
    let (east, north) = name.strip_prefix('E')?.split_once('N')?;
    let (east, north): (u8, u8) = (east.parse().ok()?, north.parse().ok()?);
    (east < 74 && north < 55).then_some((f64::from(east) * TILE, f64::from(north) * TILE))
}

fn theme(theme: Theme, pixel: f64) -> (Pattern, ClassTable) {
    match theme {
        // Mixed forest is a class of the aggregated raster only.
        Theme::ForestType => (
            forest(pixel, pixel >= 100.0),
            forest_classes(pixel >= 100.0),
        ),
        Theme::DominantLeafType => (forest(pixel, false), leaf_classes()),
        Theme::TreeCoverDensity => (
            density(11, pixel, (0.42, 0.68)),
            share_classes(
                "tree cover density",
                [[253, 255, 115], [76, 133, 67], [25, 90, 33]],
            ),
        ),
        Theme::Imperviousness => (
            density(12, pixel, (0.60, 0.80)),
            share_classes(
                "imperviousness",
                [[255, 220, 180], [226, 74, 51], [89, 0, 13]],
            ),
        ),
    }
}

fn forest(pixel: f64, mixed: bool) -> Pattern {
    let (broadleaved, coniferous, none) = (1, 2, 0);
    let mixed = if mixed { 3 } else { broadleaved };
    Pattern::LandCover(LandCover {
        relief: country::relief(SEA_LEVEL),
        cover: country::cover(10, pixel),
        zones: vec![
            Zone::of(0.10, &[none, none, none, broadleaved, mixed]),
            Zone::of(0.22, &[none, none, broadleaved, mixed, coniferous]),
            Zone::of(0.34, &[none, mixed, coniferous, coniferous, coniferous]),
            Zone::of(1.0, &[none, none, none, coniferous]),
        ],
        lines: None,
        outside: OUTSIDE,
    })
}

fn density(seed: u32, pixel: f64, (from, to): (f64, f64)) -> Pattern {
    Pattern::Density(Density {
        relief: country::relief(SEA_LEVEL),
        amount: country::cover(seed, pixel),
        from,
        to,
        outside: OUTSIDE,
    })
}

fn forest_classes(mixed: bool) -> ClassTable {
    let mut classes = ClassTable::new(&[
        (0, "all non-forest areas", [240, 240, 240]),
        (1, "broadleaved forest", [70, 158, 74]),
        (2, "coniferous forest", [28, 92, 36]),
        (3, "mixed forest", [76, 133, 67]),
        (255, "outside area", [0, 0, 0]),
    ]);
    classes.0.retain(|class| mixed || class.value != 3);
    classes
}

fn leaf_classes() -> ClassTable {
    ClassTable::new(&[
        (0, "all non-tree covered areas", [240, 240, 240]),
        (1, "broadleaved trees", [70, 158, 74]),
        (2, "coniferous trees", [28, 92, 36]),
        (255, "outside area", [0, 0, 0]),
    ])
}

/// 0 to 100 percent and outside, with colours that run through the three given.
fn share_classes(what: &str, [low, middle, high]: [[u8; 3]; 3]) -> ClassTable {
    let mix =
        |a: u8, b: u8, t: f64| (f64::from(a) + (f64::from(b) - f64::from(a)) * t).round() as u8;
    let class = |percent: u8| {
        let t = f64::from(percent) / 50.0;
        let (from, to, t) = if t < 1.0 {
            (low, middle, t)
        } else {
            (middle, high, t - 1.0)
        };
        let (name, colour) = match percent {
            0 => (format!("no {what}"), [240; 3]),
            255 => ("outside area".to_owned(), [0; 3]),
            _ => (
                format!("{percent}% {what}"),
                [0, 1, 2].map(|k| mix(from[k], to[k], t)),
            ),
        };
        Class {
            value: percent.into(),
            code: percent.to_string(),
            name,
            colour,
        }
    };
    ClassTable((0..=100).chain([255]).map(class).collect())
}
