//! Opening, windows, overviews and colours.

use std::sync::Arc;

use clms_cube::{BuildOptions, CubeError, Dataset, Legend, Style, TileSize};
use clms_factory::{Package as Product, RasterSpec, Scale};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::fixture::{build, build_dir, mosaic, write};

#[tokio::test(flavor = "multi_thread")]
async fn windows_are_the_pixels_of_the_whole() {
    let raster = RasterSpec::new("FTY_a.tif", 333, 222).nodata("255");
    let options = BuildOptions {
        tile_size: TileSize::new(50, 40).ok(),
        ..BuildOptions::default()
    };
    let built = build_dir(write(std::slice::from_ref(&raster)), &options)
        .await
        .unwrap();
    let whole = mosaic(&built.grid(""), &[raster], 0, 255.0);
    for (rows, cols) in [
        (0..1, 0..1),
        (221..222, 332..333),
        (49..51, 39..41),
        (0..222, 100..101),
        (100..150, 0..333),
    ] {
        let window = built
            .cube
            .read_window("", "FTY", rows.clone(), cols.clone())
            .await
            .unwrap();
        let expected = rows.flat_map(|row| cols.clone().map(move |col| (row * 333 + col) as usize));
        assert_eq!(
            window.pixels.to_f64(),
            expected.map(|index| whole[index]).collect::<Vec<_>>()
        );
    }
    for (rows, cols) in [(0..223, 0..1), (5..5, 0..1), (0..1, 333..334)] {
        let error = built
            .cube
            .read_window("", "FTY", rows, cols)
            .await
            .unwrap_err();
        assert!(matches!(error, CubeError::OutOfBounds { .. }), "{error}");
    }
    assert!(matches!(
        built.cube.variable("", "TCD"),
        Err(CubeError::NoSuchVariable { .. })
    ));
    assert!(matches!(
        built.cube.group("a"),
        Err(CubeError::NoSuchGroup { .. })
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overview_takes_pixels_from_the_middle() {
    let raster = RasterSpec::new("FTY_a.tif", 1000, 600).nodata("255");
    let options = BuildOptions {
        tile_size: TileSize::new(64, 64).ok(),
        ..BuildOptions::default()
    };
    let built = build_dir(write(std::slice::from_ref(&raster)), &options)
        .await
        .unwrap();
    let whole = mosaic(&built.grid(""), &[raster], 0, 255.0);
    let overview = built.cube.overview("", "FTY", 100, 100).await.unwrap();
    assert_eq!(
        (overview.width, overview.height, overview.pixel_size),
        (100, 60, [100.0, 100.0])
    );
    for row in 0..60 {
        for col in 0..100 {
            assert_eq!(
                overview.pixels.value(row * 100 + col),
                whole[(row * 10 + 5) * 1000 + col * 10 + 5]
            );
        }
    }
    let full = built.cube.overview("", "FTY", 5000, 5000).await.unwrap();
    assert_eq!(full.pixels.to_f64(), whole);
    assert!(built.cube.overview("", "FTY", 0, 10).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_have_a_legend() {
    let built = build(Product::forest_type_2015(Scale::Pixels(650, 460)).rasters()).await;
    let overview = built.cube.overview("", "FTY", 200, 200).await.unwrap();
    let style = Style::new(built.cube.variable("", "FTY").unwrap(), &overview);
    let picture = style.render(&overview);
    assert_eq!(picture.len(), (overview.width * overview.height) as usize);
    for (index, colour) in picture.iter().enumerate() {
        assert_eq!(colour[3] == 0, overview.pixels.value(index) == 255.0);
    }
    let Legend::Classes { classes } = style.legend(&overview) else {
        panic!("no classes")
    };
    assert!(
        classes.len() > 1 && classes.iter().all(|class| class.value != 255),
        "{classes:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn cubes_open_from_files_with_odd_names_and_without_consolidated_metadata() {
    let raster = RasterSpec::new("FTY_a.tif", 90, 60).nodata("255");
    let other = RasterSpec::new("FTY_a_FR_GLP.tif", 30, 20)
        .epsg(4559)
        .corner(6e5, 1.8e6, 10.0)
        .nodata("255");
    let built = build(&[raster.clone(), other]).await;
    let dir = tempfile::TempDir::new().unwrap();
    let name = "forest-type-2015|FTY_a.zarr";
    std::fs::create_dir(dir.path().join(name)).unwrap();
    let files = LocalFileSystem::new_with_prefix(dir.path()).unwrap();
    let store: Arc<dyn ObjectStore> = Arc::new(PrefixStore::new(files, Path::parse(name).unwrap()));
    let plan = crate::fixture::plan(built.dir.path(), &BuildOptions::default()).unwrap();
    clms_cube::build(
        plan,
        Arc::clone(&store),
        &(),
        &clms_cube::CancellationToken::new(),
    )
    .await
    .unwrap();
    let cube = Dataset::open_zarr(Arc::clone(&store)).await.unwrap();
    assert_eq!(cube.structure(), built.cube.structure());

    let key = Path::from("zarr.json");
    let mut root: serde_json::Value =
        serde_json::from_slice(&store.get(&key).await.unwrap().bytes().await.unwrap()).unwrap();
    root.as_object_mut()
        .unwrap()
        .remove("consolidated_metadata");
    store
        .put(&key, serde_json::to_vec(&root).unwrap().into())
        .await
        .unwrap();
    let cube = Dataset::open_zarr(store).await.unwrap();
    let paths: Vec<_> = cube
        .structure()
        .groups
        .iter()
        .map(|group| group.path.as_str())
        .collect();
    assert_eq!(paths, ["", "FR_GLP"]);
    let window = cube.read_window("", "FTY", 0..60, 0..90).await.unwrap();
    assert_eq!(
        window.pixels.to_f64(),
        mosaic(&built.grid(""), &[raster], 0, 255.0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_an_error_and_never_pixels() {
    let built = build(&[RasterSpec::new("FTY_a.tif", 90, 60).nodata("255")]).await;
    let key = Path::from("FTY/c/0/0");
    let mut bytes = built
        .store
        .get(&key)
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap()
        .to_vec();
    let index = bytes.len() - 10;
    bytes[index] ^= 1;
    built.store.put(&key, bytes.into()).await.unwrap();
    let error = built
        .cube
        .read_window("", "FTY", 0..60, 0..90)
        .await
        .unwrap_err();
    assert!(matches!(error, CubeError::Decode { .. }), "{error}");
}
