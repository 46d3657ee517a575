"""Opens a cube with xarray, rioxarray and zarr-python, and compares every pixel with what GDAL reads from the source tiles.

usage: check_cube.py CUBE TILE.tif...

Prints one JSON document that describes what was compared; ends with 1 and a reason on the first difference.
"""

import json
import os
import sys

import numpy as np
import pyproj
import rasterio
import rioxarray  # noqa: F401  (registers the accessor `rio`)
import xarray as xr
import zarr


def fail(reason):
    print(f"DIFFERENT: {reason}", file=sys.stderr)
    sys.exit(1)


def rasters_of(dataset):
    """The data variables that are maps, without those that say where others have data."""
    masks = {var.attrs.get("ancillary_variables") for var in dataset.data_vars.values()}
    return {name: var for name, var in dataset.data_vars.items() if var.ndim == 2 and name not in masks}


def is_overview(group):
    """Groups of lower resolution have pixels of their own, which no tile has."""
    return "overviews" in group.split("/")


def axes(dataset):
    """The coordinates of rows and columns, by the names that rioxarray finds."""
    first = next(iter(rasters_of(dataset).values()))
    return dataset[first.rio.y_dim].values, dataset[first.rio.x_dim].values


def open_groups(path):
    """All groups of the cube: as they are stored (raw), and as a user sees them (decoded)."""
    raw = xr.open_datatree(path, engine="zarr", mask_and_scale=False, chunks={}, decode_coords="all")
    seen = xr.open_datatree(path, engine="zarr", chunks={}, decode_coords="all")
    return {
        node.path.strip("/"): (node.to_dataset(), seen[node.path].to_dataset())
        for node in raw.subtree
        if rasters_of(node.to_dataset())
    }


def check_group(name, raw, seen):
    """CRS, bounds, resolution and nodata as rioxarray reads them; returns what was found."""
    variables = rasters_of(raw)
    first = seen[next(iter(variables))]
    if first.rio.crs is None:
        fail(f"group {name!r} has no CRS for rioxarray")
    y, x = axes(raw)
    if tuple(first.dims) != (first.rio.y_dim, first.rio.x_dim):
        fail(f"group {name!r}: dims {first.dims} are not rows and columns for rioxarray")
    step_x, step_y = np.diff(x), np.diff(y)
    if not (step_x > 0).all() or not (step_y < 0).all():
        fail(f"group {name!r}: x must grow and y must fall")
    resolution = first.rio.resolution()
    if not np.allclose(step_x, resolution[0], rtol=1e-9) or not np.allclose(step_y, resolution[1], rtol=1e-9):
        fail(f"group {name!r}: coordinates do not step by the resolution {resolution}")
    found = {
        "crs": first.rio.crs.to_string()[:80],
        "bounds": first.rio.bounds(),
        "resolution": resolution,
        "shape": first.shape,
        "variables": {},
    }
    for variable, values in variables.items():
        nodata = seen[variable].rio.encoded_nodata
        stored = values.attrs.get("_FillValue")
        if stored is not None and nodata is None:
            fail(f"{name}/{variable}: _FillValue {stored} is stored, but rioxarray sees no nodata")
        found["variables"][variable] = {
            "dtype": str(values.dtype),
            "nodata": None if nodata is None else float(nodata),
            "classes": len(np.atleast_1d(values.attrs.get("flag_values", []))),
        }
        meanings = values.attrs.get("flag_meanings")
        if meanings is not None and len(meanings.split()) != len(np.atleast_1d(values.attrs["flag_values"])):
            fail(f"{name}/{variable}: flag_meanings and flag_values differ in length")
    return found


def place(tile, raw):
    """The rows and columns that the tile takes in the group's grid."""
    half_x, half_y = tile.transform.a / 2, tile.transform.e / 2
    y, x = axes(raw)
    col = int(np.abs(x - (tile.transform.c + half_x)).argmin())
    row = int(np.abs(y - (tile.transform.f + half_y)).argmin())
    off_x = abs(x[col] - (tile.transform.c + half_x)) / tile.transform.a
    off_y = abs(y[row] - (tile.transform.f + half_y)) / -tile.transform.e
    if off_x > 1e-3 or off_y > 1e-3:
        fail(f"{tile.name}: no pixel of the cube lies at its corner (off by {off_x}, {off_y} pixels)")
    return slice(row, row + tile.height), slice(col, col + tile.width)


def differing(ours, theirs, nodata, mask, seen_valid):
    """Which pixels of a tile are wrong. Where a mask tells what is data, the first tile by name that has data there counts."""
    if mask is None:
        return ours != theirs
    valid = np.ones(theirs.shape, bool) if nodata is None else theirs != nodata
    first = valid & ~seen_valid
    seen_valid |= valid
    return (ours != theirs) & first


def compare(path, tiles):
    tiles = sorted(tiles, key=lambda tile: os.path.basename(tile))
    groups = open_groups(path)
    if not groups:
        fail("xarray finds no map in it")
    report = {name: check_group(name, *group) for name, group in groups.items()}
    covered = {name: np.zeros(report[name]["shape"], bool) for name in groups}
    valid = {
        (name, variable): np.zeros(values.shape, bool)
        for name, (raw, _) in groups.items()
        for variable, values in rasters_of(raw).items()
    }
    pixels = 0
    for tile_path in tiles:
        with rasterio.open(tile_path) as tile:
            crs = pyproj.CRS.from_user_input(tile.crs.to_wkt())
            homes = [
                name
                for name, (raw, seen) in groups.items()
                if not is_overview(name)
                and crs.equals(pyproj.CRS.from_user_input(next(iter(rasters_of(seen).values())).rio.crs.to_wkt()), ignore_axis_order=True)
                and np.isclose(report[name]["resolution"][0], tile.transform.a)
                and report[name]["bounds"][0] - 1 <= tile.bounds.left
                and tile.bounds.right <= report[name]["bounds"][2] + 1
                and report[name]["bounds"][1] - 1 <= tile.bounds.bottom
                and tile.bounds.top <= report[name]["bounds"][3] + 1
            ]
            if len(homes) != 1:
                fail(f"{tile_path} lies in {len(homes)} groups of the cube: {homes}")
            name = homes[0]
            raw = groups[name][0]
            rows, cols = place(tile, raw)
            covered[name][rows, cols] = True
            for band, variable in enumerate(rasters_of(raw).values(), start=1):
                ours, theirs = variable[rows, cols].values, tile.read(band)
                if ours.dtype != theirs.dtype:
                    fail(f"{tile_path}: {ours.dtype} in the cube, {theirs.dtype} in the source")
                mask = variable.attrs.get("ancillary_variables")
                seen_valid = valid[name, variable.name][rows, cols]
                wrong = np.argwhere(differing(ours, theirs, tile.nodatavals[band - 1], mask, seen_valid))
                if len(wrong):
                    row, col = wrong[0]
                    fail(f"{tile_path}: {len(wrong)} pixels differ, first [{row}, {col}]: {ours[row, col]} instead of {theirs[row, col]}")
                pixels += ours.size
    for name, (raw, seen) in groups.items():
        if is_overview(name):
            continue
        gaps = ~covered[name]
        report[name]["gap_pixels"] = int(gaps.sum())
        for variable, values in rasters_of(raw).items():
            fill = values.attrs.get("_FillValue")
            mask = values.attrs.get("ancillary_variables")
            if mask is not None:
                # As a user of xarray masks it.
                missing = seen[variable].where(seen[mask] == 1).isnull().values
                if (missing != ~valid[name, variable]).any():
                    fail(f"{name}/{mask} is not where {variable} has data")
                report[name]["variables"][variable]["masked_pixels"] = int(missing.sum())
                continue
            if not gaps.any():
                continue
            if fill is None:
                fail(f"{name}/{variable} has gaps but neither _FillValue nor a mask")
            if (values.values[gaps] != fill).any():
                fail(f"{name}/{variable}: a gap looks like data")
    # zarr-python alone, without xarray in between.
    root = zarr.open_group(path, mode="r")
    if hasattr(root, "info_complete"):
        root.info_complete()
    else:
        root.tree()
    return {"zarr": zarr.__version__, "xarray": xr.__version__, "groups": report, "tiles": len(tiles), "pixels_compared": pixels}


if __name__ == "__main__":
    print(json.dumps(compare(sys.argv[1], sys.argv[2:]), indent=1))
