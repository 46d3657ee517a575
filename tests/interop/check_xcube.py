"""Lists a cache with xcube's file or s3 store, opens a cube by its data id, and compares every pixel with what GDAL reads from the source tiles.

usage: check_xcube.py CACHE DATA_ID TILE.tif...

CACHE is a folder, or s3://BUCKET/PREFIX; what s3 needs besides is taken from the environment, as its users have it.
xcube opens the root group, so the tiles must be those of it. Prints one JSON document; ends with 1 and a reason on the first difference.
"""

import json
import sys

import numpy as np
import pyproj
import rasterio
import rioxarray  # noqa: F401  (registers the accessor `rio`)
import xcube
from xcube.core.store import new_data_store


def fail(reason):
    print(f"DIFFERENT: {reason}", file=sys.stderr)
    sys.exit(1)


def compare(cache, data_id, tiles):
    kind, root = ("s3", cache.removeprefix("s3://")) if cache.startswith("s3://") else ("file", cache)
    store = new_data_store(kind, root=root)
    listed = list(store.get_data_ids())
    if listed != [data_id]:
        fail(f"the store lists {listed}")
    if not store.has_data(data_id):
        fail(f"the store has no {data_id}")
    described = store.describe_data(data_id)
    dataset = store.open_data(data_id)
    name, values = next((name, var) for name, var in dataset.data_vars.items() if var.ndim == 2)
    if name not in described.data_vars:
        fail(f"{name} is not described")
    found = {
        "xcube": xcube.__version__,
        "crs": values.rio.crs.to_string()[:80],
        "bounds": values.rio.bounds(),
        "nodata": None if values.rio.encoded_nodata is None else float(values.rio.encoded_nodata),
        "chunks": values.chunks is not None,
    }
    expected = np.full(values.shape, np.nan)
    y, x = dataset[values.dims[0]].values, dataset[values.dims[1]].values
    for path in tiles:
        with rasterio.open(path) as tile:
            if not pyproj.CRS.from_user_input(tile.crs.to_wkt()).equals(
                pyproj.CRS.from_user_input(values.rio.crs.to_wkt()), ignore_axis_order=True
            ):
                fail(f"{path} has another CRS")
            col = int(np.abs(x - tile.transform.c - tile.transform.a / 2).argmin())
            row = int(np.abs(y - tile.transform.f - tile.transform.e / 2).argmin())
            pixels = tile.read(1).astype(float)
            pixels[pixels == found["nodata"]] = np.nan
            expected[row : row + tile.height, col : col + tile.width] = pixels
    wrong = np.argwhere((values.values != expected) & ~(np.isnan(values.values) & np.isnan(expected)))
    if len(wrong):
        fail(f"{len(wrong)} pixels differ, first {wrong[0]}")
    found["pixels_compared"] = int(expected.size)
    return found


if __name__ == "__main__":
    print(json.dumps(compare(sys.argv[1], sys.argv[2], sys.argv[3:]), indent=1))
