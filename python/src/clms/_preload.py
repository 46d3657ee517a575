"""A preload under way: what the program tells of it, kept where a notebook can look at it."""

from __future__ import annotations

import atexit
import dataclasses
import html
import json
import logging
import os
import threading
from typing import IO, TYPE_CHECKING, Any, Self

from . import _command
from ._errors import ClmsError, PreloadError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping, Sequence

_DONE = frozenset({"completed", "cached", "requested"})
_ENDED = _DONE | {"failed", "cancelled"}

# Where each stage begins and ends, as parts of the whole way. Nobody knows how long a queue is: waiting moves nothing.
_STAGES = {
    "waiting": (0.1, 0.1),
    "downloading": (0.1, 0.4),
    "unpacking": (0.4, 0.6),
    "building": (0.6, 0.95),
    "committing": (0.95, 1.0),
}

_log = logging.getLogger("clms")


@dataclasses.dataclass(frozen=True)
class State:
    """Where a data id stands."""

    data_id: str
    status: str = "waiting"
    """`waiting` to begin with, then `started`, and in the end `completed`, `cached`, `requested`, `failed` or `cancelled`: what was only
    interrupted has an error of kind `interrupted`, and can go on."""
    progress: float = 0.0
    """From 0 to 1. The portal's queue is the first tenth."""
    message: str | None = None
    error: ClmsError | None = None
    task: str | None = None
    """The portal's task, once it has one."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen to it in this preload."""
        return self.status in _ENDED

    def after(self, event: Mapping[str, Any]) -> State:
        """Return the state after an event, as `clms schema output progress` describes them."""
        change: dict[str, Any] = {}
        match event:
            case {"event": "job_started"}:
                change = {"status": "started", "message": "begins"}
            case {"event": "stage_entered", "stage": str(stage)}:
                begin, _ = _STAGES.get(stage, (self.progress, 0))
                change = {"message": stage.replace("_", " "), "progress": max(self.progress, begin)}
            case {
                "event": "amount",
                "stage": str(stage),
                "done": int(done),
                "total": int(total),
                "unit": str(unit),
            } if total:
                begin, end = _STAGES.get(stage, (self.progress, self.progress))
                change = {
                    "message": f"{stage}: {_count(done, unit)} of {_count(total, unit)}",
                    "progress": max(self.progress, begin + (end - begin) * min(done / total, 1)),
                }
            case {"event": "task_chosen", "task": str(task)}:
                change = {"task": task}
            case {"event": "task_seen", "task": str(task), "status": str(status)}:
                change = {"task": task, "message": f"waiting: the portal says {status}"}
            case {"event": "task_stuck" | "task_abandoned" | "retrying", "problem": {"message": str(problem)}}:
                change = {"message": problem}
            case {"event": "job_ended", "status": str(status), "error": error}:
                change = {"status": status, "error": error and ClmsError.of(error), "message": status}
                if status in _DONE - {"requested"}:
                    change["progress"] = 1.0
        return dataclasses.replace(self, **change)


class Preload:
    """Handle of a preload: states, and the ways to stop it. Shown as a table in a notebook.

    Whatever happens to this process, its jobs lie in the cache: preloading the same again goes on where they were.
    """

    def __init__(
        self,
        data_ids: Sequence[str],
        words: Sequence[str],
        parameters: Mapping[str, Any],
        *,
        draws: bool = False,
        listener: Callable[[Preload], None] | None = None,
    ) -> None:
        """Start the program with `words`. `draws`: it draws its own bars, and there are no states before the end."""
        self._parameters = parameters
        self._lock = threading.Lock()
        self._states = {data_id: State(data_id) for data_id in data_ids}
        self._jobs: dict[str, str] = {}
        self._outcomes: list[dict[str, Any]] = []
        self._failure: ClmsError | None = None
        self._cancelled = False
        self._ended = threading.Event()
        self._teller = None if listener is None else _Teller(self, listener)
        events = [] if draws else ["--progress=json"]
        self._process = _command.start([*events, *words], parameters, draws=draws)
        try:
            _running[id(self)] = self
            threading.Thread(target=self._attend, name="clms preload", daemon=True).start()
        except BaseException:
            self._process.kill()
            raise

    @property
    def states(self) -> dict[str, State]:
        """Where each data id stands, now."""
        with self._lock:
            return dict(self._states)

    def get_state(self, data_id: str) -> State:
        """Return where a data id stands; raises `KeyError` if it is not part of this preload."""
        states = self.states
        if data_id in states:
            return states[data_id]
        for name, state in states.items():
            if _stands_for(data_id, name):
                return state
        raise KeyError(data_id)

    @property
    def outcomes(self) -> list[dict[str, Any]]:
        """What became of each data id, as `clms preload -o json` prints it. Empty before the end."""
        return [*self._outcomes] if self.has_ended else []

    @property
    def has_ended(self) -> bool:
        """Whether it works no more."""
        return self._ended.is_set()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled

    def wait(self, timeout: float | None = None, *, check: bool = True) -> Self:
        """Wait for the end, at most so many seconds (then raises `TimeoutError`, and the preload goes on).

        Ctrl-C stops waiting and the work, and leaves the jobs so that they can go on later. Raises `PreloadError` if a
        data id failed, unless `check` is False.
        """
        try:
            has_ended = self._ended.wait(timeout)
        except BaseException:
            self.close()
            raise
        if not has_ended:
            raise TimeoutError(f"not ready after {timeout} s; it goes on")
        if self._teller is not None:
            self._teller.join()
        if self._failure is not None:
            raise self._failure
        if check and any(outcome["error"] is not None for outcome in self._outcomes):
            raise PreloadError(self._outcomes)
        return self

    def interrupt(self) -> None:
        """Stop at the next safe point, as Ctrl-C does. The portal's tasks stay, and preloading the same again goes on."""
        _command.interrupt(self._process)

    def cancel(self) -> list[dict[str, Any]]:
        """Give up what has not ended, at the portal too. Returns what the portal then really did, as `clms jobs cancel -o json` does."""
        self._cancelled = True
        self.close()
        reports: list[dict[str, Any]] = []
        for name, state in self.states.items():
            if state.status in _DONE:
                continue
            try:
                reports += _command.run(["jobs", "cancel", "--", name], self._parameters)
            except ClmsError as why:
                # What was stopped before it began is nobody's job.
                if why.kind != "no_such_job":
                    raise
        return reports

    def close(self) -> None:
        """Stop, if it still works, and leave the jobs so that they can go on later."""
        self.interrupt()
        self._ended.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def show(self) -> None:
        """Show the table: in place in a notebook, else as text."""
        try:
            from IPython.display import display  # noqa: PLC0415  (nobody but a notebook has it)
        except ImportError:
            print(self)  # noqa: T201
        else:
            display(self)

    def __repr__(self) -> str:
        rows = [_HEADER, *([cell.replace("\n", "; ") for cell in row] for row in self._rows())]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        def row(cells: Sequence[str], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        body = "".join(row(cells, "td") for cells in self._rows())
        return f"<table><thead>{row(_HEADER, 'th')}</thead><tbody>{body}</tbody></table>"

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                state.data_id,
                state.status,
                f"{state.progress:.0%}",
                " ".join(filter(None, [state.task and f"task {state.task}:", state.message])) or "-",
                str(state.error or "-"),
            )
            for state in self.states.values()
        ]

    def _attend(self) -> None:
        """Take in what the program tells, until it ends."""
        lines: list[str] = []
        try:
            printed = _Reader(self._process)
            for line in self._process.stderr or ():
                event = _event(line)
                if event is None:
                    lines.append(line)
                else:
                    self._take_in(event)
            out, code = printed.text(), self._process.wait()
            self._outcomes = _command.result(out, "".join(lines), code)
            self._take_in_outcomes()
        except ClmsError as failure:
            self._failure = failure
        except Exception as why:  # noqa: BLE001  (whoever waits must not wait for ever)
            _log.exception("what the program tells can't be read")
            self._failure = ClmsError("program", f"what the program tells can't be read: {why!r}")
        finally:
            self._end()

    def _take_in(self, event: Mapping[str, Any]) -> None:
        job = event.get("job")
        with self._lock:
            if event.get("event") == "job_started":
                self._jobs[event["job"]] = event["data_id"]
                self._rename(event["data_id"])
            data_id = self._jobs.get(job) if isinstance(job, str) else None
            if data_id is None:
                return
            before = self._states.get(data_id) or State(data_id)
            self._states[data_id] = after = before.after(event)
        if after != before:
            self._tell()

    def _rename(self, data_id: str) -> None:
        """Drop the name under which it was asked for, such as the collection of which this is a part."""
        if data_id not in self._states:
            asked = next((asked for asked in self._states if _stands_for(asked, data_id)), data_id)
            renamed = {data_id if name == asked else name: state for name, state in self._states.items()}
            self._states = {name: dataclasses.replace(state, data_id=name) for name, state in renamed.items()}

    def _take_in_outcomes(self) -> None:
        with self._lock:
            for outcome in self._outcomes:
                data_id, error = outcome["data_id"], outcome["error"]
                self._rename(data_id)
                ended = {"event": "job_ended", "status": outcome["status"], "error": error}
                state = (self._states.get(data_id) or State(data_id)).after(ended)
                self._states[data_id] = dataclasses.replace(state, task=outcome["task_id"] or state.task)

    def _end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()
        with self._lock:
            status = "cancelled" if self._cancelled else "failed"
            for name, state in self._states.items():
                if not state.has_ended:
                    self._states[name] = dataclasses.replace(state, status=status, error=self._failure)
        _running.pop(id(self), None)
        self._ended.set()
        self._tell()

    def _tell(self) -> None:
        if self._teller is not None:
            self._teller.wake()


class _Teller:
    """Calls a listener from a thread of its own: one that is slow hears of several changes at once, and keeps nobody waiting."""

    def __init__(self, preload: Preload, listener: Callable[[Preload], None]) -> None:
        self._preload = preload
        self._listener = listener
        self._news = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clms listener", daemon=True)
        self._lock = threading.Lock()

    def wake(self) -> None:
        self._news.set()
        with self._lock:
            if self._thread.ident is None:
                self._thread.start()

    def join(self) -> None:
        """Wait until it has heard of the end, unless it is the listener who asks."""
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        has_ended = False
        while not has_ended:
            self._news.wait()
            self._news.clear()
            has_ended = self._preload.has_ended
            try:
                self._listener(self._preload)
            except Exception:  # noqa: BLE001  (it is not ours)
                _log.exception("a listener failed")


class _Reader:
    """Reads all of a program's standard output beside the rest, so that no pipe fills up."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._text = ""
        self._thread = threading.Thread(target=self._read, args=[process.stdout], name="clms output", daemon=True)
        self._thread.start()

    def _read(self, stream: IO[str]) -> None:
        with stream:
            self._text = stream.read()

    def text(self) -> str:
        self._thread.join()
        return self._text


_HEADER = ("Data ID", "Status", "Progress", "Message", "Error")

_running: dict[int, Preload] = {}


@atexit.register
def _leave() -> None:
    """Leave no program behind when Python ends; its jobs can go on later."""
    left = list(_running.values())
    for preload in left:
        preload.interrupt()
    for preload in left:
        preload.close()


if hasattr(os, "register_at_fork"):
    # They are the parent's.
    os.register_at_fork(after_in_child=_running.clear)


def _event(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line) if line.startswith("{") else None
    except json.JSONDecodeError:
        return None
    return event if isinstance(event, dict) else None


def _stands_for(asked: str, data_id: str) -> bool:
    """Whether what was asked for by that name may have become this data id: `a/b`, or a part of the product or collection."""
    name = asked.replace("/", "|", 1)
    return data_id == name or data_id.startswith((f"{name}?", f"{name}|"))


def _count(number: int, unit: str) -> str:
    return f"{number / 1e6:,.1f} MB" if unit == "bytes" else f"{number} {unit}"
