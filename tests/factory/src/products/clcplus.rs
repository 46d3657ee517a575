//! CLCplus Backbone, 10 m, in four pieces whose names don't tell where they lie.

use crate::classes::ClassTable;
use crate::legend;
use crate::package::{Layout, PackageSpec};
use crate::pattern::{LandCover, Lines, Pattern, Zone};
use crate::products::Scale;
use crate::products::country::{self, GRID_CORNER, SEA_LEVEL};
use crate::raster::RasterSpec;
use crate::sidecars::{ClrKey, RatColumns, Sidecar, VatColumns};

const PIXEL: f64 = 10.0;
const OUTSIDE: f64 = 254.0;

pub(super) fn package(file: &str, scale: Scale) -> Option<PackageSpec> {
    let year = file.strip_prefix("CLMS_CLCplus_RASTER_")?;
    // The coastal buffer came with the second edition.
    let buffer = match year {
        "2018" => false,
        "2021" => true,
        _ => return None,
    };
    let name = format!("{file}_010m_eu_03035_V1_1");
    let classes = classes(buffer);
    let layout = Layout {
        data_folder: "Data".into(),
        ..Layout::default()
    };
    // Together 650000 x 460000 pixels.
    let size = scale.size((325_000, 230_000), (2000, 2000));
    let piece = |k: usize| {
        let (column, row) = (k % 2, k / 2);
        let left = GRID_CORNER.0 + (column * size.0) as f64 * PIXEL;
        let top = GRID_CORNER.1 - (row * size.1) as f64 * PIXEL;
        // One of them in capitals, as happens.
        let ending = if k == 3 { "TIF" } else { "tif" };
        RasterSpec::new(format!("{name}_part{}.{ending}", k + 1), size.0, size.1)
            .corner(left, top, PIXEL)
            .block((size.0 > 1024 && size.1 > 1024).then_some(1024))
            .nodata("255")
            .pattern(land_cover(buffer))
            .classes(classes.clone())
            .palette()
            .sidecars(vec![
                Sidecar::AuxXml(RatColumns::Named),
                Sidecar::Clr(ClrKey::Value),
                Sidecar::VatDbf(VatColumns::named()),
                Sidecar::VatCpg,
            ])
    };
    Some(
        PackageSpec::new(file)
            .layout(layout)
            .rasters((0..4).map(piece))
            .document(format!("Legend/{name}.qml"), legend::qml(&classes))
            .document(format!("Legend/{name}.sld"), legend::sld(&name, &classes))
            .document(
                "Documents/readme.txt",
                "Made by clms-factory for tests.\r\n",
            ),
    )
}

fn land_cover(buffer: bool) -> Pattern {
    let sea_level = if buffer { SEA_LEVEL - 0.01 } else { SEA_LEVEL };
    let upto = |noise: f64| country::height(noise, sea_level);
    Pattern::LandCover(LandCover {
        relief: country::relief(sea_level),
        cover: country::cover(21, PIXEL),
        zones: vec![
            Zone::of(upto(SEA_LEVEL), &[253]),
            Zone::of(upto(SEA_LEVEL + 0.003), &[9, 6, 9]),
            Zone::of(
                upto(0.51),
                &[1, 6, 7, 7, 7, 7, 7, 7, 6, 7, 6, 6, 3, 3, 3, 5, 3, 10],
            ),
            Zone::of(
                upto(0.57),
                &[1, 6, 7, 7, 7, 6, 7, 6, 6, 3, 3, 3, 2, 4, 2, 2, 10],
            ),
            Zone::of(upto(0.64), &[5, 6, 3, 2, 2, 2, 3, 6, 9]),
            Zone::of(1.0, &[6, 8, 9, 9, 11, 11]),
        ],
        lines: Some(Lines {
            noise: country::rivers(PIXEL),
            width: 0.0015,
            from: upto(SEA_LEVEL),
            value: 10.0,
        }),
        outside: OUTSIDE,
    })
}

fn classes(buffer: bool) -> ClassTable {
    let mut classes = ClassTable::new(&[
        (1, "Sealed", [255, 0, 0]),
        (2, "Woody needle leaved trees", [34, 139, 34]),
        (3, "Woody broadleaved deciduous trees", [128, 255, 0]),
        (4, "Woody broadleaved evergreen trees", [0, 255, 8]),
        (5, "Low-growing woody plants", [128, 64, 0]),
        (6, "Permanent herbaceous", [204, 242, 77]),
        (7, "Periodically herbaceous", [255, 255, 128]),
        (8, "Lichens and mosses", [255, 128, 255]),
        (9, "Non and sparsely vegetated", [191, 191, 191]),
        (10, "Water", [0, 128, 255]),
        (11, "Snow and ice", [0, 255, 255]),
        (253, "Coastal seawater buffer", [191, 223, 255]),
        (254, "Outside area", [230, 230, 230]),
        (255, "No data", [0, 0, 0]),
    ]);
    classes.0.retain(|class| buffer || class.value != 253);
    classes
}
