//! The named products: names, places, codes.

use std::collections::BTreeSet;
use std::fs;

use clms_factory::{DType, Package, Scale, Sidecar, demo_packages};
use gdal::Dataset;

use crate::archives::{find, inner};

const SMALL: Scale = Scale::Pixels(96, 64);

fn product(file: &str, scale: Scale) -> Package {
    Package::by_file_name(file, scale).unwrap()
}

#[test]
fn constructors_are_known_by_name() {
    let constructors = [
        Package::forest_type_2015,
        Package::tree_cover_density_2015,
        Package::imperviousness_2018,
        Package::corine_2018,
        Package::clcplus_2021,
        Package::forest_type_2015_block,
    ];
    for constructor in constructors {
        let package = constructor(SMALL);
        assert!(!package.rasters().is_empty(), "{}", package.file());
    }
    let of_the_demo = demo_packages();
    assert_eq!(of_the_demo[0].file(), "TCD_2015_100m_eu_03035_d04_Full");
    assert_eq!(of_the_demo.len(), 5);
    for unknown in [
        "",
        "FTY",
        "FTY_2015_100m_eu_03035_d02_",
        "XXX_2015_100m_eu_03035_d02_Full",
        "u2018_clc_raster100m",
    ] {
        assert!(Package::by_file_name(unknown, SMALL).is_none(), "{unknown}");
    }
}

#[test]
fn full_size_is_that_of_the_real_products() {
    let size = |file: &str| {
        let package = product(file, Scale::Full);
        let raster = &package.rasters()[0];
        (raster.width, raster.height, raster.bounds())
    };
    let europe = [900_000.0, 900_000.0, 7_400_000.0, 5_500_000.0];
    assert_eq!(
        size("FTY_2015_100m_eu_03035_d02_Full"),
        (65_000, 46_000, europe)
    );
    assert_eq!(
        size("FTY_2015_020m_eu_03035_d04_Full"),
        (325_000, 230_000, europe)
    );
    let block = [900_000.0, 2_000_000.0, 1_000_000.0, 3_000_000.0];
    assert_eq!(
        size("FTY_2015_020m_eu_03035_d04_E00N20"),
        (5000, 50_000, block)
    );
    let cut = [5_000_000.0, 5_000_000.0, 6_000_000.0, 5_500_000.0];
    assert_eq!(
        size("FTY_2015_020m_eu_03035_d04_E50N50"),
        (50_000, 25_000, cut)
    );
    let tile = [4_900_000.0, 3_700_000.0, 5_000_000.0, 3_800_000.0];
    assert_eq!(size("FTY_2018_010m_lv_03035_v010"), (10_000, 10_000, tile));
    assert_eq!(
        size("u2018_clc2018_v2020_20u1_raster100m"),
        (65_000, 46_000, europe)
    );
    assert_eq!(
        product("CLMS_CLCplus_RASTER_2021", Scale::Full).rasters()[3].bounds()[1],
        900_000.0
    );
}

#[test]
fn scaled_down_only_the_extent_shrinks() {
    for package in demo_packages() {
        let small = product(package.file(), SMALL);
        for (demo, small) in package.rasters().iter().zip(small.rasters()) {
            let (demo_gt, small_gt) = (demo.transform(), small.transform());
            assert_eq!(
                (demo_gt[1], demo_gt[5]),
                (small_gt[1], small_gt[5]),
                "{}",
                demo.name
            );
            assert_eq!((small.width, small.height), (96, 64));
            assert!(
                demo.width >= 300 && demo.height >= 400,
                "{} is too small to look at",
                demo.name
            );
        }
    }
}

#[test]
fn the_middle_tile_is_missing_and_the_others_meet() {
    let package = Package::imperviousness_2018(Scale::Demo);
    let names: Vec<_> = package
        .rasters()
        .iter()
        .map(|raster| raster.name.as_str())
        .collect();
    assert_eq!(names.len(), 8);
    assert!(names.contains(&"IMD_2018_100m_E43N30_03035_v020.tif"));
    assert!(!names.contains(&"IMD_2018_100m_E44N31_03035_v020.tif"));
    for raster in package.rasters() {
        // Full tiles at 100 m: the name is true.
        let [west, south, ..] = raster.bounds();
        let tile = format!("E{:02}N{:02}", west / 1e5, south / 1e5);
        assert!(raster.name.contains(&tile), "{} {tile}", raster.name);
    }
    // The field goes on from one tile to the next: neighbouring pixels across the seam are alike.
    let [left, right] = [0, 1].map(|k| &package.rasters()[k]);
    let jumps = (0..1000).filter(|row| {
        let (a, b) = (
            left.value_at_pixel(999, *row),
            right.value_at_pixel(0, *row),
        );
        (a - b).abs() > 20.0
    });
    assert!(jumps.count() < 10);
}

#[test]
fn every_demo_window_has_land_sea_and_several_classes() {
    for package in demo_packages() {
        for raster in package.rasters() {
            let mut values = BTreeSet::new();
            for k in 0..10_000 {
                let (col, row) = (k % 100 * raster.width / 100, k / 100 * raster.height / 100);
                values.insert(raster.value_at_pixel(col, row) as i64);
            }
            assert!(values.len() >= 4, "{}: {values:?}", raster.name);
            for value in &values {
                let outside = [255, 254, 253, -128, 32768].contains(value);
                assert!(
                    outside || raster.classes.0.is_empty() || raster.classes.get(*value).is_some(),
                    "{}: {value}",
                    raster.name
                );
            }
        }
    }
}

#[test]
fn forest_types_of_europe_are_packed_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let package = Package::forest_type_2015(Scale::Pixels(600, 600));
    let entries = inner(&package.write(dir.path()).unwrap());
    let root = "FTY_2015_100m_eu_03035_d02_Full";
    let tif = format!("{root}/Data/FTY_2015_100m_eu_03035_d02_full.tif");
    for ending in ["", ".ovr", ".aux.xml", ".vat.dbf", ".vat.cpg"] {
        find(&entries, &format!("{tif}{ending}"));
    }
    let path = dir.path().join("full.tif");
    fs::write(&path, find(&entries, &tif)).unwrap();
    let dataset = Dataset::open(path).unwrap();
    let band = dataset.rasterband(1).unwrap();
    assert_eq!(band.no_data_value(), Some(255.0));
    assert_eq!(band.block_size(), (512, 512));
    assert_eq!(dataset.spatial_ref().unwrap().auth_code().unwrap(), 3035);
    let pixels = band.read_band_as::<u8>().unwrap();
    let raster = &package.rasters()[0];
    for (k, found) in pixels.data().iter().enumerate() {
        assert_eq!(
            f64::from(*found),
            raster.value_at_pixel(k % 600, k / 600),
            "pixel {k}"
        );
    }
}

#[test]
fn corine_comes_with_the_overseas_departments() {
    let dir = tempfile::tempdir().unwrap();
    let package = Package::corine_2018(Scale::Pixels(200, 200));
    let entries = inner(&package.write(dir.path()).unwrap());
    let main = "DATA/U2018_CLC2018_V2020_20u1.tif";
    // dBASE III: 45 records, the names of the columns.
    let table = find(&entries, &format!("{main}.vat.dbf"));
    assert_eq!(table[0], 3);
    assert_eq!(table[4..8], 45_u32.to_le_bytes());
    let column = |table: &[u8], k: usize| {
        let field = &table[32 + 32 * k..64 + 32 * k];
        let name = field[..11].split(|byte| *byte == 0).next().unwrap();
        (
            String::from_utf8(name.to_vec()).unwrap(),
            field[11] as char,
            field[16],
        )
    };
    let columns: Vec<_> = (0..7).map(|k| column(table, k)).collect();
    let wanted = [
        ("Value", 'N', 10),
        ("Count", 'N', 10),
        ("Code_18", 'C', 3),
        ("LABEL3", 'C', 254),
        ("Red", 'F', 19),
        ("Green", 'F', 19),
        ("Blue", 'F', 19),
    ];
    assert_eq!(
        columns,
        wanted.map(|(name, kind, width)| (name.to_owned(), kind, width))
    );
    assert_eq!(table[7 * 32 + 32], 0x0D);

    let overseas = find(
        &entries,
        "French_DOMs/U2018_CLC2018_V2020_20u1_FR_GLP.tif.vat.dbf",
    );
    assert_eq!(column(overseas, 2), ("CODE_18".to_owned(), 'C', 254));
    assert_eq!(overseas[4 * 32 + 32], 0x0D);

    let legend =
        std::str::from_utf8(find(&entries, "Legend/U2018_CLC2018_V2020_20u1_QGIS.txt")).unwrap();
    assert_eq!(legend.split("\r\n").count(), 45);
    assert!(
        legend.starts_with("111,230,0,77,255,Continuous urban fabric\r\n")
            && !legend.ends_with('\n')
    );
    assert_eq!(
        legend
            .lines()
            .filter_map(|line| line.splitn(6, ',').nth(5))
            .map(str::len)
            .max(),
        Some(86)
    );

    let codes: Vec<_> = package.rasters()[0].classes.values().collect();
    assert_eq!(codes, (1..=44).chain([48]).collect::<Vec<_>>());
    assert_eq!(package.rasters()[0].dtype, DType::I8);

    let crs: Vec<_> = ["GLP", "GUF", "MTQ", "MYT", "REU"]
        .iter()
        .map(|code| {
            let path = dir.path().join(format!("{code}.tif"));
            let name = format!("DATA/French_DOMs/U2018_CLC2018_V2020_20u1_FR_{code}.tif");
            fs::write(&path, find(&entries, &name)).unwrap();
            let dataset = Dataset::open(path).unwrap();
            let band = dataset.rasterband(1).unwrap();
            assert_eq!(band.no_data_value(), Some(-32768.0));
            assert!(band.read_band_as::<u16>().unwrap().data().contains(&32768));
            dataset.spatial_ref().unwrap().auth_code().unwrap()
        })
        .collect();
    assert_eq!(crs, [4559, 2972, 4559, 4471, 2975]);
}

#[test]
fn clcplus_pieces_are_adjacent_and_named_in_two_ways() {
    let package = Package::clcplus_2021(SMALL);
    let rasters = package.rasters();
    assert!(rasters[0].name.ends_with("_part1.tif") && rasters[3].name.ends_with("_part4.TIF"));
    assert_eq!(rasters[0].bounds()[2], rasters[1].bounds()[0]);
    assert_eq!(rasters[0].bounds()[1], rasters[2].bounds()[3]);
    let dir = tempfile::tempdir().unwrap();
    let entries = inner(&package.write(dir.path()).unwrap());
    let table = std::str::from_utf8(find(
        &entries,
        "Data/CLMS_CLCplus_RASTER_2021_010m_eu_03035_V1_1_part4.TIF.aux.xml",
    ))
    .unwrap();
    assert!(table.contains("<F>Coastal seawater buffer</F>"), "{table}");
    let style = std::str::from_utf8(find(&entries, "V1_1.qml")).unwrap();
    assert!(
        style.contains(r##"value="1" color="#ff0000" label="Sealed""##),
        "{style}"
    );
    find(&entries, "V1_1.sld");
}

#[test]
fn the_vector_package_holds_no_raster() {
    let package = product("u2018_clc2018_v2020_20u1_geoPackage", SMALL);
    assert!(package.rasters().is_empty());
    let dir = tempfile::tempdir().unwrap();
    let entries = inner(&package.write(dir.path()).unwrap());
    assert!(find(&entries, "DATA/U2018_CLC2018_V2020_20u1.gpkg").starts_with(b"SQLite format 3"));
}

#[test]
fn overviews_are_asked_for_where_real_products_have_them() {
    let has = |package: Package| {
        let sidecars = &package.rasters()[0].sidecars;
        sidecars
            .iter()
            .any(|sidecar| matches!(sidecar, Sidecar::Ovr(_)))
    };
    assert!(has(Package::forest_type_2015(SMALL)) && has(Package::corine_2018(SMALL)));
}
