//! Collections that are cut into tiles.

use clms_factory::DatedRaster;
use clms_store::cdse::{CdseError, OpenOptions, ProductQuery};
use clms_store::cube::Selection;

use super::world::{Row, World, collection, day};

/// Pixels of a tile along each side.
const SIZE: usize = 300;

/// Compresses badly, so that not all of a file is in its head.
fn noise(day: i64, row: usize, col: usize) -> u8 {
    let mixed = (row as u64 * 1_000_003) ^ (col as u64 * 7_368_787) ^ day.unsigned_abs();
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as u8 % 250
}

/// A tile of tree cover: 10 m pixels, of which each tile has fewer than the real one's 10,000.
fn tile(number: i32, epsg: u32, east: usize, north: usize) -> DatedRaster {
    DatedRaster {
        epsg,
        geotransform: [
            4_000_000.0 + (east * SIZE * 10) as f64,
            10.0,
            0.0,
            3_000_000.0 + (north * SIZE * 10) as f64,
            0.0,
            -10.0,
        ],
        value: noise,
        ..DatedRaster::fapar(day(number), SIZE, SIZE)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_are_one_dataset_of_which_windows_read_what_they_touch() {
    let world = World::start().await;
    let trees = collection("clms_vlcc_tree-cover-density_europe_10m_yearly_v1");
    let mut rows = Vec::new();
    // The second year lacks a tile, and one place has none at all.
    for (year, number) in [(2021, 0), (2022, 365)] {
        for (east, north) in [(0, 0), (1, 0), (0, 1), (2, 1)] {
            if (year, east, north) == (2022, 1, 0) {
                continue;
            }
            let name = format!("CLMS_HRLVLCC_TCD_S{year}_R10m_E4{east}N3{north}_03035_V01_R00_cog");
            let west = 10.0 + east as f64;
            let row = Row {
                bbox: [west, 45.0 + north as f64, west + 1.0, 46.0 + north as f64],
                ..Row::new(trees, &name, day(number))
            };
            let file = format!("{}.tif", name.trim_end_matches("_cog"));
            world
                .put_file(&row, &file, world.cog(&tile(number, 3035, east, north)))
                .await;
            rows.push(row);
        }
    }
    rows.reverse();
    world.put_list(trees, "cog", &rows);
    let (_, before) = world.reads(0, 0);
    let dataset = world
        .cdse()
        .open(trees, &OpenOptions::default())
        .await
        .unwrap();
    let (reads, before) = world.reads(before, 8);
    assert_eq!(
        reads.len(),
        1 + 7,
        "a folder, and the header of the first and last file of each tile: {reads:?}"
    );
    let density = dataset.variable("", "TCD").unwrap();
    assert_eq!(
        (&density.shape[..], density.dims.len()),
        (&[2, 600, 900][..], 3)
    );
    assert_eq!(
        dataset.group("").unwrap().grid.as_ref().unwrap().bbox(),
        [4_000_000.0, 2_997_000.0, 4_009_000.0, 3_003_000.0]
    );
    assert!(!dataset.group("").unwrap().overviews.is_empty());

    // The second year from the first to the last column: a tile, a gap, and the tile that is missing from the lower row.
    let slab = dataset
        .select("", "TCD", &Selection::new().indices("time", 1..2))
        .await
        .unwrap();
    let window = dataset.read(&slab).await.unwrap();
    for (index, value) in window.pixels.to_f64().into_iter().enumerate() {
        let (row, col) = (index / 900, index % 900);
        let (north, east) = (1 - row / SIZE, col / SIZE);
        let expected = match (east, north) {
            (0, 0) | (0, 1) | (2, 1) => {
                f64::from(tile(365, 3035, east, north).value_at(row % SIZE, col % SIZE))
            }
            _ => 255.0,
        };
        assert_eq!(value, expected, "row {row}, column {col}");
    }
    let known = dataset.traffic().requests;
    let (_, before) = world.reads(before, known - 7);
    let corner = Selection::new().indices("time", 0..1).bbox([
        4_008_000.0,
        3_000_100.0,
        4_008_100.0,
        3_000_200.0,
    ]);
    let slab = dataset.select("", "TCD", &corner).await.unwrap();
    dataset.read(&slab).await.unwrap();
    let (reads, _) = world.reads(before, dataset.traffic().requests - known);
    assert!(
        !reads.is_empty() && reads.iter().all(|key| key.contains("S2021_R10m_E42N31")),
        "{reads:?}"
    );

    let one = ProductQuery::new().bbox([10.2, 45.2, 10.8, 45.8]);
    let dataset = world
        .cdse()
        .open(trees, &OpenOptions::new(one))
        .await
        .unwrap();
    assert_eq!(dataset.variable("", "TCD").unwrap().shape, [2, 300, 300]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_of_other_zones_are_groups_and_too_many_are_refused() {
    let world = World::start().await;
    let snow = collection("clms_wsi_fractional-snow-cover_europe_utm_20m_daily_v2");
    let mut rows = Vec::new();
    for (name, epsg, east) in [
        ("T31TGK", 32631, 0),
        ("T32TLR", 32632, 0),
        ("T32TMR", 32632, 1),
    ] {
        let name = format!("CLMS_WSI_FSC_020m_{name}_20250101T1028{epsg}_S2A_V200")
            .replace("32632", "41")
            .replace("32631", "51");
        let row = Row::new(snow, &name, day(0));
        for variable in ["FSCOG", "FSCTOC-QA"] {
            let raster = DatedRaster {
                variable: "x",
                ..tile(0, epsg, east, 0)
            };
            world
                .put_file(&row, &format!("{name}_{variable}.tif"), world.cog(&raster))
                .await;
        }
        rows.push(row);
    }
    world.put_list(snow, "cog", &rows);
    let dataset = world
        .cdse()
        .open(snow, &OpenOptions::default())
        .await
        .unwrap();
    let groups: Vec<(&str, Vec<u64>)> = dataset
        .structure()
        .groups
        .iter()
        .map(|group| (group.path.as_str(), group.variables[0].shape.clone()))
        .collect();
    assert_eq!(
        groups,
        [("", vec![1, 300, 600]), ("EPSG_32631", vec![1, 300, 300])]
    );
    for (path, second) in [("", 41), ("EPSG_32631", 51)] {
        let cover = dataset.variable(path, "FSCOG").unwrap();
        assert_eq!(cover.units(), Some("%"), "what is known of it, everywhere");
        let times = dataset.times(path).await.unwrap();
        assert_eq!(times[0].to_string(), format!("2025-01-01T10:28:{second}Z"));
        let slab = dataset
            .select(path, "FSCTOC-QA", &Selection::new().indices("y", 100..101))
            .await
            .unwrap();
        let window = dataset.read(&slab).await.unwrap();
        let source = tile(0, 32632, 0, 0);
        assert!(
            (0..300).all(|col| window.pixels.value(col) == f64::from(source.value_at(100, col)))
        );
    }

    let many: Vec<Row> = (0..500)
        .map(|number| Row {
            name: format!(
                "CLMS_WSI_FSC_020m_T{:02}TLR_20250101T102841_S2A_V200",
                number % 100
            ),
            bbox: [number as f64, 0.0, number as f64 + 1.0, 1.0],
            ..rows[0].clone()
        })
        .collect();
    let many: Vec<Row> = many
        .into_iter()
        .enumerate()
        .map(|(number, row)| Row {
            name: row.name.replace(
                "TLR",
                &format!("T{}R", char::from(b'A' + (number / 100) as u8)),
            ),
            ..row
        })
        .collect();
    world.put_list(snow, "cog", &many);
    let now = OpenOptions::default().freshness(clms_store::cdse::Freshness::Within(
        std::time::Duration::ZERO,
    ));
    let refused = world.cdse().open(snow, &now).await.unwrap_err();
    assert!(
        matches!(refused, CdseError::TooManyTiles { tiles: 500, .. }),
        "{refused}"
    );
    assert!(refused.hint().unwrap().contains("bbox"));
}
