"""Opens a reference with xarray over fsspec as `clms open` says, and compares each step with the NetCDF file of its date.

usage: check_dates.py REFERENCE VARIABLE SOURCE...

Prints one JSON document that describes what was compared; ends with 1 and a reason on the first difference.
"""

import json
import sys

import netCDF4
import numpy as np
import xarray as xr


def main():
    reference, name, *sources = sys.argv[1:]
    storage = {"fo": reference, "remote_protocol": "http", "remote_options": {"asynchronous": True}}
    dataset = xr.open_dataset("reference://", engine="zarr", storage_options=storage, chunks={}, mask_and_scale=False)
    values = dataset[name]
    if values.sizes["time"] != len(sources):
        sys.exit(f"DIFFERENT: {values.sizes['time']} steps instead of {len(sources)}")
    for step, source in enumerate(sources):
        with netCDF4.Dataset(source) as file:
            file.set_auto_maskandscale(False)
            expected = np.squeeze(file[name][:])
        if not np.array_equal(values[step].values, expected):
            sys.exit(f"DIFFERENT: step {step} from {source}")
    print(json.dumps({"times": [str(time)[:10] for time in dataset["time"].values], "shape": list(values.shape)}))


if __name__ == "__main__":
    main()
