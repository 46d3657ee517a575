"""What the notebooks of the peer do, call by call, with the real xcube."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import xarray as xr
from conftest import CITY, CLCPLUS, EMPTY, FOREST, ICE, MOISTURE, TILES, TREES
from xcube.core.store import DataStoreError, PreloadStatus, get_data_store_params_schema, list_data_store_ids, new_data_store

import clms

if TYPE_CHECKING:
    from conftest import Portal

ALL = (TREES, FOREST, TILES, CLCPLUS)


def test_the_notebook_of_preloading(portal: Portal, capfd: pytest.CaptureFixture[str]) -> None:  # noqa: PLR0915  (so many cells)
    assert "clms" in list_data_store_ids()
    store = new_data_store("clms", credentials=portal.credentials)

    data_ids = store.list_data_ids()
    assert set(ALL) <= set(data_ids)
    assert data_ids == sorted(data_ids)
    with_attrs = dict(store.list_data_ids(include_attrs=True))
    assert with_attrs[FOREST]["title"].startswith("Forest Type 2015")
    assert dict(store.list_data_ids(include_attrs=["size", "nonsense"]))[FOREST] == {"size": 115343360}
    assert store.cache_store.root == str(portal.home / "clms_cache")
    schema = store.get_data_store_params_schema().to_dict()
    assert schema == get_data_store_params_schema("clms").to_dict()
    assert {"credentials", "cache_store_id", "cache_store_params"} <= set(schema["properties"])
    every = store.get_data_opener_ids()
    assert all(opener in every for data_id in (FOREST, CITY, ICE, MOISTURE) for opener in store.get_data_opener_ids(data_id))
    assert store.get_data_opener_ids(FOREST) == ("dataset:zarr:cache",)
    assert store.get_data_types() == ("dataset", "geodataframe")
    assert store.get_data_types_for_data(FOREST) == ("dataset",)
    assert {"time_range", "chunks", "decode_cf", "group"} <= set(store.get_open_data_params_schema().properties)
    preload = store.get_preload_data_params_schema().to_dict()
    assert {"blocking", "silent", "cleanup", "tile_size"} <= set(preload["properties"])
    assert store.has_data(TREES)
    assert store.has_data(TREES, data_type="dataset")
    assert not store.has_data(TREES, data_type="geodataframe")
    assert not store.has_data("no-such-product|file")
    described = store.describe_data(TREES)
    assert (described.data_id, described.crs, described.data_type.alias) == (TREES, "EPSG:3035", "dataset")
    assert described.time_range == ("2014-01-01", "2016-12-31")
    assert described.bbox[0] < described.bbox[2]
    with pytest.raises(DataStoreError, match=r"clms preload"):
        store.open_data(FOREST)

    cache = store.preload_data(*ALL, blocking=False, cleanup=True, silent=False, tile_size=512)
    handle = cache.preload_handle
    handle.preload.wait()
    for data_id in ALL:
        state = handle.get_state(data_id)
        assert (state.data_id, state.status, state.progress, state.exception) == (data_id, PreloadStatus.completed, 1.0, None)
        assert state.message.startswith("Task ID ")
    assert not handle.cancelled
    assert all(data_id in str(handle) for data_id in ALL)
    table = handle._repr_html_()
    assert table.count("<tr>") == 1 + len(ALL)
    assert "completed" in table

    assert sorted(cache.list_data_ids()) == sorted(f"{data_id}.zarr" for data_id in ALL)
    assert cache.get_open_data_params_schema(f"{FOREST}.zarr").properties
    theirs = cache.open_data(f"{FOREST}.zarr")
    ours = store.open_data(FOREST)
    xr.testing.assert_equal(theirs.load(), ours.load())
    assert store.open_data(FOREST, mask_and_scale=False).FTY.dtype == np.uint8
    assert store.open_data(FOREST, variable_names=["FTY"], chunks=None).FTY.chunks is None
    assert ours.FTY.chunks is None or ours.FTY.chunks[0][0] == 512
    described = store.describe_data(FOREST)
    assert described.dims == dict(ours.sizes)
    assert set(described.data_vars) == {"FTY"}
    assert (described.crs, described.time_range) == ("EPSG:3035", ("2014-01-01", "2016-12-31"))
    assert described.to_dict()["bbox"]

    again = store.preload_data(FOREST).preload_handle
    assert again.get_state(FOREST).status == PreloadStatus.completed
    assert capfd.readouterr().out == ""


def test_the_notebook_of_opening_lazily(portal: Portal) -> None:
    store = new_data_store("clms", credentials=portal.credentials)
    assert [data_id for data_id in store.list_data_ids() if "soil" in data_id] == [MOISTURE]
    assert "time_range" in store.get_open_data_params_schema(MOISTURE).properties
    assert "chunks" not in store.get_open_data_params_schema(MOISTURE).properties
    assert store.has_data(MOISTURE)
    dataset = store.open_data(MOISTURE, time_range=("2020-01-01", "2020-01-31"))
    assert dict(dataset.sizes) == {"time": 2, "y": 414, "x": 683}
    assert dataset.SSM.chunks is not None
    assert list(dataset.time.values) == sorted(dataset.time.values)
    assert 0 < float(dataset.SSM.isel(time=0).mean()) <= 100
    with pytest.raises(DataStoreError, match=MOISTURE):
        store.preload_data(MOISTURE)


def test_the_notebook_of_old_files(portal: Portal) -> None:
    store = new_data_store("clms", credentials=portal.credentials)
    dataset = store.open_data(ICE, time_range=("2020-01-01", "2020-01-03"))
    assert dict(dataset.sizes) == {"time": 3, "lat": 160, "lon": 240}
    assert not math.isnan(float(dataset.ssm.isel(time=2).max()))


def test_sides_of_chunks_are_in_the_order_of_the_peer(portal: Portal) -> None:
    store = new_data_store("clms", credentials=portal.credentials)
    store.preload_data(FOREST, tile_size=(512, 256), zarr_format=2, silent=True)
    assert store.open_data(FOREST).FTY.data.chunksize == (256, 512)


def test_vectors_are_frames(portal: Portal) -> None:
    store = new_data_store("clms", credentials=portal.credentials)
    assert CITY in store.list_data_ids(data_type="geodataframe")
    assert CITY not in store.list_data_ids(data_type="dataset")
    assert store.describe_data(CITY).data_type.alias == "geodataframe"
    store.preload_data(CITY, silent=True)
    frame = store.open_data(CITY)
    assert len(frame) == 40
    assert frame.crs is not None
    with pytest.raises(DataStoreError, match="can't be opened as dataset"):
        store.open_data(CITY, data_type="dataset")


def test_searching(portal: Portal) -> None:
    store = new_data_store("clms")
    [first, *_] = store.search_data(text="forest type 2015", limit=3)
    assert first.data_id.startswith("forest-type-2015|")
    assert {"text", "bbox", "time_range"} <= set(store.get_search_params_schema().properties)
    assert list(store.search_data(data_type="geodataframe", text="forest type 2015", limit=3)) == []
    with pytest.raises(DataStoreError, match="nonsense"):
        list(store.search_data(nonsense=1))
    assert list(store.search_data(text="forest type 2015", limit=1, time_range=None, bbox=None))
    assert len(store.list_data_ids(data_type="any")) == len(store.list_data_ids())
    for wrong in ("no such type", "mldataset"):
        with pytest.raises(DataStoreError, match="type"):
            store.list_data_ids(data_type=wrong)
    assert portal.url


def test_what_fails_is_in_the_states(portal: Portal) -> None:
    store = new_data_store("clms", credentials=portal.credentials)
    handle = store.preload_data(FOREST, EMPTY, silent=True).preload_handle
    assert handle.get_state(FOREST).status == PreloadStatus.completed
    state = handle.get_state(EMPTY)
    assert state.status == PreloadStatus.failed
    assert isinstance(state.exception, clms.ClmsError)
    assert (state.exception.kind, state.exception.retryable) == ("no_raster", False)
    strange = new_data_store("clms", credentials={**portal.credentials, "client_id": "somebody else"})
    with pytest.raises(DataStoreError, match="refused the service key"):
        strange.preload_data(TREES, silent=True)
    with pytest.raises(DataStoreError, match="there is no data id") as caught:
        store.describe_data("forest-type-2015|FTY_2015_100m_eu_03035_d02_Ful")
    assert isinstance(caught.value, clms.ClmsError)
    assert caught.value.kind == "no_such_data_id"
    with pytest.raises(Exception, match="no_such_parameter"):
        new_data_store("clms", no_such_parameter=1)
    with pytest.raises(Exception, match="'memory' is not one of"):
        new_data_store("clms", cache_store_id="memory")
