"""In a real kernel: the example, and the button that interrupts."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from conftest import FOREST
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient

import clms

if TYPE_CHECKING:
    from conftest import Portal

EXAMPLE = Path(__file__).parents[1] / "examples" / "tutorial.ipynb"


def test_the_example_runs(portal: Portal) -> None:
    shutil.copy(portal.key_file, portal.home / "credentials.json")
    notebook = nbformat.read(EXAMPLE, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(portal.home)}}).execute()
    outputs = {cell.source.splitlines()[0]: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}
    [progress, handle] = outputs['trees = "tree-cover-density-2015|TCD_2015_100m_eu_03035_d04_Full"']
    # The table that was kept up to date, and the handle at the end.
    for table in (progress.data["text/html"], handle.data["text/html"]):
        assert table.count("<td>completed</td><td>100%</td>") == 2, table
    [shares] = outputs["import numpy as np"]
    assert "broadleaved_forest" in shares.data["text/plain"]
    assert not [
        cell.outputs for cell in notebook.cells if cell.cell_type == "code" and any(it.output_type == "error" for it in cell.outputs)
    ]


def test_the_button_that_interrupts_leaves_a_job_that_goes_on(slow_portal: Portal) -> None:
    manager, client = start_new_kernel(cwd=str(slow_portal.home))
    try:
        client.execute(
            f"import clms\nstore = clms.Store(credentials={str(slow_portal.key_file)!r})\nstore.preload({FOREST!r})", stop_on_error=False
        )

        def next_message(kind: str) -> dict[str, Any]:
            while True:
                message: dict[str, Any] = client.get_iopub_msg(timeout=60)
                if message["msg_type"] == kind:
                    return message

        message = next_message("display_data")
        while "portal says" not in message["content"]["data"]["text/html"]:
            message = next_message("update_display_data")
        manager.interrupt_kernel()
        assert next_message("error")["content"]["ename"] == "KeyboardInterrupt"
        # The kernel lives, and so does the job.
        assert client.execute_interactive("1 + 1", timeout=60)["content"]["status"] == "ok"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    [job] = clms.jobs().to_dict("records")
    assert (job["data_id"], job["state"]) == (FOREST, "interrupted")
