"""Opens what `clms export` wrote with the library of each format, and compares it with the cube that it was cut out of.

usage: check_export.py CUBE WEST,SOUTH,EAST,NORTH FILE...

The box is in degrees. Rasters (.tif, .nc, .zarr) must have the cube's values at their own places and hold the box, with no more than a pixel around what is seen of
it; tables (.csv) the value of the pixel that each point lies in; pictures (.png) just have to be some.

Prints one JSON document that describes what was compared; ends with 1 and a reason on the first difference.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
import rasterio
import rioxarray  # noqa: F401  (registers the accessor `rio`)
import xarray as xr


def fail(reason):
    print(f"DIFFERENT: {reason}", file=sys.stderr)
    sys.exit(1)


def opened(path):
    """The only variable as it is stored, with `x` and `y`."""
    if path.suffix == ".tif":
        return rioxarray.open_rasterio(path, masked=False).squeeze("band", drop=True)
    engine = "zarr" if path.suffix == ".zarr" else "netcdf4"
    dataset = xr.open_dataset(path, engine=engine, mask_and_scale=False, decode_coords="all")
    (name,) = [name for name, variable in dataset.data_vars.items() if variable.ndim >= 2]
    return dataset[name].squeeze(drop=True)


def check_raster(cube, path, bbox):
    window = opened(path)
    if window.rio.crs != cube.rio.crs:
        fail(f"{path.name}: CRS {window.rio.crs} instead of {cube.rio.crs}")
    expected = cube.sel(x=window.x, y=window.y, method="nearest", tolerance=1e-3)
    if window.dtype != cube.dtype or not np.array_equal(window.values, expected.values):
        fail(f"{path.name}: other values than the cube's")
    west, south, east, north = pyproj.Transformer.from_crs(4326, cube.rio.crs, always_xy=True).transform_bounds(*bbox)
    left, bottom, right, top = window.rio.bounds()
    width, height = map(abs, window.rio.resolution())
    around = [west - left, south - bottom, right - east, top - north]
    if min(around) < -1 or max(around) > 1.5 * max(width, height):
        fail(f"{path.name}: {window.rio.bounds()} is not around {(west, south, east, north)}")
    return {"pixels": window.size, "values": len(np.unique(window))}


def check_table(cube, path):
    table = pd.read_csv(path)
    to_cube = pyproj.Transformer.from_crs(4326, cube.rio.crs, always_xy=True)
    for row in table.itertuples():
        x, y = to_cube.transform(row.x, row.y)
        expected = cube.sel(x=x, y=y, method="nearest").item()
        if row.raw != expected:
            fail(f"{path.name}: {row.raw} instead of {expected}")
    return {"rows": len(table)}


def check_picture(path):
    with rasterio.open(path) as picture:
        return {"bands": picture.count, "size": [picture.width, picture.height]}


def main():
    cube, bbox, *files = sys.argv[1:]
    cube, bbox = opened(Path(cube)), [float(edge) for edge in bbox.split(",")]
    report = {}
    for path in map(Path, files):
        if path.suffix == ".csv":
            report[path.name] = check_table(cube, path)
        elif path.suffix == ".png":
            report[path.name] = check_picture(path)
        else:
            report[path.name] = check_raster(cube, path, bbox)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
