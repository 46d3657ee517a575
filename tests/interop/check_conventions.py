"""Validates every group of a cube against the GeoZarr conventions `proj:`, `spatial:` and `multiscales` with geozarr-toolkit.

usage: check_conventions.py CUBE

Prints one JSON document: the conventions found to hold, by group; ends with 1 and the reasons when one does not.
"""

import json
import sys

import zarr
from geozarr_toolkit.helpers import detect_conventions, validate_group
from geozarr_toolkit.helpers.validation import validate_zarr_conventions


def validate(group, name, found, wrong):
    attributes = dict(group.attrs)
    conventions = detect_conventions(attributes)
    if conventions:
        wrong += [f"{name}: {error}" for error in validate_zarr_conventions(attributes)[1]]
        # What is registered is what is used, and the other way round.
        registered = sorted(entry["name"].rstrip(":") for entry in attributes["zarr_conventions"])
        if registered != sorted(conventions):
            wrong.append(f"{name}: {registered} are registered, {conventions} are used")
    for convention, errors in validate_group(group, conventions).items():
        wrong += [f"{name}: {convention}: {error}" for error in errors]
    # The toolkit's own check of this does not know that a level may be the group itself.
    for level in attributes.get("multiscales", {}).get("layout", []):
        for asset in [level["asset"], level.get("derived_from", ".")]:
            if asset != "." and asset not in group:
                wrong.append(f"{name}: there is no {asset}")
    found[name] = conventions
    for child, node in group.groups():
        validate(node, f"{name}/{child}".lstrip("/"), found, wrong)


if __name__ == "__main__":
    found, wrong = {}, []
    validate(zarr.open_group(sys.argv[1], mode="r"), "", found, wrong)
    print(json.dumps(found, indent=1))
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        sys.exit(1)
