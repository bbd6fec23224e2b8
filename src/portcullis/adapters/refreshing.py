"""A value that is loaded elsewhere, kept in memory and refreshed off the decision path.

Three ages decide: before half of `refresh` the value is simply used; in the second half a
background load is started and the value is used; from `refresh` on the caller waits for a
load, so a change is in force within `refresh` even after an idle spell. A load that fails
leaves the last known good value in use until `max_age`, then every read raises.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from weakref import WeakSet

from portcullis.errors import UnavailableError
from portcullis.policy.model import Instant

T = TypeVar("T")
Spawn = Callable[[Callable[[], None]], None]

RETRY_MICROS = 1_000_000  # a failing load is tried at most once a second


def spawn_thread(work: Callable[[], None]) -> None:
    """Run `work` on a daemon thread."""
    threading.Thread(target=work, daemon=True).start()


# Every value there is in this process, for `forget_everything`; a snapshot holds them all.
_ALIVE: "WeakSet[Refreshing[Any]]" = WeakSet()


def forget_everything() -> None:
    """Let no value be used again that was loaded before now; what cannot be loaded then denies."""
    for value in list(_ALIVE):
        value.forget()


@dataclass(frozen=True, slots=True)
class _Held(Generic[T]):
    value: T
    loaded_at: int  # micros; when the load that brought it began


class Refreshing(Generic[T]):
    """Holds one value of type T; `load(last)` answers a new one or the same one."""

    def __init__(
        self,
        load: Callable[[T | None], T],
        *,
        refresh_seconds: float,
        max_age_seconds: float,
        spawn: Spawn = spawn_thread,
    ) -> None:
        self._load = load
        self._refresh = int(refresh_seconds * 1_000_000)
        self._max_age = int(max_age_seconds * 1_000_000)
        self._spawn = spawn
        self._held: _Held[T] | None = None
        self._failed_at: int | None = None
        self._last_error = UnavailableError("nothing was ever loaded")
        self._loading = threading.Lock()
        _ALIVE.add(self)

    def forget(self) -> None:
        """Hold nothing: the next caller waits for a load, and has no last known good value."""
        self._held = None
        self._failed_at = None

    def get(self, now: Instant) -> T:
        """Answer the value, loading it first where the ages above ask for it.

        Raises:
            UnavailableError: none was ever loaded, or the last one is older than the maximum age.
        """
        held = self._held
        if held is None or now.micros - held.loaded_at >= self._refresh:
            return self._load_and_wait(now)
        if (now.micros - held.loaded_at) * 2 >= self._refresh:
            self._load_behind(now)
        return held.value

    def age_seconds(self, now: Instant) -> int:
        """Answer how long ago the load began that brought, or confirmed, the value in use."""
        held = self._held
        return 0 if held is None else max(0, (now.micros - held.loaded_at) // 1_000_000)

    def get_younger(self, now: Instant, *, seconds: float) -> T:
        """Answer the value, loading it anew where that was not tried for `seconds`.

        Raises:
            UnavailableError: as `get`.
        """
        with self._loading:
            tried = (self._failed_at, None if self._held is None else self._held.loaded_at)
            if all(at is None or now.micros - at >= seconds * 1_000_000 for at in tried):
                self._try_load(now)
            return self._last_known_good(now)

    def _load_and_wait(self, now: Instant) -> T:
        with self._loading:
            held = self._held
            if held is not None and now.micros - held.loaded_at < self._refresh:
                return held.value  # another thread loaded it while this one waited
            if self._may_try(now):
                self._try_load(now)
            return self._last_known_good(now)

    def _load_behind(self, now: Instant) -> None:
        if not self._may_try(now) or not self._loading.acquire(blocking=False):
            return
        try:
            self._spawn(lambda: self._finish_behind(now))
        except RuntimeError:  # no thread to be had: the next caller waits instead
            self._loading.release()

    def _finish_behind(self, now: Instant) -> None:
        try:
            self._try_load(now)
        finally:
            self._loading.release()

    def _may_try(self, now: Instant) -> bool:
        return self._failed_at is None or now.micros - self._failed_at >= RETRY_MICROS

    def _try_load(self, now: Instant) -> None:
        held = self._held
        try:
            value = self._load(None if held is None else held.value)
        except UnavailableError as error:
            self._failed_at = now.micros
            self._last_error = error
            return
        self._failed_at = None
        self._held = _Held(value, now.micros)

    def _last_known_good(self, now: Instant) -> T:
        held = self._held
        if held is None:
            raise self._last_error
        if now.micros - held.loaded_at > self._max_age:
            raise type(self._last_error)("the last known good value is too old") from None
        return held.value
