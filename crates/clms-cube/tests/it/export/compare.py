"""Opens an export as its users do, compares each pixel and coordinate with a GeoTIFF of the same window, and prints what it says of itself.

compare.py EXPORT VARIABLE REFERENCE.tif   (the steps along time are the bands of the reference)
"""

import json
import sys

import numpy as np
import rasterio
import rioxarray  # noqa: F401
import xarray as xr

export, variable, reference = sys.argv[1:]

with rasterio.open(reference) as source:
    pixels = source.read()
    transform, crs, nodata = source.transform, source.crs, source.nodata


def compare(engine):
    options = {"engine": engine, "decode_coords": "all"}
    if engine == "zarr":
        options["consolidated"] = True
    raw = xr.open_dataset(export, mask_and_scale=False, decode_times=False, **options)[variable]
    values = raw.values if raw.ndim == 3 else raw.values[np.newaxis]
    assert values.dtype == pixels.dtype, (values.dtype, pixels.dtype)
    np.testing.assert_array_equal(values, pixels)
    assert raw.rio.crs == crs, (raw.rio.crs, crs)
    assert raw.rio.transform().almost_equals(transform, 1e-6), raw.rio.transform()
    height, width = pixels.shape[1:]
    np.testing.assert_allclose(raw.x, transform.c + transform.a * (np.arange(width) + 0.5))
    np.testing.assert_allclose(raw.y, transform.f + transform.e * (np.arange(height) + 0.5))

    whole = xr.open_dataset(export, **options)
    decoded = whole[variable]
    expected = pixels.astype("float64")
    scale, offset = decoded.encoding.get("scale_factor", 1.0), decoded.encoding.get("add_offset", 0.0)
    if nodata is not None:
        expected[pixels == nodata] = np.nan
    expected = expected * scale + offset
    found = decoded.values if decoded.ndim == 3 else decoded.values[np.newaxis]
    np.testing.assert_allclose(found.astype("float64"), expected, rtol=1e-6)

    def plain(value):
        if isinstance(value, np.ndarray):
            return [plain(item) for item in value]
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, float) and np.isnan(value):
            return "nan"
        return value

    return {
        "dims": list(decoded.dims),
        "dtype": str(raw.dtype),
        "variables": sorted(whole.data_vars),
        "times": [str(time)[:19] for time in np.atleast_1d(decoded.time.values)] if "time" in decoded.coords else [],
        "scale": plain(scale),
        "fill": plain(decoded.encoding.get("_FillValue")),
        "attributes": {name: plain(value) for name, value in decoded.attrs.items()},
        "title": whole.attrs.get("title"),
        "conventions": whole.attrs.get("Conventions"),
        "chunks": plain(decoded.encoding.get("chunksizes") or decoded.encoding.get("chunks")),
    }


engines = ["zarr"] if export.endswith(".zarr") else ["netcdf4", "h5netcdf"]
reports = [compare(engine) for engine in engines]
for other in reports[1:]:
    assert json.dumps(other, default=str, sort_keys=True) == json.dumps(reports[0], default=str, sort_keys=True), reports
print(json.dumps(reports[0], default=str))
