"""Opens references with xarray over fsspec, and compares each with what our own reader has read and with what netCDF4 or rasterio read.

usage: check_reference.py JOBS

JOBS is a JSON file with a list of `{"name": ..., "reference": ..., "expected": ..., "sources": [...]}`. `expected` is a folder with
`expected.json` (for each variable its dimensions, shape and type; the times, the names of the coordinates), and for each array of it
`NAME.stored` and `NAME.decoded`, doubles in the byte order of the machine. `sources` are the files that are referred to, in the order of
their time.

Prints a JSON list of what was compared, in the order of the jobs; if there are differences, ends with 1 and names the jobs and reasons.
"""

import json
import sys
import traceback
from pathlib import Path

import netCDF4
import numpy as np
import pandas as pd
import rasterio
import rioxarray  # noqa: F401  (registers the accessor `rio`)
import xarray as xr


class Different(Exception):
    """Why a reference is not what was expected."""


def fail(reason):
    raise Different(reason)


def same(what, ours, theirs):
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    if ours.shape != theirs.shape:
        fail(f"{what}: shape {theirs.shape} instead of {ours.shape}")
    equal = (ours == theirs) | ((ours != ours) & (theirs != theirs))
    if not equal.all():
        where = np.argwhere(~equal)[0]
        fail(f"{what}: {(~equal).sum()} of {equal.size} differ, first at {where}: {theirs[tuple(where)]} instead of {ours[tuple(where)]}")


def open_reference(reference, **options):
    """As the documentation says."""
    storage = {"fo": str(reference), "remote_protocol": "http", "remote_options": {"asynchronous": True}}
    return xr.open_dataset("reference://", engine="zarr", storage_options=storage, chunks={}, decode_coords="all", **options)


def expected_array(folder, name, kind, shape):
    return np.fromfile(folder / f"{name}.{kind}", dtype="f8").reshape(shape)


def source_pixels(path, name):
    """The stored pixels of a variable as the library of the format reads them."""
    if path.suffix == ".nc":
        with netCDF4.Dataset(path) as dataset:
            dataset.set_auto_maskandscale(False)
            return np.asarray(dataset[name][:])
    with rasterio.open(path) as dataset:
        bands = [band or f"band_{number}" for number, band in enumerate(dataset.descriptions, 1)]
        band = bands.index(name) + 1 if name in bands else 1
        return dataset.read(band)


def check_variable(folder, name, about, raw, seen, sources):
    shape = tuple(about["shape"])
    if list(raw.dims) != about["dims"]:
        fail(f"{name} has dims {raw.dims} instead of {about['dims']}")
    if raw.dtype.newbyteorder("=") != np.dtype(about["dtype"]) and "_Unsigned" not in raw.attrs:
        fail(f"{name} is {raw.dtype} instead of {about['dtype']}")
    stored = raw.values
    if "_Unsigned" in raw.attrs:
        stored = stored.view(stored.dtype.str.replace("i", "u"))
    same(f"{name}, stored", expected_array(folder, name, "stored", shape), stored)
    steps = np.stack([source_pixels(path, name).reshape(shape[-2:]) for path in sources])
    same(f"{name}, stored, by the library of the format", steps.reshape(shape), raw.values)

    # We take for missing also what is beyond the valid range, and xarray does not.
    ours, theirs = expected_array(folder, name, "decoded", shape), seen.values
    if theirs.dtype.kind != "f":
        theirs = theirs.astype("f8")
    both = ~np.isnan(ours)
    if not np.allclose(ours[both], theirs[both], rtol=1e-6):
        fail(f"{name}, decoded, differs")
    low, high = raw.attrs.get("valid_range", [raw.attrs.get("valid_min", -np.inf), raw.attrs.get("valid_max", np.inf)])
    only_theirs = ~both & ~np.isnan(theirs)
    if ((stored[only_theirs] >= low) & (stored[only_theirs] <= high)).any():
        fail(f"{name}: missing pixels are not missing for xarray")
    missing = int(np.isnan(theirs).sum())
    if (np.isnan(theirs) & both).any():
        fail(f"{name}: pixels are missing for xarray alone")
    return {"pixels": int(stored.size), "missing": missing, "attributes": {k: str(v) for k, v in raw.attrs.items()}}


def check_place(seen, name, source):
    """CRS and transform for rioxarray against the file's, and coordinates against pixel centres."""
    variable = seen[name]
    y, x = variable.dims[-2:]
    variable = variable.rio.set_spatial_dims(x_dim=x, y_dim=y)
    if source.suffix == ".nc":
        with netCDF4.Dataset(source) as dataset:
            dataset.set_auto_maskandscale(False)
            for dim in (y, x):
                if dim in dataset.variables:
                    same(dim, dataset[dim][:], seen[dim].values)
        return variable.rio.crs and variable.rio.crs.to_string()
    with rasterio.open(source) as dataset:
        if variable.rio.crs != dataset.crs:
            fail(f"CRS {variable.rio.crs} instead of {dataset.crs}")
        if not variable.rio.transform().almost_equals(dataset.transform, 1e-9):
            fail(f"transform {variable.rio.transform()} instead of {dataset.transform}")
        rows, cols = np.arange(dataset.height), np.arange(dataset.width)
        centres_x, _ = dataset.xy(np.zeros_like(cols), cols)
        _, centres_y = dataset.xy(rows, np.zeros_like(rows))
        if not np.allclose(seen[x], centres_x, rtol=1e-12) or not np.allclose(seen[y], centres_y, rtol=1e-12):
            fail("coordinates are not the centres of the pixels")
        return dataset.crs.to_string()


def check(reference, folder, sources):
    expected = json.loads((folder / "expected.json").read_text())
    raw = open_reference(reference, mask_and_scale=False)
    seen = open_reference(reference)
    report = {"variables": {}}
    names = set(raw.data_vars) - {"crs"}
    if names != set(expected["variables"]):
        fail(f"variables {sorted(names)} instead of {sorted(expected['variables'])}")
    for name, about in expected["variables"].items():
        report["variables"][name] = check_variable(folder, name, about, raw[name], seen[name], sources)
        report["crs"] = check_place(seen, name, sources[0])
    for name, size in expected["coordinates"].items():
        same(name, expected_array(folder, name, "stored", (size,)), raw[name].astype("f8").values if name != "time" else xr.conventions.encode_cf_variable(raw[name].variable).values)
    if expected["times"]:
        times = pd.DatetimeIndex(seen["time"].values).tz_localize("UTC")
        if list(times) != list(pd.DatetimeIndex(expected["times"])):
            fail(f"times {list(times)} instead of {expected['times']}")
        report["times"] = len(times)
    return report


def main():
    reports, failed = [], False
    for job in json.loads(Path(sys.argv[1]).read_text()):
        try:
            reports.append(check(Path(job["reference"]), Path(job["expected"]), [Path(source) for source in job["sources"]]))
        except Exception as error:
            failed = True
            reason = error if isinstance(error, Different) else traceback.format_exc()
            print(f"{job['name']}: {reason}", file=sys.stderr)
    if failed:
        sys.exit(1)
    print(json.dumps(reports))


if __name__ == "__main__":
    main()
