//! CORINE Land Cover: the 100 m rasters of version V2020_20u1 with the French overseas departments, and a vector package.

use crate::classes::{Class, ClassTable};
use crate::legend;
use crate::package::PackageSpec;
use crate::pattern::{LandCover, Lines, Pattern, Relief, Zone};
use crate::products::Scale;
use crate::products::country::{self, GRID_CORNER, SEA_LEVEL};
use crate::raster::{DType, RasterSpec};
use crate::sidecars::{ClrKey, RatColumns, Sidecar, VatColumns};
use crate::vector::{VectorLayer, VectorShape, VectorSpec};

/// The pixel value of the class NODATA (999), which is not the file's nodata value. The legend's 45th line
/// would suggest 45, but it is 48.
const NODATA_CLASS: u16 = 48;
/// The file's nodata value: probable, not seen in a real header.
const NODATA: f64 = -128.0;
/// What the overseas rasters hold where there is no data; their nodata tag says "-32768", which no unsigned pixel can be.
const OVERSEAS_NODATA: f64 = 32768.0;

/// The end of the file name and its version, of the years 1990 to 2018.
const RASTER: &str = "_v2020_20u1_raster100m";
const GEOPACKAGE: &str = "_v2020_20u1_geoPackage";
const GEODATABASE: &str = "_v2020_20u1_fgdb";

pub(super) fn package(file: &str, scale: Scale) -> Option<PackageSpec> {
    let (title, vector) = [
        (RASTER, None),
        (GEOPACKAGE, Some("gpkg")),
        (GEODATABASE, Some("gdb")),
    ]
    .into_iter()
    .find_map(|(ending, vector)| Some((file.strip_suffix(ending)?, vector)))?;
    // Such as `u2018_clc2018`: campaign, and reference year.
    let (_, year) = title.strip_prefix('u')?.split_once("_clc")?;
    let year: u32 = year
        .parse()
        .ok()
        .filter(|year| (1990..=2018).contains(year))?;
    let name = format!("{}_V2020_20u1", title.to_uppercase());
    let readme = format!("readme_{name}.txt");
    let spec = PackageSpec::new(file).document(readme, "Made by clms-factory for tests.\r\n");
    Some(match vector {
        None => rasters(spec, &name, year, scale),
        Some(ending) => {
            let layer = VectorLayer::new(format!("clc{:02}", year % 100)).shape(VectorShape::Pairs);
            spec.vector(VectorSpec::of(format!("{name}.{ending}"), [layer]))
        }
    })
}

fn rasters(spec: PackageSpec, name: &str, year: u32, scale: Scale) -> PackageSpec {
    let overseas = OVERSEAS.iter().map(|place| place.raster(name, year, scale));
    let names: Vec<String> = OVERSEAS
        .iter()
        .map(|place| format!("{name}_FR_{}", place.code))
        .collect();
    let mut spec = spec
        .raster(europe(name, year, scale))
        .rasters(overseas)
        .document(
            format!("Legend/{name}_QGIS.txt"),
            legend::qgis_txt(&classes()),
        )
        .document(format!("Legend/{name}.tif.lyr"), LAYER_FILE)
        .document(
            "Naming_convention_description.txt",
            "campaign_reference_version_release\r\n",
        );
    for name in names {
        spec = spec.document(
            format!("DATA/French_DOMs/Legend/{name}.tif.lyr"),
            LAYER_FILE,
        );
    }
    spec
}

/// The first bytes of an ArcGIS layer file (an OLE compound document): binary, of no use to anyone but ArcGIS.
const LAYER_FILE: [u8; 8] = [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];

fn europe(name: &str, year: u32, scale: Scale) -> RasterSpec {
    let (width, height) = scale.size((65_000, 46_000), (4000, 3000));
    RasterSpec::new(format!("{name}.tif"), width, height)
        .corner(GRID_CORNER.0, GRID_CORNER.1, 100.0)
        .block((width > 128 && height > 128).then_some(128))
        .dtype(DType::I8)
        .nodata(NODATA.to_string())
        .pattern(Pattern::LandCover(land_cover(
            country::relief(0.30),
            0.30,
            year,
        )))
        .classes(classes())
        .sidecars(vec![
            Sidecar::Ovr(vec![2, 4, 8, 16]),
            Sidecar::Tfw,
            Sidecar::AuxXml(RatColumns::Counts),
            Sidecar::VatDbf(VatColumns::corine(year)),
            Sidecar::VatCpg,
            Sidecar::Xml,
            Sidecar::Raw {
                ending: ".vat.dbf.xml".into(),
                bytes: b"<?xml version=\"1.0\"?>\r\n<metadata xml:lang=\"en\"/>\r\n".to_vec(),
            },
        ])
}

/// A French overseas department. Corners are not on round metres; that of Guadeloupe is real, the others are about right.
struct Overseas {
    code: &'static str,
    epsg: u32,
    corner: (f64, f64),
    size: (usize, usize),
}

const OVERSEAS: [Overseas; 5] = [
    Overseas {
        code: "GLP",
        epsg: 4559,
        corner: (617_151.000_324, 1_836_482.158),
        size: (844, 731),
    },
    Overseas {
        code: "GUF",
        epsg: 2972,
        corner: (99_842.000_324, 640_231.842),
        size: (3480, 4060),
    },
    Overseas {
        code: "MTQ",
        epsg: 4559,
        corner: (689_951.000_324, 1_646_182.158),
        size: (482, 596),
    },
    Overseas {
        code: "MYT",
        epsg: 4471,
        corner: (500_351.000_324, 8_606_582.158),
        size: (332, 448),
    },
    Overseas {
        code: "REU",
        epsg: 2975,
        corner: (314_051.000_324, 7_692_382.158),
        size: (672, 634),
    },
];

impl Overseas {
    fn raster(&self, name: &str, year: u32, scale: Scale) -> RasterSpec {
        let demo = (self.size.0.min(700), self.size.1.min(600));
        let (width, height) = scale.size(self.size, demo);
        let (left, top) = self.corner;
        let (w, h) = (width as f64 * 100.0, height as f64 * 100.0);
        let relief = country::island(
            self.epsg + year,
            left + w / 2.0,
            top - h / 2.0,
            w.min(h) * 0.42,
        );
        let mut map = land_cover(relief, SEA_LEVEL, year);
        map.outside = OVERSEAS_NODATA;
        // Forests up to the top, no rock and ice.
        map.zones.truncate(6);
        RasterSpec::new(format!("{name}_FR_{}.tif", self.code), width, height)
            .folder("DATA/French_DOMs")
            .epsg(self.epsg)
            .corner(left, top, 100.0)
            .block((width > 128 && height > 128).then_some(128))
            .dtype(DType::U16)
            .nodata("-32768")
            .pattern(Pattern::LandCover(map))
            .classes(classes())
            .sidecars(vec![
                Sidecar::Ovr(vec![2, 4]),
                Sidecar::Tfw,
                Sidecar::AuxXml(RatColumns::Counts),
                Sidecar::Clr(ClrKey::Code),
                Sidecar::VatDbf(VatColumns::corine_overseas(year)),
                Sidecar::VatCpg,
                Sidecar::Xml,
            ])
    }
}

/// From the deep sea up: outside, NODATA, sea, coast, lowland, hills, mountains, peaks. The numbers are grid codes.
fn land_cover(relief: Relief, sea_level: f64, year: u32) -> LandCover {
    let upto = |noise: f64| country::height(noise, sea_level);
    LandCover {
        relief,
        // Each year is another cover of the same country.
        cover: country::cover(year, 100.0),
        zones: vec![
            Zone::of(upto(0.36), &[NODATA_CLASS]),
            Zone::of(upto(SEA_LEVEL), &[44]),
            Zone::of(upto(SEA_LEVEL + 0.006), &[5, 38, 37, 30, 30, 39, 42, 43]),
            Zone::of(
                upto(0.50),
                &[
                    1, 2, 3, 11, 12, 12, 12, 12, 12, 20, 18, 18, 12, 18, 21, 14, 23, 23, 35, 41,
                ],
            ),
            Zone::of(
                upto(0.55),
                &[
                    8, 2, 10, 15, 17, 16, 20, 21, 12, 12, 12, 18, 18, 22, 23, 23, 25, 25, 29, 41,
                ],
            ),
            Zone::of(
                upto(0.61),
                &[
                    7, 33, 29, 29, 23, 23, 23, 25, 25, 25, 24, 24, 24, 24, 24, 24, 27, 27, 28, 26,
                    36,
                ],
            ),
            Zone::of(upto(0.66), &[24, 24, 26, 27, 26, 32, 31]),
            Zone::of(1.0, &[31, 32, 31, 34, 34]),
        ],
        lines: Some(Lines {
            noise: country::rivers(100.0),
            width: 0.0012,
            from: upto(SEA_LEVEL),
            value: 40.0,
        }),
        outside: NODATA,
    }
}

/// The 44 classes by grid code, and NODATA.
pub(super) fn classes() -> ClassTable {
    let class = |(index, (code, name, colour)): (usize, &(&str, &str, [u8; 3]))| Class {
        value: if *code == "999" {
            i64::from(NODATA_CLASS)
        } else {
            index as i64 + 1
        },
        code: (*code).to_owned(),
        name: (*name).to_owned(),
        colour: *colour,
    };
    ClassTable(NOMENCLATURE.iter().enumerate().map(class).collect())
}

/// Code, name and standard colour of the CORINE nomenclature, level 3.
const NOMENCLATURE: [(&str, &str, [u8; 3]); 45] = [
    ("111", "Continuous urban fabric", [230, 0, 77]),
    ("112", "Discontinuous urban fabric", [255, 0, 0]),
    ("121", "Industrial or commercial units", [204, 77, 242]),
    (
        "122",
        "Road and rail networks and associated land",
        [204, 0, 0],
    ),
    ("123", "Port areas", [230, 204, 204]),
    ("124", "Airports", [230, 204, 230]),
    ("131", "Mineral extraction sites", [166, 0, 204]),
    ("132", "Dump sites", [166, 77, 0]),
    ("133", "Construction sites", [255, 77, 255]),
    ("141", "Green urban areas", [255, 166, 255]),
    ("142", "Sport and leisure facilities", [255, 230, 255]),
    ("211", "Non-irrigated arable land", [255, 255, 168]),
    ("212", "Permanently irrigated land", [255, 255, 0]),
    ("213", "Rice fields", [230, 230, 0]),
    ("221", "Vineyards", [230, 128, 0]),
    ("222", "Fruit trees and berry plantations", [242, 166, 77]),
    ("223", "Olive groves", [230, 166, 0]),
    ("231", "Pastures", [230, 230, 77]),
    (
        "241",
        "Annual crops associated with permanent crops",
        [255, 230, 166],
    ),
    ("242", "Complex cultivation patterns", [255, 230, 77]),
    (
        "243",
        "Land principally occupied by agriculture, with significant areas of natural vegetation",
        [230, 204, 77],
    ),
    ("244", "Agro-forestry areas", [242, 204, 166]),
    ("311", "Broad-leaved forest", [128, 255, 0]),
    ("312", "Coniferous forest", [0, 166, 0]),
    ("313", "Mixed forest", [77, 255, 0]),
    ("321", "Natural grasslands", [204, 242, 77]),
    ("322", "Moors and heathland", [166, 255, 128]),
    ("323", "Sclerophyllous vegetation", [166, 230, 77]),
    ("324", "Transitional woodland-shrub", [166, 242, 0]),
    ("331", "Beaches, dunes, sands", [230, 230, 230]),
    ("332", "Bare rocks", [204, 204, 204]),
    ("333", "Sparsely vegetated areas", [204, 255, 204]),
    ("334", "Burnt areas", [0, 0, 0]),
    ("335", "Glaciers and perpetual snow", [166, 230, 204]),
    ("411", "Inland marshes", [166, 166, 255]),
    ("412", "Peat bogs", [77, 77, 255]),
    ("421", "Salt marshes", [204, 204, 255]),
    ("422", "Salines", [230, 230, 255]),
    ("423", "Intertidal flats", [166, 166, 230]),
    ("511", "Water courses", [0, 204, 242]),
    ("512", "Water bodies", [128, 242, 230]),
    ("521", "Coastal lagoons", [0, 255, 166]),
    ("522", "Estuaries", [166, 255, 230]),
    ("523", "Sea and ocean", [230, 242, 255]),
    ("999", "NODATA", [255, 255, 255]),
];
