"""The data store: xcube's methods and the peer's parameters over `clms.Store`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from xcube.core.store import (
    ANY_TYPE,
    DATASET_TYPE,
    GEO_DATA_FRAME_TYPE,
    DataDescriptor,
    DatasetDescriptor,
    DataStore,
    DataStoreError,
    DataType,
    GeoDataFrameDescriptor,
    new_data_descriptor,
)
from xcube.core.store.assertions import assert_valid_params
from xcube.util.jsonschema import (
    JsonArraySchema,
    JsonBooleanSchema,
    JsonComplexSchema,
    JsonDateSchema,
    JsonIntegerSchema,
    JsonNullSchema,
    JsonNumberSchema,
    JsonObjectSchema,
    JsonStringSchema,
)

from clms import ClmsError, Store

from . import cache
from .handle import ClmsPreloadHandle
from .schemas import properties

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    import geopandas
    import xarray as xr

    from clms import PreloadOptions

# What the program calls the cache, and what it is called here.
_OF_CACHE = ("cache", "storage_options")
# What `clms.Store.open` hands on, of all that xcube's own stores take.
_OF_XARRAY = (
    "chunks",
    "consolidated",
    "decode_cf",
    "decode_coords",
    "decode_times",
    "drop_variables",
    "group",
    "mask_and_scale",
)
_TYPES = (DATASET_TYPE, GEO_DATA_FRAME_TYPE)
_ALL_OPENERS = ("dataset:zarr:cache", "dataset:netcdf:https", "dataset:geotiff:https", "geodataframe:gpkg:cache")


class ClmsDataStoreError(ClmsError, DataStoreError):  # type: ignore[misc]
    """An error of the program, for those who catch xcube's."""

    @classmethod
    def of_program(cls, why: ClmsError) -> ClmsDataStoreError:
        """Make one of what the program said."""
        return cls(why.kind, why.message, why.hint, retryable=why.retryable)


class ClmsDataStore(DataStore):  # type: ignore[misc]  # xcube has no types
    """Land data of Copernicus: from the catalogue into the cache, and from there, or from where they lie, into xarray."""

    def __init__(
        self,
        *,
        cache_store_id: str = cache.DEFAULT_ID,
        cache_store_params: dict[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        """Use a cache, which is a `file` or `s3` data store of xcube; other settings are those of `clms.Store`. Nothing is sent."""
        self._cache_store_id = cache_store_id
        self._cache_store_params = cache.absolute(cache_store_id, cache_store_params or {})
        self._store = Store(**settings, **cache.settings(cache_store_id, self._cache_store_params))
        self._cache_store: DataStore | None = None

    @property
    def cache_store(self) -> DataStore:
        """The cache as a data store of xcube's own."""
        if self._cache_store is None:
            self._cache_store = cache.data_store(self._cache_store_id, self._cache_store_params)
        return self._cache_store

    @classmethod
    def get_data_store_params_schema(cls) -> JsonObjectSchema:
        """Return the schema of what `new_data_store("clms", ...)` takes."""
        ours = {name: it for name, it in properties(Store().schema("store")).items() if name not in _OF_CACHE}
        return JsonObjectSchema(
            properties={
                **ours,
                "cache_store_id": JsonStringSchema(title="Store ID of cache data store.", default=cache.DEFAULT_ID, enum=["file", "s3"]),
                "cache_store_params": JsonObjectSchema(title="Store parameters of cache data store.", default={"root": cache.DEFAULT_ROOT}),
            },
            additional_properties=False,
        )

    @classmethod
    def get_data_types(cls) -> tuple[str, ...]:
        """Return the data types that there are: rasters and vectors."""
        return tuple(it.alias for it in _TYPES)

    def get_data_types_for_data(self, data_id: str) -> tuple[str, ...]:
        """Return the data type of a data id."""
        return (self._describe(data_id)["data_type"],)

    def get_data_ids(
        self, data_type: Any = None, include_attrs: Container[str] | bool = False
    ) -> Iterator[str] | Iterator[tuple[str, dict[str, Any]]]:
        """Return what can be had, with the wanted attributes, such as `title`, `size`, `resolution`."""
        for entry in _translated(self._store.run, "list", *_only(data_type)):
            data_id = entry.pop("data_id")
            if include_attrs is False or include_attrs is None:
                yield data_id
            else:
                yield (
                    data_id,
                    {name: it for name, it in entry.items() if include_attrs is True or name in include_attrs},
                )

    def has_data(self, data_id: str, data_type: Any = None) -> bool:
        """Whether a data id can be had, as that type if one is given."""
        try:
            described = self._describe(data_id)
        except ClmsDataStoreError as why:
            if why.kind in ("no_such_data_id", "invalid_data_id"):
                return False
            raise
        return bool(described["available"]) and _fits(described["data_type"], data_type)

    def describe_data(self, data_id: str, data_type: Any = None) -> DataDescriptor:
        """Tell extent, times and CRS; of cached cubes dimensions, coordinates and variables too."""
        described = self._describe(data_id)
        if not _fits(described["data_type"], data_type):
            raise DataStoreError(f"{data_id} is a {described['data_type']}, no {data_type}")
        return self._descriptor(described)

    def search_data(self, data_type: Any = None, **search_params: Any) -> Iterator[DataDescriptor]:
        """Find products by `text`, `bbox`, `time_range`, `source` and `resolution`, the best first."""
        search_params = {name: value for name, value in search_params.items() if value is not None}
        assert_valid_params(search_params, name="search_params", schema=self.get_search_params_schema(data_type))
        if "time_range" in search_params:
            search_params["time"] = search_params.pop("time_range")
        found = _translated(self._store.search, **search_params)
        for data_id in found.get("data_id", ()):
            described = self._describe(data_id)
            if _fits(described["data_type"], data_type):
                yield self._descriptor(described)

    @classmethod
    def get_search_params_schema(cls, data_type: Any = None) -> JsonObjectSchema:  # noqa: ARG003  (the same for all)
        """Return the schema of what `search_data` takes."""
        ours = properties(Store().schema("search"))
        ours.pop("time")
        limit = JsonIntegerSchema(minimum=1, default=20)
        return JsonObjectSchema(properties={**ours, "time_range": _TIME_RANGE, "limit": limit}, additional_properties=False)

    def get_data_opener_ids(self, data_id: str | None = None, data_type: Any = None) -> tuple[str, ...]:
        """Return how a data id is opened, or all ways that there are. The last word says where the data are."""
        openers = _ALL_OPENERS if data_id is None else self._describe(data_id)["opener_ids"]
        return tuple(it for it in openers if _fits(it.split(":")[0], data_type))

    def get_open_data_params_schema(self, data_id: str | None = None, opener_id: str | None = None) -> JsonObjectSchema:  # noqa: ARG002
        """Return the schema of what `open_data` takes; only what matters for a data id, if one is given."""
        schema = _translated(self._store.schema, "open", data_id)
        ours = properties(schema)
        params = {new: ours[old] for old, new in (("bbox", "bbox"), ("variables", "variable_names"), ("version", "version")) if old in ours}
        if data_id is None or "time" in ours:
            params["time_range"] = _TIME_RANGE
        if data_id is None or "dataset:zarr:cache" in self.get_data_opener_ids(data_id):
            theirs = self.cache_store.get_open_data_params_schema(opener_id=f"dataset:zarr:{self._cache_store_id}")
            params = {**{name: theirs.properties[name] for name in _OF_XARRAY if name in theirs.properties}, **params}
        if data_id is None or "geodataframe:gpkg:cache" in self.get_data_opener_ids(data_id):
            params["layer"] = JsonStringSchema(description="The layer of vector data; the first one if none is named.")
        return JsonObjectSchema(properties=params, additional_properties=False)

    def open_data(
        self,
        data_id: str,
        opener_id: str | None = None,
        data_type: Any = None,
        time_range: tuple[str | None, str | None] | None = None,
        variable_names: list[str] | None = None,
        **open_params: Any,
    ) -> xr.Dataset | geopandas.GeoDataFrame:
        """Open from the cache what is there, else where it lies; lazily. What must be preloaded first says so."""
        wanted = opener_id.split(":")[0] if opener_id else data_type
        if wanted is not None and not _fits(self._describe(data_id)["data_type"], wanted):
            raise DataStoreError(f"{data_id} can't be opened as {opener_id or data_type}")
        return _translated(self._store.open, data_id, time=time_range, variables=variable_names, **open_params)

    def get_preload_data_params_schema(self) -> JsonObjectSchema:
        """Return the schema of what `preload_data` takes."""
        ours = properties(self._store.schema("preload"))
        for name in ("keep_downloads", "detach"):
            ours.pop(name)
        flag = {name: JsonBooleanSchema(default=default, description=text) for name, default, text in _PRELOAD_FLAGS}
        every = {**flag, **ours, "tile_size": _TILE_SIZE, **_SUBSET}
        return JsonObjectSchema(properties=every, additional_properties=False)

    def preload_data(
        self,
        *data_ids: str,
        blocking: bool = True,
        silent: bool = False,
        cleanup: bool = True,
        tile_size: int | tuple[int, int] | None = None,
        time_range: tuple[str | None, str | None] | None = None,
        **preload_params: Unpack[PreloadOptions],
    ) -> DataStore:
        """Bring data into the cache, and return the cache's store with a `preload_handle`.

        What failed is in the handle's states, as `exception`. `tile_size` is a number of pixels or (x, y).
        """
        if isinstance(tile_size, (tuple, list)):
            # The program has the order of the cube's dimensions.
            x, y = tile_size
            tile_size = (y, x)
        handle = _translated(
            self._store.preload,
            *data_ids,
            blocking=blocking,
            check=False,
            silent=silent,
            keep_downloads=not cleanup,
            tile_size=tile_size,
            time=time_range,
            **preload_params,
        )
        self.cache_store.preload_handle = ClmsPreloadHandle(handle)
        return self.cache_store

    def _describe(self, data_id: str) -> dict[str, Any]:
        described: dict[str, Any] = _translated(self._store.describe, data_id)
        return described

    def _descriptor(self, described: dict[str, Any]) -> DataDescriptor:
        data_id = described["data_id"]
        about = {
            "crs": next(iter(described.get("crs") or ()), None),
            "bbox": described.get("bbox"),
            "time_range": _time_range(described.get("time_range")),
        }
        if described["data_type"] == GEO_DATA_FRAME_TYPE.alias:
            return GeoDataFrameDescriptor(data_id, **about)
        if described.get("cube") is None:
            names = ("title", "resolution", "size", "source", "version", "licence", "citation", "url")
            attrs = {name: described[name] for name in names if described.get(name) is not None}
            return DatasetDescriptor(data_id, attrs=attrs, **about)
        descriptor = new_data_descriptor(data_id, _translated(self._store.open, data_id))
        # As of data that are not cached: the bbox in degrees, and of a map the days that it is made from.
        descriptor.bbox, descriptor.crs = about["bbox"] and tuple(about["bbox"]), about["crs"]
        if "time" not in (descriptor.dims or {}):
            descriptor.time_range = about["time_range"]
        return descriptor


_TIME_RANGE = JsonArraySchema(
    items=[JsonDateSchema(nullable=True), JsonDateSchema(nullable=True)],
    min_items=2,
    max_items=2,
    nullable=True,
    description="The first and the last day, both included; either may be left open with None.",
)

_PRELOAD_FLAGS = (
    ("blocking", True, "Wait until all is there."),
    ("silent", False, "Show no progress."),
    ("cleanup", True, "Remove downloads once the cubes are built."),
)

# What the portal cuts out of collections.
_SUBSET = {
    "bbox": JsonArraySchema(
        items=JsonNumberSchema(),
        min_items=4,
        max_items=4,
        nullable=True,
        description="Only this box: west, south, east, north in degrees.",
    ),
    "nuts": JsonStringSchema(description="Only this region or country, such as LU or ITC11."),
    "time_range": _TIME_RANGE,
    "crs": JsonStringSchema(description="In this CRS, such as EPSG:4326."),
    "format": JsonStringSchema(description="In this format, such as Geotiff or Netcdf."),
    "layer": JsonStringSchema(description="Only this layer."),
}

_TILE_SIZE = JsonComplexSchema(
    any_of=[
        JsonIntegerSchema(minimum=16, maximum=16384),
        JsonArraySchema(items=JsonIntegerSchema(minimum=16, maximum=16384), min_items=2, max_items=2),
        JsonNullSchema(),
    ],
    description="Pixels of a chunk: a number, or (x, y).",
)


def _translated(call: Any, *args: Any, **kwargs: Any) -> Any:
    """Call, and raise the program's errors as xcube's; the program's own is the cause."""
    try:
        return call(*args, **kwargs)
    except ClmsError as why:
        # It tells all that its cause does.
        raise ClmsDataStoreError.of_program(why) from None


def _only(data_type: Any) -> list[str]:
    wanted = _normal(data_type)
    if wanted == ANY_TYPE:
        return []
    if wanted not in _TYPES:
        raise DataStoreError(f"there is no data of the type {wanted}: there are {' and '.join(it.alias for it in _TYPES)}")
    return [f"--data-type={wanted.alias}"]


def _fits(alias: str, wanted: Any) -> bool:
    return bool(_normal(wanted).is_super_type_of(alias))


def _normal(data_type: Any) -> DataType:
    try:
        return ANY_TYPE if data_type is None else DataType.normalize(data_type)
    except ValueError as why:
        raise DataStoreError(str(why)) from why


def _time_range(told: dict[str, Any] | None) -> tuple[str | None, str | None] | None:
    if told is None:
        return None
    first, last = ((told.get(end) or "")[:10] or None for end in ("start", "end"))
    return first, last
