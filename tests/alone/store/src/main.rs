//! The facade alone: settings, data ids, and what is cached, without network or credentials.

use clms_store::{ClmsStore, DataId, StoreError};

fn main() -> Result<(), StoreError> {
    let store = ClmsStore::builder().cache("./clms_cache").build()?;
    let data_id: DataId = "clc2018/u2018_clc2018_v2020_20u1_raster100m".parse()?;
    assert_eq!(data_id.product(), "clc2018");
    assert!(store.cube_location(&data_id)?.ends_with("raster100m.zarr"));
    Ok(())
}
