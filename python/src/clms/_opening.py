"""Cubes and references as xarray datasets, and vectors as geopandas frames; nothing is read before it is needed."""

from __future__ import annotations

import importlib
import json
import os
from typing import TYPE_CHECKING, Any

import xarray as xr

from ._errors import ClmsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import geopandas

# As lazy as dask can be; CRS and other grid mappings become coordinates, which rioxarray wants.
_DEFAULTS: dict[str, Any] = {"chunks": {}, "decode_coords": "all"}


def cube(location: str, storage_options: Mapping[str, str], **options: Any) -> xr.Dataset:
    """Open a cached cube: a path, or the URL of an object storage with its settings by the names that the program has for them."""
    return xr.open_dataset(_zarr_store(location, storage_options), engine="zarr", **{**_DEFAULTS, **options})


def reference(file: Path, protocol: str, remote_options: Mapping[str, Any], **options: Any) -> xr.Dataset:
    """Open what a reference refers to, where it lies. The file is needed no more afterwards."""
    _module("s3fs" if protocol == "s3" else "aiohttp", "lazy")
    storage = {
        "fo": json.loads(file.read_text(encoding="utf-8")),
        "remote_protocol": protocol,
        "remote_options": {**remote_options, "asynchronous": True},
    }
    return xr.open_dataset("reference://", engine="zarr", storage_options=storage, **{**_DEFAULTS, **options})


def only(dataset: xr.Dataset, data_id: str, variables: Sequence[str]) -> xr.Dataset:
    """Choose these variables."""
    names = [variables] if isinstance(variables, str) else [*variables]
    missing = [name for name in names if name not in dataset.variables]
    if missing:
        there = ", ".join(str(name) for name in dataset.data_vars)
        raise ClmsError("usage", f"{data_id} has no variable {', '.join(missing)}", f"it has {there}")
    return dataset[names]


def days(dataset: xr.Dataset, data_id: str, chosen: Sequence[str]) -> xr.Dataset:
    """Choose the days of the option `--time=A/B`, if it is there; both are included."""
    if not chosen:
        return dataset
    if "time" not in dataset.indexes:
        raise ClmsError("usage", f"{data_id} has no times to choose from")
    first, _, last = chosen[0].removeprefix("--time=").partition("/")
    ends = [None if day == ".." else day for day in (first, last or first)]
    return dataset.sel(time=slice(*ends))


def vectors(geopackage: str, layer: str | None, bbox: tuple[float, float, float, float] | None) -> geopandas.GeoDataFrame:
    """Read a layer of a GeoPackage, the first one if none is named; of a box in degrees what touches it."""
    geopandas, shapely = _module("geopandas", "vector"), _module("shapely", "vector")
    if layer is None:
        layer = geopandas.list_layers(geopackage).name.iloc[0]
    mask = None if bbox is None else geopandas.GeoSeries([shapely.box(*bbox)], crs="EPSG:4326")
    return geopandas.read_file(geopackage, layer=layer, bbox=mask)


def _module(name: str, extra: str) -> Any:
    """Import what not everybody needs."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as why:
        raise ClmsError("not_installed", f"{name} is needed for that, and not installed", f"pip install 'clms-store[{extra}]'") from why


# What is not the storage's but the program's, or the connections'; the program has an own word for one.
_OF_THE_PROGRAM = frozenset(
    {
        "bytes_per_second",
        "concurrency",
        "lease_time",
        "max_retries",
        "requests_per_second",
        "retry_backoff",
        "retry_max_backoff",
        "retry_timeout",
    }
)
_OF_CONNECTIONS = frozenset(
    {
        "allow_http",
        "allow_invalid_certificates",
        "connect_timeout",
        "proxy_ca_certificate",
        "proxy_excludes",
        "proxy_url",
        "timeout",
        "user_agent",
    }
)
_OTHERWISE = {"anonymous": "skip_signature"}


def _zarr_store(location: str, storage_options: Mapping[str, str]) -> Any:
    if "://" not in location or location.startswith("file://"):
        return os.fspath(location.removeprefix("file://"))
    # It takes the settings by the same names as the program: both stand on one library.
    storage = _module("obstore.store", "remote")
    from zarr.storage import ObjectStore  # noqa: PLC0415  (zarr is slow to come)

    given = {name.lower().replace("-", "_"): value for name, value in storage_options.items()}
    connection = {name: given.pop(name) for name in _OF_CONNECTIONS & given.keys()}
    config = {_OTHERWISE.get(name, name): value for name, value in given.items() if name not in _OF_THE_PROGRAM}
    return ObjectStore(storage.from_url(location, config=config, client_options=connection), read_only=True)
