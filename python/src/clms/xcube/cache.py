"""The cache as a data store of xcube's own, and the same place in the program's words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from xcube.core.store import DataStore, DataStoreError, new_data_store

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_ID = "file"
DEFAULT_ROOT = "clms_cache"

# What s3fs calls a setting, and what the program does.
_OF_S3FS = {
    "anon": "skip_signature",
    "key": "access_key_id",
    "secret": "secret_access_key",
    "token": "session_token",
    "endpoint_url": "endpoint",
    "region_name": "region",
}


def absolute(store_id: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters with the root of a folder as a path that stays the same, wherever the working directory is later."""
    root = params.get("root", DEFAULT_ROOT)
    if store_id == DEFAULT_ID:
        root = str(Path(root.removeprefix("file://")).expanduser().absolute())
    return {**params, "root": root}


def data_store(store_id: str, params: Mapping[str, Any]) -> DataStore:
    """Return xcube's store of the cache."""
    return new_data_store(store_id, **params)


def settings(store_id: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters under which the program finds the same cache."""
    root, given = params["root"], params.get("storage_options") or {}
    if store_id == "file":
        return {"cache": root}
    if store_id != "s3":
        message = f"a cache in a {store_id!r} data store can't be written to: cubes appear there while they are half done"
        raise DataStoreError(f"{message}; take 'file' or 's3'")
    flat = {**given, **(given.get("client_kwargs") or {})}
    options = {name: _text(flat[theirs]) for theirs, name in _OF_S3FS.items() if flat.get(theirs) is not None}
    if options.get("endpoint", "").startswith("http://"):
        options["allow_http"] = "true"
    return {"cache": f"s3://{root.removeprefix('s3://')}", "storage_options": options}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
