"""The data store: one method for each command, arguments under the names of the program's options."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, Unpack

from . import _command
from ._errors import ClmsError
from ._preload import Preload

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import geopandas
    import pandas as pd
    import xarray as xr

BBox: TypeAlias = tuple[float, float, float, float]
"""West, south, east, north in degrees (WGS 84)."""

Time: TypeAlias = str | tuple[str | None, str | None]
"""Days, both included: `"2020-01"`, `"2020-01-01/2020-01-31"`, or first and last, of which one may be None."""


class Settings(TypedDict, total=False):
    """What `clms schema store` tells of, but for cache and service key."""

    api_url: str
    storage_options: dict[str, str]
    """Of the object storage behind the cache's URL, such as endpoint and region."""
    scratch: str
    poll_interval: str
    catalogue_age: str
    offline: bool
    cdse: dict[str, str]
    wekeo: dict[str, Any]


class PreloadOptions(TypedDict, total=False):
    """Options of `clms preload`."""

    force: bool
    zarr_format: Literal[2, 3]
    levels: int | Literal["auto"]
    timeout: str
    detach: bool
    bbox: BBox
    nuts: str
    crs: str
    format: str
    layer: str


class Store:
    """CLMS behind one cache.

    Making one costs nothing: the program is run, and the portal asked, when a method needs it. What is not given is taken from the
    program's variables (`CLMS_CACHE`, `CLMS_CREDENTIALS`, ...) and its configuration file.
    """

    def __init__(
        self,
        *,
        cache: str | os.PathLike[str] | None = None,
        credentials: Mapping[str, Any] | str | os.PathLike[str] | None = None,
        **settings: Unpack[Settings],
    ) -> None:
        """Use a cache (a path, or a URL such as `s3://bucket/prefix`) and a service key.

        `credentials` is the service key's JSON as a dict, or the path of its file. Other settings are those of `Settings`.
        """
        # The working directory may be another one by the time that it is needed.
        given: dict[str, Any] = {"cache": None if cache is None else _absolute(cache), **settings}
        if "scratch" in settings:
            given["scratch"] = _absolute(settings["scratch"])
        if isinstance(credentials, (str, os.PathLike)):
            given["credentials_file"] = _absolute(credentials)
        elif credentials is not None:
            given["credentials"] = dict(credentials)
        self._parameters = {name: value for name, value in given.items() if value is not None}

    def run(self, *words: str) -> Any:
        """Run any command of the program with this store's settings, and return the JSON document that it prints."""
        return _command.run(words, self._parameters)

    def list(
        self,
        pattern: str | None = None,
        *,
        product: str | None = None,
        source: str | None = None,
        data_type: str | None = None,
        all: bool = False,
        refresh: bool = False,
    ) -> pd.DataFrame:
        """Return a row for each data id that can be had, as `clms list` shows them. Sizes are in bytes."""
        filters = _command.options(product=product, source=source, data_type=data_type, all=all, refresh=refresh)
        return _frame(self.run("list", *filters, *_positional(pattern)), _ENTRY)

    def search(
        self,
        text: str = "",
        *,
        bbox: BBox | None = None,
        time: Time | None = None,
        source: str | None = None,
        resolution: str | None = None,
        limit: int = 20,
    ) -> pd.DataFrame:
        """Return a row for each product that fits words, a place or a time, the best first."""
        filters = _command.options(bbox=bbox, time=time, source=source, resolution=resolution, limit=limit)
        return _frame(self.run("search", *filters, *_positional(text or None)), _ENTRY)

    def describe(self, data_id: str) -> dict[str, Any]:
        """Tell what a data id is: extent, times, classes, licence, citation, and where its cube is."""
        described: dict[str, Any] = self.run("describe", "--", data_id)
        return described

    def schema(self, of: str, data_id: str | None = None) -> dict[str, Any]:
        """Return the JSON Schema of the parameters of `store`, `search`, `open` or `preload`."""
        schema: dict[str, Any] = self.run("schema", of, *_positional(data_id))
        return schema

    def preload(
        self,
        *data_ids: str,
        blocking: bool = True,
        check: bool = True,
        silent: bool = False,
        listener: Callable[[Preload], None] | None = None,
        time: Time | None = None,
        tile_size: int | tuple[int, int] | None = None,
        keep_downloads: bool = False,
        **options: Unpack[PreloadOptions],
    ) -> Preload:
        """Bring data into the cache: request, wait, download, unpack, build. What is there already is left alone.

        Subsets that the portal cuts out are chosen with `bbox`, `time`, `nuts`, `crs`, `format` and `layer`. `tile_size` is the side of a
        chunk, or its height and width; other options are those of `clms preload`.

        Blocks until all is there, unless told otherwise; then raises `PreloadError` if something failed, unless `check` is False. Ctrl-C
        stops, and the same call goes on later. `listener` is called at each change, from another thread. In a notebook progress is a
        table, in a terminal bars, else lines; `silent` turns that off.
        """
        chosen = _command.options(time=time, tile_size=tile_size, keep_downloads=keep_downloads, **options)
        draws = blocking and not silent and listener is None and _command.on_screen()
        words = ["preload", *chosen, "--", *data_ids]
        show = listener if silent or draws else _notebook_table(listener)
        handle = Preload(data_ids, words, self._parameters, draws=draws, listener=show)
        return handle.wait(check=check) if blocking else handle

    def open(
        self,
        data_id: str,
        *,
        time: Time | None = None,
        bbox: BBox | None = None,
        variables: Sequence[str] | None = None,
        version: str | None = None,
        layer: str | None = None,
        **xarray_options: Any,
    ) -> xr.Dataset | geopandas.GeoDataFrame:
        """Open a cached cube, or what lies at LEGACY or CDSE, as a lazy xarray dataset; vectors as a geopandas frame.

        `time` and `variables` choose from rasters; `bbox` and `version` (of several of one day) only from what is opened where it lies;
        `bbox` and `layer` from vectors. Other options are those of `xarray.open_dataset`, such as `chunks`, `group` and
        `mask_and_scale`. Raises `ClmsError` of kind `not_cached` for what must be preloaded first.
        """
        from . import _opening  # noqa: PLC0415  (xarray takes a second, and whoever lists needs none)

        cached = self._cached(data_id)
        if cached is None:
            chosen = _command.options(time=time, bbox=bbox, product_version=version)
            chosen += [f"--variable={name}" for name in variables or ()]
            dataset = self._open_where_it_lies(data_id, chosen, xarray_options)
            return dataset if variables is None else _opening.only(dataset, data_id, variables)
        if cached["kind"] == "vector":
            if xarray_options or time is not None or variables is not None or version is not None:
                raise ClmsError("usage", f"{data_id} is vector data, of which only bbox and layer choose a part")
            opened = self.run("open", "--", data_id)
            return _opening.vectors(f"{opened['cube']}/{opened['vector']['geopackage']}", layer, bbox)
        if bbox is not None or version is not None or layer is not None:
            message = f"bbox, version and layer choose files where they lie and vectors, and {data_id} is a cube in the cache"
            raise ClmsError("usage", message, "choose a window of the dataset, such as ds.rio.clip_box(..., crs='EPSG:4326')")
        dataset = _opening.cube(cached["cube"], self._parameters.get("storage_options", {}), **xarray_options)
        if variables is not None:
            dataset = _opening.only(dataset, data_id, variables)
        return _opening.days(dataset, data_id, _command.options(time=time))

    def cached(self) -> pd.DataFrame:
        """Return a row for each cube in the cache."""
        return _frame(self.run("cache", "list"), ("data_id", "cube", "bytes"))

    def jobs(self) -> pd.DataFrame:
        """Return a row for each preload job of the cache, of whatever process."""
        return _frame(self.run("jobs", "list"), ("job", "data_id", "state"))

    def _cached(self, data_id: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self.run("cache", "info", "--", data_id)[0]
        except ClmsError as why:
            if why.kind == "not_cached":
                return None
            raise
        return found

    def _open_where_it_lies(self, data_id: str, chosen: Sequence[str], options: Mapping[str, Any]) -> xr.Dataset:
        from . import _opening  # noqa: PLC0415

        with tempfile.TemporaryDirectory(prefix="clms-") as folder:
            file = Path(folder) / "reference.json"
            opened = self.run("open", f"--save-reference={file}", *chosen, "--", data_id)
            written = opened["reference"]
            return _opening.reference(file, written["protocol"], self._remote_options(written), **options)

    def _remote_options(self, written: Mapping[str, Any]) -> dict[str, Any]:
        if written["protocol"] != "s3":
            return {}
        keys = self._parameters.get("cdse", {})
        key, secret = keys.get("access_key_id"), keys.get("secret_access_key")
        if key is None or secret is None:
            key, secret = os.environ.get("CDSE_AWS_ACCESS_KEY_ID"), os.environ.get("CDSE_AWS_SECRET_ACCESS_KEY")
        return {"endpoint_url": written["endpoint"], "key": key, "secret": secret}


_ENTRY = ("data_id", "title", "source", "format", "size", "resolution", "area", "version", "available", "how")


def _frame(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Return a row for each; columns are those of the rows, and those given if there are none."""
    import pandas as pd  # noqa: PLC0415  (it takes half a second, and xcube looks at its plugins each time it begins)

    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=[*columns])


def _absolute(place: str | os.PathLike[str]) -> str:
    """Return the path from the root; URLs are that already."""
    text = os.fspath(place)
    return text if "://" in text else str(Path(text).expanduser().absolute())


def _positional(word: str | None) -> list[str]:
    return [] if word is None else ["--", word]


def _notebook_table(listener: Callable[[Preload], None] | None) -> Callable[[Preload], None] | None:
    """Return a listener that keeps a table up to date under the cell that is run now, if this is a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    if listener is not None or getattr(shell, "kernel", None) is None:
        return listener
    from IPython.display import display  # noqa: PLC0415

    shown: list[Any] = []

    def show(preload: Preload) -> None:
        if shown:
            shown[0].update(preload)
        else:
            shown.append(display(preload, display_id=True))

    return show
