"""A simulated portal for each test. `tests/scenarios/python_package.rs` runs these, and says where programs and packages are."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FOREST = "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full"
TREES = "tree-cover-density-2015|TCD_2015_100m_eu_03035_d04_Full"
TILES = "forest-type-2015|FTY_2015_020m_eu_03035_d04_E00N20"
CLCPLUS = "clc-backbone-2021|CLMS_CLCplus_RASTER_2021"
EMPTY = "clc2018|u2018_clc2018_v2020_20u1_raster100m"
"""Its package has no raster."""
CITY = "urban-atlas-2018|FR010L2_MONTPELLIER_UA2018_v013"
ICE = "lake-ice-extent-europe-v2-250m|LEGACY"
MOISTURE = "daily-surface-soil-moisture-v1-0"


@dataclasses.dataclass
class Portal:
    url: str
    credentials: dict[str, Any]
    home: Path
    """The working directory, in which the cache is by default."""
    key_file: Path


@pytest.fixture
def start_portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Portal]]:
    """Start a simulated portal with options of `clms-sim`; what is known of it is the environment of a user."""
    running: list[subprocess.Popen[str]] = []

    def start(*options: str) -> Portal:
        key = tmp_path / f"key{len(running)}.json"
        command = [os.environ["CLMS_TEST_SIM"], "--port=0", "--packages", os.environ["CLMS_TEST_PACKAGES"]]
        process = subprocess.Popen(  # noqa: S603
            [*command, "--credentials-out", key, *options], stdout=subprocess.PIPE, encoding="utf-8"
        )
        running.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        url = line.removeprefix("listening on ").strip()
        for name in [name for name in os.environ if name.startswith("CLMS_") and not name.startswith(("CLMS_TEST", "CLMS_CDSE"))]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("CLMS_API_URL", url)
        monkeypatch.setenv("CLMS_POLL_INTERVAL", "50ms")
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
        monkeypatch.chdir(tmp_path)
        return Portal(url, json.loads(key.read_text()), tmp_path, key)

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def portal(start_portal: Callable[..., Portal]) -> Portal:
    return start_portal("--queued=10ms", "--running=10ms")


@pytest.fixture
def slow_portal(start_portal: Callable[..., Portal]) -> Portal:
    """A portal in whose queue everything stays."""
    return start_portal("--queued=24h")
