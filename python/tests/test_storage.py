"""A cache in an object storage, through a real S3 server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import xarray as xr
from conftest import FOREST
from xcube.core.store import new_data_store

import clms

if TYPE_CHECKING:
    from conftest import Portal

URL = os.environ["CLMS_TEST_S3"]
KEY, SECRET = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
ENDPOINT = next(it for it in (os.environ.get("AWS_ENDPOINT_URL"), os.environ.get("AWS_ENDPOINT")) if it)


@pytest.fixture(autouse=True)
def _nothing_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings come by parameters only."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)


def test_a_cube_in_a_bucket(portal: Portal) -> None:
    options = {"access_key_id": KEY, "secret_access_key": SECRET, "endpoint": ENDPOINT, "region": "us-east-1", "allow_http": "true"}
    store = clms.Store(credentials=portal.credentials, cache=f"{URL}/plain", storage_options=options)
    store.preload(FOREST, silent=True)
    dataset = store.open(FOREST)
    assert isinstance(dataset, xr.Dataset)
    assert dataset.FTY.chunks is not None

    root = f"{URL}/plain".removeprefix("s3://")
    params = {"root": root, "storage_options": {"key": KEY, "secret": SECRET, "client_kwargs": {"endpoint_url": ENDPOINT}}}
    theirs = new_data_store("clms", credentials=portal.credentials, cache_store_id="s3", cache_store_params=params)
    assert theirs.preload_data(FOREST, silent=True).list_data_ids() == [f"{FOREST}.zarr"]
    assert theirs.describe_data(FOREST).dims == dict(dataset.sizes)
    xr.testing.assert_equal(theirs.cache_store.open_data(f"{FOREST}.zarr").load(), dataset.load())
    xr.testing.assert_equal(theirs.open_data(FOREST).load(), dataset.load())
