//! The `proj:`, `spatial:` and `multiscales` conventions of GeoZarr (<https://github.com/zarr-conventions>).

use serde_json::{Map, Value, json};

use crate::Grid;
use crate::plan::GroupPlan;

/// Attributes of a group, which hold for the arrays right below it.
pub(super) fn group_attributes(group: &GroupPlan) -> Map<String, Value> {
    let multiscales = (!group.levels.is_empty()).then(|| multiscales(group));
    grid_attributes(&group.grid, group.dims(), multiscales)
}

/// Attributes of a group of arrays on a grid.
pub(crate) fn grid_attributes(
    grid: &Grid,
    dims: [String; 2],
    multiscales: Option<Value>,
) -> Map<String, Value> {
    let mut attributes = Map::new();
    let mut conventions = vec![proj_convention(), spatial_convention()];
    if let Some(multiscales) = multiscales {
        conventions.push(multiscales_convention());
        attributes.insert("multiscales".into(), multiscales);
    }
    attributes.insert("zarr_conventions".into(), json!(conventions));
    if let Some(code) = &grid.crs.code {
        attributes.insert("proj:code".into(), json!(code));
    }
    attributes.insert("proj:wkt2".into(), json!(grid.crs.wkt));
    attributes.insert("spatial:dimensions".into(), json!(dims));
    attributes.insert("spatial:shape".into(), json!([grid.height, grid.width]));
    attributes.insert("spatial:transform".into(), transform(grid));
    attributes.insert("spatial:transform_type".into(), json!("affine"));
    attributes.insert("spatial:bbox".into(), json!(grid.bbox()));
    attributes.insert("spatial:registration".into(), json!("pixel"));
    attributes
}

/// In the order of an affine matrix, not of GDAL.
fn transform(grid: &Grid) -> Value {
    let [west, dx, _, north, _, dy] = grid.geotransform;
    json!([dx, 0.0, west, 0.0, dy, north])
}

/// The full resolution is the group itself, each overview a group below it that was made from the one before.
fn multiscales(group: &GroupPlan) -> Value {
    const ITSELF: &str = ".";
    let entry = |asset: &str, grid: &Grid| {
        json!({
            "asset": asset,
            "transform": { "scale": [1.0, 1.0], "translation": [0.0, 0.0] },
            "spatial:shape": [grid.height, grid.width],
            "spatial:transform": transform(grid),
        })
    };
    let mut layout = vec![entry(ITSELF, &group.grid)];
    let (mut finer, mut number) = (ITSELF.to_owned(), 0);
    for level in &group.levels {
        let mut entry = entry(&level.path(), &level.grid);
        entry["derived_from"] = json!(finer);
        let scale = f64::from(1 << (level.number - number));
        entry["transform"]["scale"] = json!([scale, scale]);
        layout.push(entry);
        (finer, number) = (level.path(), level.number);
    }
    let mut multiscales = json!({ "layout": layout });
    let mut methods = group
        .variables
        .iter()
        .map(|variable| variable.resampling(group.dtype).name());
    if let Some(first) = methods.next()
        && methods.all(|method| method == first)
    {
        multiscales["resampling_method"] = json!(first);
    }
    multiscales
}

fn multiscales_convention() -> Value {
    json!({
        "schema_url": "https://raw.githubusercontent.com/zarr-conventions/multiscales/refs/tags/v1/schema.json",
        "spec_url": "https://github.com/zarr-conventions/multiscales/blob/v1/README.md",
        "uuid": "d35379db-88df-4056-af3a-620245f8e347",
        "name": "multiscales",
        "description": "Multiscale layout of zarr datasets",
    })
}

fn proj_convention() -> Value {
    json!({
        "schema_url": "https://raw.githubusercontent.com/zarr-conventions/geo-proj/refs/tags/v1/schema.json",
        "spec_url": "https://github.com/zarr-conventions/geo-proj/blob/v1/README.md",
        "uuid": "f17cb550-5864-4468-aeb7-f3180cfb622f",
        "name": "proj:",
        "description": "Coordinate reference system information for geospatial data",
    })
}

fn spatial_convention() -> Value {
    json!({
        "schema_url": "https://raw.githubusercontent.com/zarr-conventions/spatial/refs/tags/v1/schema.json",
        "spec_url": "https://github.com/zarr-conventions/spatial/blob/v1/README.md",
        "uuid": "689b58e2-cf7b-45e0-9fff-9cfc0883d6b4",
        "name": "spatial:",
        "description": "Spatial coordinate information",
    })
}
