"""The package without xcube."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import pickle
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from conftest import CITY, CLCPLUS, FOREST, TREES

import clms
from clms import _command

if TYPE_CHECKING:
    from conftest import Portal


def wait_until(what: str, is_so: object) -> None:
    """Look again and again, for as long as a busy machine may take."""
    assert callable(is_so)
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end, what


def test_finding_and_describing(portal: Portal) -> None:
    listed = clms.list("forest*Full")
    assert isinstance(listed, pd.DataFrame)
    assert FOREST in set(listed.data_id)
    assert listed.set_index("data_id").loc[FOREST, "size"] == 115343360
    assert clms.search("sealed soil", limit=1).iloc[0].title.startswith("Imperviousness")
    assert clms.describe(FOREST)["citation"].startswith("Forest Type 2015")
    nothing = clms.list("nothing is called like this")
    assert nothing.empty
    assert list(nothing.data_id) == []
    assert len(clms.jobs()) == len(clms.cached()) == 0
    assert portal.url


def test_from_the_portal_to_a_dataset(portal: Portal) -> None:
    store = clms.Store(credentials=portal.credentials, cache=portal.home / "other")
    handle = store.preload(FOREST, TREES, silent=True)
    assert [outcome["status"] for outcome in handle.outcomes] == ["completed", "completed"]
    assert set(store.cached().data_id) == {FOREST, TREES}
    dataset = store.open(FOREST, mask_and_scale=False)
    assert dataset.FTY.dtype == np.uint8
    assert dataset.FTY.chunks is not None
    assert 'EPSG",3035' in dataset.spatial_ref.attrs["crs_wkt"]
    assert set(np.unique(dataset.FTY)) <= {0, 1, 2, 3, 255}
    assert [outcome["status"] for outcome in store.preload(FOREST, silent=True).outcomes] == ["cached"]
    assert not (portal.home / "clms_cache").exists()
    with pytest.raises(clms.ClmsError, match="is a cube in the cache") as caught:
        store.open(FOREST, bbox=(5, 49, 6, 50))
    assert caught.value.hint is not None
    assert "clip_box" in caught.value.hint


def test_a_part_that_the_portal_cuts_out(portal: Portal) -> None:
    store = clms.Store(credentials=str(portal.key_file))
    with pytest.raises(clms.ClmsError):
        store.preload("clc2018|100 m", bbox=(6.6, 50.2, 5.7, 49.4), silent=True)
    handle = store.preload("clc2018|100 m", bbox=(5.7, 49.4, 6.6, 50.2), silent=True, blocking=False)
    # The service has no package of it; the way there is what matters.
    with contextlib.suppress(clms.PreloadError):
        handle.wait()
    assert list(handle.states) == ["clc2018|100 m?bbox=5.7,49.4,6.6,50.2"]


def test_errors_are_those_of_the_program(portal: Portal) -> None:
    with pytest.raises(clms.ClmsError) as caught:
        clms.open(FOREST)
    assert (caught.value.kind, caught.value.retryable) == ("not_cached", False)
    assert caught.value.hint is not None
    assert "clms preload" in caught.value.hint
    with pytest.raises(clms.ClmsError) as caught:
        clms.preload(FOREST, silent=True)
    assert caught.value.kind == "service_key_not_found"
    assert "clms auth login" in str(caught.value)
    with pytest.raises(clms.ClmsError, match="unexpected argument") as caught:
        clms.Store().run("list", "--no-such-option")
    assert caught.value.kind == "usage"
    with pytest.raises(clms.ClmsError, match="required arguments were not provided"):
        clms.preload()
    with pytest.raises(clms.ClmsError, match="unknown field"):
        clms.Store(cahs="/tmp").list()  # type: ignore[call-arg]  # noqa: S108
    assert portal.url


def test_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "clms"
    other.write_text("#!/bin/sh\necho 'clms 9.8.7 (GDAL 3.6.2)'\n")
    other.chmod(other.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("CLMS_PROGRAM", str(other))
    with pytest.raises(clms.ClmsError, match=r"version 9\.8\.7.*version 0\.1\.0") as caught:
        clms.list()
    assert caught.value.kind == "wrong_version"
    monkeypatch.setenv("CLMS_PROGRAM", str(tmp_path / "nothing"))
    with pytest.raises(clms.ClmsError, match="does not run"):
        clms.list()


def test_no_secret_is_on_a_command_line_or_on_the_disk(slow_portal: Portal) -> None:
    secret = slow_portal.credentials["private_key"].splitlines()[1]
    slow_portal.key_file.unlink()
    with clms.Store(credentials=slow_portal.credentials).preload(FOREST, blocking=False, silent=True) as handle:
        wait_until("the task", lambda: handle.get_state(FOREST).task)
        command = Path(f"/proc/{handle._process.pid}/cmdline").read_bytes()  # noqa: SLF001
        environment = Path(f"/proc/{handle._process.pid}/environ").read_bytes()  # noqa: SLF001
        assert b"preload" in command
        assert secret.encode() not in command + environment
        written = [path for path in slow_portal.home.rglob("*") if path.is_file()]
        assert written
        assert not [path for path in written if secret.encode() in path.read_bytes()]


def test_cancelling_gives_the_task_up_at_the_portal(slow_portal: Portal) -> None:
    store = clms.Store(credentials=slow_portal.credentials)
    handle = store.preload(FOREST, TREES, blocking=False, silent=True)
    wait_until("the tasks", lambda: all(state.task for state in handle.states.values()))
    with pytest.raises(TimeoutError):
        handle.wait(0.01)
    reports = handle.cancel()
    assert {verdict["verdict"] for report in reports for verdict in report["portal"]} == {"confirmed"}
    assert handle.cancelled
    assert {state.status for state in handle.states.values()} == {"cancelled"}
    assert set(store.jobs().state) == {"cancelled"}


def test_cancelling_before_anything_began(slow_portal: Portal) -> None:
    handle = clms.Store(credentials=slow_portal.credentials).preload(FOREST, blocking=False, silent=True)
    handle.cancel()
    assert handle.get_state(FOREST).status == "cancelled"
    assert set(clms.jobs().state) <= {"cancelled"}
    assert handle.cancel() == [] or set(clms.jobs().state) == {"cancelled"}
    handle.close()


def test_closing_leaves_jobs_that_go_on(slow_portal: Portal) -> None:
    store = clms.Store(credentials=slow_portal.credentials)
    with store.preload(FOREST, blocking=False, silent=True) as handle:
        wait_until("the task", lambda: handle.get_state(FOREST).task)
        task = handle.get_state(FOREST).task
    state = handle.get_state(FOREST)
    assert state.error is not None
    assert (state.status, state.error.kind) == ("cancelled", "interrupted")
    with store.preload(FOREST, blocking=False, silent=True) as again:
        wait_until("the task", lambda: again.get_state(FOREST).task)
        assert again.get_state(FOREST).task == task


def test_a_listener_hears_of_every_change(portal: Portal) -> None:
    heard: list[tuple[str, float]] = []

    def listen(preload: clms.Preload) -> None:
        state = preload.get_state(FOREST)
        heard.append((state.status, state.progress))

    clms.Store(credentials=portal.credentials).preload(FOREST, listener=listen)
    assert heard[0] == ("started", 0.0)
    assert heard[-1] == ("completed", 1.0)
    fractions = [progress for _, progress in heard]
    assert fractions == sorted(fractions)
    assert len(set(fractions)) > 3


def test_a_listener_may_fail_and_may_stop_what_it_hears_of(portal: Portal, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: clms.Preload) -> None:
        raise ValueError("not today")

    store = clms.Store(credentials=portal.credentials)
    assert store.preload(FOREST, listener=fail).get_state(FOREST).status == "completed"
    assert "not today" in caplog.text
    handle = store.preload(TREES, listener=lambda preload: preload.close(), blocking=False)
    handle.wait(60, check=False)
    assert handle.has_ended


def test_what_is_chosen_of_a_cube(portal: Portal) -> None:
    store = clms.Store(credentials=portal.credentials, cache="relative")
    store.preload(FOREST, CITY, silent=True)
    os.chdir("/")
    assert list(store.open(FOREST, variables="FTY").data_vars) == ["FTY"]
    assert list(store.open(FOREST, variables=[]).data_vars) == []
    assert isinstance(store.open(FOREST, time=(None, None)), xr.Dataset)
    for wrong, said in (({"variables": ["nope"]}, "no variable nope"), ({"time": "2015"}, "no times"), ({"layer": "x"}, "is a cube")):
        with pytest.raises(clms.ClmsError, match=said):
            store.open(FOREST, **wrong)
    assert len(store.open(CITY)) == 40
    assert len(store.open(CITY, bbox=(0, 0, 1, 1))) == 0
    with pytest.raises(clms.ClmsError, match="is vector data"):
        store.open(CITY, chunks={})
    assert portal.url


def test_what_is_not_installed_is_told(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    store = clms.Store(credentials=portal.credentials)
    store.preload(CITY, silent=True)
    monkeypatch.setitem(sys.modules, "geopandas", None)
    with pytest.raises(clms.ClmsError, match=r"pip install 'clms-store\[vector\]'"):
        store.open(CITY)


def test_errors_travel_between_processes(portal: Portal) -> None:
    with pytest.raises(clms.ClmsError) as caught:
        clms.open(FOREST)
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert (str(again), again.kind, again.hint) == (str(caught.value), "not_cached", caught.value.hint)
    failed = clms.PreloadError([{"data_id": FOREST, "error": {"kind": "k", "message": "m", "hint": None, "retryable": True}}])
    assert pickle.loads(pickle.dumps(failed)).outcomes == failed.outcomes  # noqa: S301
    assert portal.url


SCRIPT = """
import json, sys, clms
store = clms.Store(credentials=json.load(open(sys.argv[1])))
try:
    store.preload(sys.argv[2])
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_ctrl_c_stops_waiting_and_the_job_goes_on_later(slow_portal: Portal) -> None:
    python = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", SCRIPT, slow_portal.key_file, FOREST],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    assert python.stderr is not None
    told = ""
    while "queued" not in told.lower():
        line = python.stderr.readline()
        assert line, told
        told += line
    # As a terminal does: to all of the foreground's processes.
    os.killpg(python.pid, signal.SIGINT)
    out, rest = python.communicate()
    assert (out, python.returncode) == ("interrupted\n", 0), told + rest
    assert "To go on" not in rest or "--store-parameters" not in rest
    store = clms.Store(credentials=slow_portal.credentials)
    [job] = store.jobs().to_dict("records")
    assert (job["data_id"], job["state"]) == (FOREST, "interrupted")


def test_a_python_that_ends_leaves_no_program_behind(slow_portal: Portal) -> None:
    script = SCRIPT.replace("store.preload(sys.argv[2])", "h = store.preload(sys.argv[2], blocking=False); print(h._process.pid)")
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", script, slow_portal.key_file, FOREST], capture_output=True, encoding="utf-8", check=True
    )
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)


def test_two_threads_preload_side_by_side(portal: Portal) -> None:
    store = clms.Store(credentials=portal.credentials)
    done: dict[str, clms.Preload] = {}

    def preload(data_id: str) -> None:
        done[data_id] = store.preload(data_id, silent=True)

    threads = [threading.Thread(target=preload, args=[data_id]) for data_id in (FOREST, TREES, CLCPLUS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {handle.outcomes[0]["status"] for handle in done.values()} == {"completed"}
    assert len(done) == 3


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"tile_size": (512, 256)}, ["--tile-size=512,256"]),
        ({"tile_size": 512, "force": True, "detach": False, "nuts": None}, ["--tile-size=512", "--force"]),
        ({"bbox": (-1.5, 2, 3, 4)}, ["--bbox=-1.5,2,3,4"]),
        ({"time": "2020-01"}, ["--time=2020-01"]),
        ({"time": ("2020-01-01", None)}, ["--time=2020-01-01/.."]),
        ({"time": (None, "2020-01-31")}, ["--time=../2020-01-31"]),
        ({"time": (None, None)}, []),
        ({"time": (dt.date(2020, 1, 1), np.datetime64("2020-01-31T12:00"))}, ["--time=2020-01-01/2020-01-31"]),
        ({"time": dt.date(2020, 1, 1)}, ["--time=2020-01-01"]),
        ({"bbox": np.array([1.5, 2.0, 3.0, 4.0])}, ["--bbox=1.5,2.0,3.0,4.0"]),
    ],
)
def test_arguments_are_options(given: dict[str, object], words: list[str]) -> None:
    assert _command.options(**given) == words


def test_what_is_no_json_is_told_as_it_is() -> None:
    with pytest.raises(clms.ClmsError, match="the disk is full"):
        _command.result("", "error: the disk is full\n", 1)
    with pytest.raises(clms.ClmsError, match="ended with -9"):
        _command.result("", "", -9)
    assert _command.result(json.dumps([1]), "", 0) == [1]
