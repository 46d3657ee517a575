//! What stands in the documents of a cube.

use clms_cube::{BuildOptions, Provenance};
use clms_factory::{Package as Product, RasterSpec, Scale};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde_json::{Value, json};

use crate::fixture::{Built, add, build_dir, write};

async fn document(built: &Built, key: &str) -> Value {
    let bytes = built
        .store
        .get(&Path::parse(key).unwrap())
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

async fn forest() -> Built {
    let provenance = Provenance {
        data_id: Some("forest-type-2015|FTY".to_owned()),
        title: Some("Forest Type 2015".to_owned()),
        licence: Some("open".to_owned()),
        created_at: Some("2026-01-02T03:04:05Z".parse().unwrap()),
        ..Provenance::default()
    };
    let product = Product::forest_type_2015(Scale::Pixels(300, 200));
    let dir = write(product.rasters());
    add(&dir, "Documents/readme.txt", b"x");
    build_dir(
        dir,
        &BuildOptions {
            provenance,
            ..BuildOptions::default()
        },
    )
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_root_holds_copies_of_all_documents() {
    let built = forest().await;
    let root = document(&built, "zarr.json").await;
    let copies = root["consolidated_metadata"]["metadata"]
        .as_object()
        .unwrap();
    assert_eq!(
        copies.keys().collect::<Vec<_>>(),
        ["y", "x", "spatial_ref", "FTY"]
    );
    for (path, copy) in copies {
        assert_eq!(*copy, document(&built, &format!("{path}/zarr.json")).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn provenance_and_conventions() {
    let built = forest().await;
    let attributes = &built.cube.structure().attributes;
    assert_eq!(attributes["Conventions"], "CF-1.11");
    assert_eq!(attributes["title"], "Forest Type 2015");
    assert_eq!(attributes["license"], "open");
    assert!(
        attributes["history"]
            .as_str()
            .unwrap()
            .starts_with("2026-01-02T03:04:05Z converted by clms-cube ")
    );
    assert_eq!(attributes["clms"]["data_id"], "forest-type-2015|FTY");
    assert!(
        attributes["clms"]["files_used"][0]
            .as_str()
            .unwrap()
            .starts_with("DATA/FTY_2015")
    );
    let left_out = attributes["clms"]["files_left_out"].as_array().unwrap();
    assert!(
        left_out.contains(&json!({ "name": "Documents/readme.txt", "reason": "document" })),
        "{left_out:?}"
    );
    assert_eq!(attributes["proj:code"], "EPSG:3035");
    assert_eq!(
        attributes["spatial:transform"],
        json!([100.0, 0.0, 900_000.0, 0.0, -100.0, 5_500_000.0])
    );
    assert_eq!(
        attributes["spatial:bbox"],
        json!([900_000.0, 5_480_000.0, 930_000.0, 5_500_000.0])
    );
    assert_eq!(attributes["zarr_conventions"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_speak_cf() {
    let built = forest().await;
    let attributes = &built.cube.variable("", "FTY").unwrap().attributes;
    assert_eq!(attributes["long_name"], "Forest Type");
    assert_eq!(attributes["_FillValue"], 255);
    assert_eq!(attributes["grid_mapping"], "spatial_ref");
    assert!(
        attributes["_CRS"]["wkt"]
            .as_str()
            .unwrap()
            .starts_with("PROJCRS")
    );
    let values = attributes["flag_values"].as_array().unwrap().len();
    assert_eq!(
        attributes["flag_meanings"]
            .as_str()
            .unwrap()
            .split(' ')
            .count(),
        values
    );
    let density = Product::tree_cover_density_2015(Scale::Pixels(30, 20));
    let built = build_dir(write(density.rasters()), &BuildOptions::default())
        .await
        .unwrap();
    let variable = built.cube.variable("", "TCD").unwrap();
    assert_eq!(
        (variable.units(), variable.valid_range()),
        (Some("%"), Some([0.0, 100.0]))
    );
    assert!(
        variable.classes().iter().all(|class| class.value > 100),
        "{:?}",
        variable.classes()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn scale_and_offset_are_kept() {
    let raster = RasterSpec::new("odd.tif", 30, 20).scale_offset(0.1, -5.0);
    let built = build_dir(write(&[raster]), &BuildOptions::default())
        .await
        .unwrap();
    let attributes = &built.cube.variable("", "band_1").unwrap().attributes;
    assert_eq!(
        (&attributes["scale_factor"], &attributes["add_offset"]),
        (&json!(0.1), &json!(-5.0))
    );
    assert!(!attributes.contains_key("_FillValue"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_group_has_dimensions_of_its_own() {
    let rasters = [
        RasterSpec::new("FTY_a.tif", 60, 60),
        RasterSpec::new("FTY_a_FR_GLP.tif", 20, 30)
            .epsg(4559)
            .corner(6e5, 1.8e6, 10.0),
    ];
    let built = build_dir(write(&rasters), &BuildOptions::default())
        .await
        .unwrap();
    let group = built.cube.group("FR_GLP").unwrap();
    let dims: Vec<_> = group
        .dims
        .iter()
        .map(|dim| (dim.name.as_str(), dim.size))
        .collect();
    // xarray refuses a tree whose dimensions change their coordinates on the way down.
    assert_eq!(dims, [("y_FR_GLP", 30), ("x_FR_GLP", 20)]);
    assert_eq!(group.variables[0].dims, ["y_FR_GLP", "x_FR_GLP"]);
    assert_eq!(
        group.attributes["spatial:dimensions"],
        json!(["y_FR_GLP", "x_FR_GLP"])
    );
    let names: Vec<_> = group
        .coordinates
        .iter()
        .map(|array| array.name.as_str())
        .collect();
    assert_eq!(names.len(), 3);
    assert_eq!(
        group.grid.as_ref().unwrap().crs.code.as_deref(),
        Some("EPSG:4559")
    );
    let copy = document(&built, "FR_GLP/zarr.json").await;
    assert_eq!(
        copy["consolidated_metadata"]["metadata"]
            .as_object()
            .unwrap()
            .len(),
        4
    );
}
