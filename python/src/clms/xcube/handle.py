"""A preload as xcube's handle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xcube.core.store import PreloadHandle, PreloadState, PreloadStatus

if TYPE_CHECKING:
    from clms import Preload

_STATUS = {
    "cached": PreloadStatus.completed,
    # The portal works on it.
    "requested": PreloadStatus.waiting,
}


class ClmsPreloadHandle(PreloadHandle):  # type: ignore[misc]  # xcube has no types
    """Where the data ids of a `preload_data` stand. Shown as a table in a notebook."""

    def __init__(self, preload: Preload) -> None:
        """Show what a preload does."""
        self.preload = preload

    def get_state(self, data_id: str) -> PreloadState:
        """Return status, progress from 0 to 1, message and error of a data id."""
        state = self.preload.get_state(data_id)
        status = _STATUS.get(state.status) or PreloadStatus[state.status]
        task = f"Task ID {state.task}: " if state.task else ""
        message = None if state.message is None else task + state.message
        return PreloadState(state.data_id, status, state.progress, message, state.error)

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self.preload.cancelled

    def cancel(self) -> None:
        """Give up what has not ended, at the portal too."""
        self.preload.cancel()

    def close(self) -> None:
        """Stop, if it still works. What is cached stays, and what is not can go on later."""
        self.preload.close()

    def show(self) -> Any:
        """Show the table."""
        self.preload.show()

    def _repr_html_(self) -> str:
        return self.preload._repr_html_()

    def __repr__(self) -> str:
        return repr(self.preload)

    __str__ = __repr__
