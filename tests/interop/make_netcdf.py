"""Makes NetCDF-4 files in the layouts that HDF5 has, one variable `v` of `lat` x `lon` each, for references to them.

usage: make_netcdf.py FOLDER

Those in FOLDER/refused have filters for which there is no codec.
"""

import sys
from pathlib import Path

import h5netcdf
import netCDF4
import numpy as np

HEIGHT, WIDTH = 100, 90
LAT, LON = 72.0 - (np.arange(HEIGHT) + 0.5) / 112, -11.0 + (np.arange(WIDTH) + 0.5) / 112


def values(dtype):
    row, col = np.mgrid[:HEIGHT, :WIDTH]
    return ((row // 7 + col // 5) % 100 + (0.25 if dtype.startswith("f") else 0)).astype(dtype)


def by_netcdf4(path, dtype, fill=None, data=None, file_format="NETCDF4", attributes=None, rows=slice(None), **storage):
    with netCDF4.Dataset(path, "w", format=file_format) as dataset:
        for name, centres in (("lat", LAT), ("lon", LON)):
            dataset.createDimension(name, len(centres))
            dataset.createVariable(name, "f8", (name,))[:] = centres
            dataset[name].units = "degrees_north" if name == "lat" else "degrees_east"
        variable = dataset.createVariable("v", dtype, ("lat", "lon"), fill_value=fill, **storage)
        variable.set_auto_maskandscale(False)
        variable.setncatts(attributes or {})
        data = values(dtype) if data is None else data
        variable[rows] = data[rows]


def by_h5netcdf(path, unlimited=(), **storage):
    """With the newest structures of HDF5, whose indices of chunks are others."""
    with h5netcdf.File(path, "w", libver="latest", invalid_netcdf=True) as dataset:
        dataset.dimensions = {"lat": None if "lat" in unlimited else HEIGHT, "lon": None if "lon" in unlimited else WIDTH}
        for name, centres in (("lat", LAT), ("lon", LON)):
            if name in unlimited:
                dataset.resize_dimension(name, len(centres))
            dataset.create_variable(name, (name,), "f8", data=centres)
        dataset.create_variable("v", ("lat", "lon"), "u2", data=values("u2"), **storage)


def main():
    folder = Path(sys.argv[1])
    refused = folder / "refused"
    refused.mkdir()
    nan = values("f4")
    nan[20:40] = np.nan
    by_netcdf4(folder / "contiguous.nc", "f4", np.nan, nan, contiguous=True)
    by_netcdf4(folder / "big_endian.nc", ">i2", -1, endian="big", chunksizes=(30, 40), zlib=True, shuffle=True)
    by_netcdf4(folder / "big_endian_contiguous.nc", ">f8", -1.5, endian="big", contiguous=True)
    by_netcdf4(folder / "checksums.nc", "u4", 7, chunksizes=(30, 40), zlib=True, complevel=9, shuffle=True, fletcher32=True)
    by_netcdf4(folder / "only_checksums.nc", "u2", 7, chunksizes=(30, 40), fletcher32=True)
    by_netcdf4(folder / "only_shuffled.nc", "i4", 7, chunksizes=(30, 40), shuffle=True)
    by_netcdf4(folder / "plain_chunks.nc", "f4", chunksizes=(100, 7))
    by_netcdf4(folder / "holes.nc", "u1", 255, rows=slice(30, 60), chunksizes=(30, 40), zlib=True)
    by_netcdf4(folder / "nothing.nc", "f4", -9999, rows=slice(0), chunksizes=(30, 40), zlib=True)
    unsigned = {"_Unsigned": "true", "scale_factor": 0.5, "add_offset": 10.0}
    by_netcdf4(folder / "unsigned.nc", "i1", -1, values("u1").astype("i1"), "NETCDF4_CLASSIC", unsigned, chunksizes=(50, 45), zlib=True)
    by_h5netcdf(folder / "single_chunk.nc", chunks=(HEIGHT, WIDTH), compression="gzip")
    by_h5netcdf(folder / "fixed_array.nc", chunks=(30, 40), compression="gzip", shuffle=True)
    by_h5netcdf(folder / "fixed_array_plain.nc", chunks=(30, 40))
    by_h5netcdf(folder / "extensible_array.nc", ("lat",), chunks=(3, 40), compression="gzip")
    by_h5netcdf(folder / "btree_v2.nc", ("lat", "lon"), chunks=(30, 40), compression="gzip")
    by_h5netcdf(refused / "lzf.nc", chunks=(30, 40), compression="lzf")
    by_h5netcdf(refused / "scaleoffset.nc", chunks=(30, 40), scaleoffset=0)
    # What was never written is the library's default fill, and the variable has no fill value of its own.
    by_netcdf4(refused / "unnamed_fill.nc", "u2", rows=slice(30, 60), chunksizes=(30, 40), zlib=True)


if __name__ == "__main__":
    main()
