//! Grids that can't be one become groups.

use clms_cube::BuildOptions;
use clms_factory::{Crs, DType, Package as Product, RasterSpec, Scale};

use crate::fixture::{build, build_dir, plan, write};

#[tokio::test(flavor = "multi_thread")]
async fn corine_and_the_overseas_departments() {
    let product = Product::corine_2018(Scale::Demo);
    let built = build(product.rasters()).await;
    let paths: Vec<_> = built
        .cube
        .structure()
        .groups
        .iter()
        .map(|group| group.path.as_str())
        .collect();
    // Guadeloupe and Martinique share CRS and grid.
    assert_eq!(paths, ["", "FR_GLP_MTQ", "FR_GUF", "FR_MYT", "FR_REU"]);
    for group in &paths {
        let is_of_group = |raster: &&RasterSpec| {
            let department = raster
                .name
                .split_once("_FR_")
                .and_then(|(_, rest)| rest.get(..3));
            department.map_or(group.is_empty(), |department| group.contains(department))
        };
        let rasters: Vec<_> = product.rasters().iter().filter(is_of_group).collect();
        let grid = built.grid(group);
        let bounds: Vec<_> = rasters.iter().map(|raster| raster.bounds()).collect();
        let west = bounds
            .iter()
            .map(|bounds| bounds[0])
            .fold(f64::INFINITY, f64::min);
        let north = bounds
            .iter()
            .map(|bounds| bounds[3])
            .fold(f64::NEG_INFINITY, f64::max);
        assert_eq!(
            [grid.geotransform[0], grid.geotransform[3]],
            [west, north],
            "{group}"
        );
        // "-32768" stands for 32768 in the unsigned rasters.
        let (fill, nodata) = if group.is_empty() {
            (-128.0, "-128")
        } else {
            (32768.0, "32768")
        };
        assert_eq!(
            built.cube.variable(group, "CLC").unwrap().fill_value,
            Some(fill)
        );
        let rasters: Vec<_> = rasters
            .into_iter()
            .map(|raster| raster.clone().nodata(nodata))
            .collect();
        built.assert_mosaic(group, "CLC", &rasters, 0, fill).await;
    }
    assert_eq!(built.grid("").crs.code.as_deref(), Some("EPSG:3035"));
    assert_eq!(built.grid("FR_GUF").crs.code.as_deref(), Some("EPSG:2972"));
    assert_eq!(
        built.cube.variable("", "CLC").unwrap().dtype,
        clms_cube::DataType::Int8
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_without_speaking_names_are_named_by_crs() {
    let rasters = [
        RasterSpec::new("FTY_1.tif", 60, 60),
        RasterSpec::new("FTY_1.tif", 20, 20)
            .epsg(32622)
            .corner(300_000.0, 500_000.0, 10.0)
            .folder("other"),
    ];
    let built = build(&rasters).await;
    assert_eq!(built.cube.structure().groups[1].path, "epsg_32622");
    built
        .assert_mosaic("epsg_32622", "FTY", &rasters[1..], 0, 255.0)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn islands_of_one_crs_may_have_grids_of_their_own() {
    let island = |name: &str, left: f64| {
        RasterSpec::new(name, 30, 20)
            .corner(left, 1_836_482.0, 100.0)
            .nodata("255")
    };
    let rasters = [
        island("FTY_main.tif", 600_000.0),
        island("FTY_GLP.tif", 617_151.000_3),
        island("FTY_GLP_b.tif", 617_151.000_3 + 3000.0),
    ];
    let built = build(&rasters).await;
    assert_eq!(built.cube.structure().groups[1].path, "main");
    built
        .assert_mosaic("", "FTY", &rasters[1..], 0, 255.0)
        .await;
    built
        .assert_mosaic("main", "FTY", &rasters[..1], 0, 255.0)
        .await;
}

#[test]
fn other_types_and_pixel_sizes_are_other_groups() {
    let rasters = [
        RasterSpec::new("X_a.tif", 60, 60),
        RasterSpec::new("X_b.tif", 20, 20).dtype(DType::U16),
        RasterSpec::new("X_c.tif", 20, 20).corner(4_000_000.0, 3_000_000.0, 20.0),
    ];
    let dir = write(&rasters);
    let plan = plan(dir.path(), &BuildOptions::default()).unwrap();
    let groups: Vec<_> = plan
        .groups()
        .iter()
        .map(|group| (group.path(), group.dtype().name()))
        .collect();
    assert_eq!(groups, [("", "uint8"), ("b", "uint16"), ("c", "uint8")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crs_without_a_code_is_the_same_crs() {
    const LAEA: &str = r#"PROJCS["ETRS89-extended / LAEA Europe",GEOGCS["IRENET95",DATUM["IRENET95",
        SPHEROID["GRS 1980",6378137,298.257222101]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],
        PROJECTION["Lambert_Azimuthal_Equal_Area"],PARAMETER["latitude_of_center",52],
        PARAMETER["longitude_of_center",10],PARAMETER["false_easting",4321000],
        PARAMETER["false_northing",3210000],UNIT["metre",1]]"#;
    let rasters = [
        RasterSpec::new("FTY_1.tif", 30, 30).crs(Some(Crs::Definition(LAEA.to_owned()))),
        RasterSpec::new("FTY_2.tif", 30, 30).corner(4_000_300.0, 3_000_000.0, 10.0),
    ];
    let built = build_dir(write(&rasters), &BuildOptions::default())
        .await
        .unwrap();
    assert_eq!(built.cube.structure().groups.len(), 1);
    assert_eq!(built.grid("").crs.code.as_deref(), Some("EPSG:3035"));
    built.assert_mosaic("", "FTY", &rasters, 0, 255.0).await;
}
