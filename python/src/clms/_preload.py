"""A preload under way: what the program tells of it, kept where a notebook can look at it."""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import html
import json
import threading
import weakref
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
        self._listener = listener
        self._lock = threading.Lock()
        self._states = {data_id: State(data_id) for data_id in data_ids}
        self._jobs: dict[str, str] = {}
        self._outcomes: list[dict[str, Any]] = []
        self._failure: ClmsError | None = None
        self._cancelled = False
        self._ended = threading.Event()
        events = [] if draws else ["--progress=json"]
        self._process = _command.start([*events, *words], parameters, draws=draws)
        _running.add(self)
        threading.Thread(target=self._attend, name="clms preload", daemon=True).start()

    @property
    def states(self) -> dict[str, State]:
        """Where each data id stands, now."""
        with self._lock:
            return dict(self._states)

    def get_state(self, data_id: str) -> State:
        """Return where a data id stands; raises `KeyError` if it is not part of this preload."""
        states = self.states
        return states.get(data_id) or states[data_id.replace("/", "|", 1)]

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
            if not self._ended.wait(timeout):
                raise TimeoutError(f"not ready after {timeout} s; it goes on")
        except KeyboardInterrupt:
            self.interrupt()
            self._ended.wait()
            raise
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
        with self._lock:
            jobs = [job for job, data_id in self._jobs.items() if not self._states[data_id].has_ended]
        reports: list[dict[str, Any]] = []
        for job in jobs:
            # What has ended meanwhile needs no cancelling.
            with contextlib.suppress(ClmsError):
                reports += _command.run(["jobs", "cancel", job], self._parameters)
        self.interrupt()
        self._ended.wait()
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
        rows = [_HEADER, *self._rows()]
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
        process, lines = self._process, []
        printed = _Reader(process)
        for line in process.stderr or ():
            try:
                event = json.loads(line) if line.startswith("{") else None
            except json.JSONDecodeError:
                event = None
            if isinstance(event, dict):
                self._take_in(event)
            else:
                lines.append(line)
        out, code = printed.text(), process.wait()
        if process.stderr is not None:
            process.stderr.close()
        try:
            document = _command.result(out, "".join(lines), code)
        except ClmsError as failure:
            self._failure = failure
        else:
            self._outcomes = document
        self._end()

    def _take_in(self, event: Mapping[str, Any]) -> None:
        job = event.get("job")
        with self._lock:
            if event.get("event") == "job_started":
                self._jobs[event["job"]] = event["data_id"]
            data_id = self._jobs.get(job) if isinstance(job, str) else None
            if data_id is None:
                return
            before = self._states.get(data_id) or State(data_id)
            self._states[data_id] = after = before.after(event)
        if after != before:
            self._tell()

    def _end(self) -> None:
        with self._lock:
            for outcome in self._outcomes:
                data_id, error = outcome["data_id"], outcome["error"]
                ended = {"event": "job_ended", "status": outcome["status"], "error": error}
                state = (self._states.get(data_id) or State(data_id)).after(ended)
                self._states[data_id] = dataclasses.replace(state, task=outcome["task_id"] or state.task)
            if self._outcomes:
                # What was asked for by another name, such as a part of a collection, has the program's name for it now.
                names = {outcome["data_id"] for outcome in self._outcomes}
                self._states = {name: state for name, state in self._states.items() if name in names}
            for name, state in self._states.items():
                if not state.has_ended:
                    self._states[name] = dataclasses.replace(state, status="failed", error=self._failure)
        _running.discard(self)
        self._ended.set()
        self._tell()

    def _tell(self) -> None:
        if self._listener is not None:
            self._listener(self)


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

_running: weakref.WeakSet[Preload] = weakref.WeakSet()


@atexit.register
def _leave() -> None:
    """Leave no program behind when Python ends; its jobs can go on later."""
    for preload in list(_running):
        preload.close()


def _count(number: int, unit: str) -> str:
    return f"{number / 1e6:,.1f} MB" if unit == "bytes" else f"{number} {unit}"
