"""Opens a cube of several dates with xarray, rioxarray and xcube, and compares each date with what GDAL reads from the raster of that date.

usage: check_times.py CACHE DATA_ID VARIABLE DATE=RASTER...

Prints one JSON document that describes what was compared; ends with 1 and a reason on the first difference.
"""

import json
import os
import sys

import numpy as np
import rasterio
import rioxarray  # noqa: F401  (registers the accessor `rio`)
import xarray as xr


def fail(reason):
    print(f"DIFFERENT: {reason}", file=sys.stderr)
    sys.exit(1)


def compare(dataset, name, rasters):
    """The decoded dataset as a user has it: missing values are NaN."""
    values = dataset[name]
    if values.dims[0] != "time" or values.ndim != 3:
        fail(f"{name} has dims {values.dims}")
    times = [str(time)[:10] for time in dataset["time"].values]
    if dataset["time"].dtype.kind != "M" or times != sorted(rasters):
        fail(f"times are {dataset['time']!r}")
    if values.chunks is not None and set(values.chunks[0]) != {1}:
        fail(f"chunks are {values.chunks}")
    pixels = 0
    for date, path in rasters.items():
        with rasterio.open(path) as raster:
            expected = raster.read(1).astype(float)
            expected[expected == raster.nodata] = np.nan
            one = values.sel(time=date).squeeze()
            if not np.array_equal(one.values, expected, equal_nan=True):
                fail(f"{date} differs")
            if one.rio.crs.to_epsg() != raster.crs.to_epsg() or not np.allclose(one.rio.bounds(), raster.bounds):
                fail(f"{date} lies elsewhere: {one.rio.crs} {one.rio.bounds()}")
            pixels += expected.size
    return {"times": times, "pixels_compared": pixels, "nodata": float(values.rio.encoded_nodata)}


def main(cache, data_id, name, *dated):
    rasters = dict(pair.split("=", 1) for pair in dated)
    path = os.path.join(cache, data_id)
    report = compare(xr.open_dataset(path, engine="zarr", chunks={}, decode_coords="all"), name, rasters)
    try:
        from xcube.core.store import new_data_store
    except ImportError:
        report["xcube"] = None
    else:
        report["xcube"] = compare(new_data_store("file", root=cache).open_data(data_id), name, rasters)
    return report


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:]), indent=1))
