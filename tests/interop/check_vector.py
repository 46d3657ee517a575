"""Opens the GeoPackage of a cached vector package with geopandas, and compares it with what geopandas reads from the delivered files.

usage: check_vector.py CUBE

Prints one JSON document that describes what was compared; ends with 1 and a reason on the first difference.
"""

import json
import os
import sys

import geopandas
import pandas as pd
import pyogrio


def fail(reason):
    print(f"DIFFERENT: {reason}", file=sys.stderr)
    sys.exit(1)


def same_values(ours, theirs, what):
    if list(ours.columns) != list(theirs.columns):
        fail(f"{what}: fields {list(ours.columns)} instead of {list(theirs.columns)}")
    for column in theirs.columns:
        if column == "geometry":
            continue
        a, b = ours[column], theirs[column]
        if pd.api.types.is_datetime64_any_dtype(b):
            a, b = pd.to_datetime(a, utc=True), pd.to_datetime(b, utc=True)
        differ = ~((a == b) | (a.isna() & b.isna()))
        if differ.any():
            row = differ.idxmax()
            fail(f"{what}.{column}: {a[row]!r} instead of {b[row]!r}")


def same_geometries(ours, theirs, what):
    if not theirs.crs.equals(ours.crs, ignore_axis_order=True):
        fail(f"{what}: CRS {ours.crs} instead of {theirs.crs}")
    if len(theirs) and tuple(ours.total_bounds) != tuple(theirs.total_bounds):
        fail(f"{what}: bounds {ours.total_bounds} instead of {theirs.total_bounds}")
    if not (ours.has_z == theirs.has_z).all():
        fail(f"{what}: some geometries have got or lost their z")
    for row, (a, b) in enumerate(zip(ours.geometry, theirs.geometry)):
        # One polygon may have become the only one of a multipolygon.
        if a.geom_type == f"Multi{b.geom_type}" and len(a.geoms) == 1:
            a = a.geoms[0]
        if a.wkb != b.wkb:
            fail(f"{what}: geometry {row} is {a} instead of {b}")


def compare(cube):
    with open(os.path.join(cube, "zarr.json")) as file:
        described = json.load(file)["attributes"]["clms"]["vector"]
    copy = os.path.join(cube, described["geopackage"])
    paths = {source["name"]: source["path"] for source in described["sources"]}
    there = {name for name, _ in pyogrio.list_layers(copy)}
    layers = {layer["name"] for layer in described["layers"]}
    if there != layers:
        fail(f"layers {there} instead of {layers}")
    features = 0
    for layer in described["layers"]:
        what = layer["name"]
        ours = geopandas.read_file(copy, layer=what)
        theirs = geopandas.read_file(os.path.join(cube, paths[layer["source"]]), layer=layer["source_layer"])
        if len(ours) != len(theirs) or len(ours) != layer["features"]:
            fail(f"{what}: {len(ours)} features instead of {len(theirs)}; {layer['features']} are described")
        fields = [name for name in ours.columns if name != "geometry"]
        if fields != [field["name"] for field in layer["fields"]]:
            fail(f"{what}: fields {fields}, but others are described")
        same_values(ours, theirs, what)
        if isinstance(theirs, geopandas.GeoDataFrame):
            same_geometries(ours, theirs, what)
            # geopandas has chords in place of arcs, which lie a little inside of what GDAL knows of them.
            near = 1 if layer["geometry_type"].startswith(("Curve", "Compound", "Multi Curve", "Multi Surface")) else 1e-6
            if layer["extent"] is not None and not all(abs(a - b) < near for a, b in zip(layer["extent"], ours.total_bounds)):
                fail(f"{what}: bounds {ours.total_bounds}, but {layer['extent']} are described")
        features += len(ours)
    return {"layers": len(layers), "features": features}


if __name__ == "__main__":
    print(json.dumps(compare(sys.argv[1]), indent=1))
