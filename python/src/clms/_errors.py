"""What goes wrong, in the program's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ClmsError(Exception):
    """An error of the program: what failed, on what, why, and what to do about it."""

    def __init__(self, kind: str, message: str, hint: str | None = None, *, retryable: bool = False) -> None:
        super().__init__(message if hint is None else f"{message}\nhint: {hint}")
        self.kind = kind
        """A stable word for programs, such as `no_such_data_id`."""
        self.message = message
        self.hint = hint
        self.retryable = retryable
        """Whether the same call may succeed later."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Let processes hand it to one another."""
        return _raised_again, (type(self), self.kind, self.message, self.hint, self.retryable)

    @classmethod
    def of(cls, problem: Mapping[str, Any]) -> ClmsError:
        """Make one of the JSON object that the program prints."""
        return cls(problem["kind"], problem["message"], problem.get("hint"), retryable=bool(problem.get("retryable", False)))


class PreloadError(ClmsError):
    """Some of what was to be preloaded is not there; kind, message and hint are those of the first that failed."""

    def __init__(self, outcomes: Sequence[Mapping[str, Any]]) -> None:
        failed = [outcome for outcome in outcomes if outcome["error"] is not None]
        first = failed[0]["error"]
        more = f" (and {len(failed) - 1} more of {len(outcomes)} failed)" if len(failed) > 1 else ""
        super().__init__(
            first["kind"],
            f"{failed[0]['data_id']}: {first['message']}{more}",
            first.get("hint"),
            retryable=any(outcome["error"]["retryable"] for outcome in failed),
        )
        self.outcomes = list(outcomes)
        """What became of each data id, as `clms preload -o json` prints it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return PreloadError, (self.outcomes,)


def _raised_again(kind: type[ClmsError], *words: Any) -> ClmsError:
    *said, retryable = words
    return kind(*said, retryable=retryable)
