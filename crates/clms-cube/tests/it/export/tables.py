"""What tables must say, by rasterio and rioxarray.

tables.py points FOLDER | polygon FOLDER POLYGONS | classes RASTER POLYGONS   (FOLDER holds 0.tif, 1.tif, ...: one for each day from 2020-02-01)
"""

import json
import sys
from pathlib import Path

import numpy as np
import rasterio
import rioxarray
from pyproj import Transformer
from rasterio import features
from shapely.geometry import shape
from shapely.ops import transform

what, place, *more = sys.argv[1:]


def polygons(path, crs):
    to_own = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform
    found = json.loads(Path(path).read_text())["features"]
    return [transform(to_own, shape(feature["geometry"])) for feature in found]


def time(day):
    return f"2020-02-0{day + 1}T00:00:00Z"


answer = []
if what == "points":
    for lon, lat in [(5.55, 50.0), (5.58, 49.99)]:
        for day in range(3):
            with rasterio.open(f"{place}/{day}.tif") as source:
                x, y = Transformer.from_crs("EPSG:4326", source.crs, always_xy=True).transform(lon, lat)
                raw = float(next(source.sample([(x, y)]))[0])
                assert raw != source.nodata, "choose another point"
                answer.append([lon, time(day), raw * source.scales[0], raw])
elif what == "polygon":
    for day in range(3):
        with rasterio.open(f"{place}/{day}.tif") as source:
            pixels = source.read(1)
            inside = features.geometry_mask(
                polygons(more[0], source.crs), pixels.shape, source.transform, invert=True
            )
            scale, nodata, size = source.scales[0], source.nodata, source.res
        clipped = rioxarray.open_rasterio(f"{place}/{day}.tif").rio.clip(polygons(more[0], "EPSG:3035"), drop=False)
        assert np.array_equal(clipped.values[0], np.where(inside, pixels, nodata))
        values = pixels[inside & (pixels != nodata)] * scale
        answer.append(
            {
                "time": time(day),
                "pixels": int(inside.sum()),
                "area": float(inside.sum() * size[0] * size[1]),
                "valid": len(values),
                "mean": float(values.mean()),
                "min": float(values.min()),
                "max": float(values.max()),
                "std": float(values.std()),
            }
        )
else:
    with rasterio.open(place) as source:
        pixels = source.read(1)
        inside = features.geometry_mask(polygons(more[0], source.crs), pixels.shape, source.transform, invert=True)
    values, counts = np.unique(pixels[inside], return_counts=True)
    for value, count in zip(values, counts):
        answer.append([str(value), int(count)])
print(json.dumps(answer))
