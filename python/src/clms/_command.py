"""Finds the program `clms` and runs it: the only place that knows of processes."""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ._errors import ClmsError

if TYPE_CHECKING:
    from collections.abc import Mapping

DISTRIBUTION = "clms-store"
VARIABLE = "CLMS_PROGRAM"

_log = logging.getLogger("clms")


def program() -> Path:
    """Return the path of the program: what `CLMS_PROGRAM` names, else the one that this package brought, else that of `PATH`.

    Raises `ClmsError` if there is none, or if it is of another version than this package.
    """
    path = _find()
    # Rust says 0.2.0-rc.1 where Python says 0.2.0rc1.
    theirs = re.sub(r"-(a|b|rc)[a-z]*\.", r"\1", _version_of(path))
    ours = importlib.metadata.version(DISTRIBUTION)
    if theirs != ours:
        message = f"{path} is version {theirs}, and this Python package is version {ours}"
        raise ClmsError("wrong_version", message, f"install both anew: pip install --force-reinstall {DISTRIBUTION}")
    return path


def run(words: Iterable[str], parameters: Mapping[str, Any]) -> Any:
    """Run the program to its end and return the JSON document that it prints.

    `parameters` are those of `clms schema store`; they go to standard input, since others on this machine may read command lines.
    Ctrl-C goes on to the program, which brings to safety what is under way.
    """
    process = start(["--progress=none", *words], parameters)
    try:
        out, err = process.communicate()
    except BaseException:
        interrupt(process)
        process.communicate()
        raise
    return result(out, err, process.returncode)


def start(words: Iterable[str], parameters: Mapping[str, Any], *, draws: bool = False) -> subprocess.Popen[str]:
    """Start the program, which prints JSON. `draws`: its standard error is this process's, on which it shows its progress."""
    handed_over = json.dumps(parameters, default=os.fspath) if parameters else ""
    process = subprocess.Popen(  # noqa: S603  (it is our program, and no shell)
        [program(), "--output=json", *(["--store-parameters=-"] if parameters else []), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=None if draws else subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        # A group of its own: Ctrl-C reaches this process only, which passes it on once.
        process_group=0 if os.name == "posix" else None,
    )
    try:
        if process.stdin is not None:
            # A program that has ended already says why.
            with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
                stdin.write(handed_over)
            process.stdin = None
    except BaseException:
        process.kill()
        process.communicate()
        raise
    return process


def interrupt(process: subprocess.Popen[str]) -> None:
    """Do as Ctrl-C does: jobs stop at the next safe point, and can go on later."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)


def result(out: str, err: str, code: int) -> Any:
    """Return the document that was printed; raises `ClmsError` if it tells of an error, or is none."""
    for line in err.splitlines():
        _log.log(logging.WARNING if line.startswith("warning: ") else logging.INFO, "%s", line)
    try:
        document = json.loads(out)
    except json.JSONDecodeError:
        # Whoever is killed prints nothing.
        message = err.strip().removeprefix("error: ") or f"the program ended with {code} and said nothing"
        raise ClmsError("program", message) from None
    if isinstance(document, dict) and isinstance(document.get("error"), dict):
        raise ClmsError.of(document["error"])
    return document


def options(**given: Any) -> list[str]:
    """Turn arguments into options: `tile_size=(512, 512)` is `--tile-size=512,512`. What is None or False is left out."""
    words = []
    for name, value in given.items():
        option = "--" + name.replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            words.append(option)
        elif name == "time":
            words += [f"{option}={time}"] if (time := _days(value)) else []
        elif isinstance(value, Iterable) and not isinstance(value, str):
            words.append(f"{option}={','.join(str(part) for part in value)}")
        else:
            words.append(f"{option}={value}")
    return words


def _days(time: Any) -> str | None:
    """Write days as the program takes them; None if they say nothing."""
    if isinstance(time, str):
        return time
    if not isinstance(time, Iterable):
        return str(time)[:10]
    days = ["" if day is None else str(day)[:10] for day in time]
    return "/".join(day or ".." for day in days) if any(days) else None


def _find() -> Path:
    if named := os.environ.get(VARIABLE):
        return Path(named).absolute()
    name = "clms" + (sysconfig.get_config_var("EXE") or "")
    # An environment, a user's own packages, and `pip install --target`.
    folders = [
        Path(sysconfig.get_path("scripts")),
        Path(sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user"))),
        Path(__file__).parents[1] / "bin",
    ]
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    if found := shutil.which("clms"):
        return Path(found)
    message = f"there is no program clms in {', '.join(map(str, folders))}, nor in PATH"
    raise ClmsError("no_program", message, f"pip install --force-reinstall {DISTRIBUTION}, or set {VARIABLE} to its path")


@functools.cache
def _version_of(path: Path) -> str:
    try:
        printed = subprocess.run(  # noqa: S603
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError) as why:
        raise ClmsError("no_program", f"{path} does not run: {why}", f"set {VARIABLE} to a clms that does") from why
    # Such as: clms 0.1.0 (GDAL 3.12.1)
    return printed.split()[1] if printed.startswith("clms ") else printed.strip() or "unknown"


def on_screen(stream: IO[str] | None = None) -> bool:
    """Whether what a program writes to its standard error is seen where this process's own is: not in a notebook, nor in a capture."""
    return (stream or sys.stderr) is sys.__stderr__ and sys.__stderr__ is not None
