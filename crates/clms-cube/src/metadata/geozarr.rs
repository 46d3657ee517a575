//! The `proj:` and `spatial:` conventions of GeoZarr (<https://github.com/zarr-conventions>).

use serde_json::{Map, Value, json};

use crate::plan::GroupPlan;

/// Attributes of a group, which hold for the arrays right below it.
pub(super) fn group_attributes(group: &GroupPlan) -> Map<String, Value> {
    let grid = &group.grid;
    let [west, dx, _, north, _, dy] = grid.geotransform;
    let mut attributes = Map::new();
    attributes.insert(
        "zarr_conventions".into(),
        json!([proj_convention(), spatial_convention()]),
    );
    if let Some(code) = &grid.crs.code {
        attributes.insert("proj:code".into(), json!(code));
    }
    attributes.insert("proj:wkt2".into(), json!(grid.crs.wkt));
    attributes.insert("spatial:dimensions".into(), json!(group.dims()));
    attributes.insert("spatial:shape".into(), json!([grid.height, grid.width]));
    // In the order of an affine matrix, not of GDAL.
    attributes.insert(
        "spatial:transform".into(),
        json!([dx, 0.0, west, 0.0, dy, north]),
    );
    attributes.insert("spatial:transform_type".into(), json!("affine"));
    attributes.insert("spatial:bbox".into(), json!(grid.bbox()));
    attributes.insert("spatial:registration".into(), json!("pixel"));
    attributes
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
