"""What a process has once, and several of its threads set at a time."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

Wish = TypeVar("Wish")


class Shared(Generic[Wish]):
    """A setting of the whole process: the first thread in makes it, the last one out undoes it.

    Were each to put back what it had found, two that overlap without one lasting longer than the
    other would leave the setting behind for good, and undo it while it is needed.

    Parameters
    ----------
    setting : callable
        Takes the wishes of those inside, one of them, and returns the context that is entered by
        the first and left by the last, maybe in another thread. Its value is called with the wishes
        when they have changed.
    """

    def __init__(
        self,
        setting: Callable[[list[Wish]], AbstractContextManager[Callable[[list[Wish]], None]]],
    ) -> None:
        self._setting = setting
        self._lock = Lock()
        self._wishes: list[Wish] = []
        self._context = ExitStack()
        self._follow: Callable[[list[Wish]], None]

    @contextmanager
    def held(self, wish: Wish) -> Iterator[None]:
        """Have the setting in the block, as all those who are inside agree; waits for none."""
        with self._lock:
            wishes = [*self._wishes, wish]
            if self._wishes:
                self._follow(wishes)
            else:
                self._follow = self._context.enter_context(self._setting(wishes))
            self._wishes = wishes
        try:
            yield
        finally:
            with self._lock:
                self._wishes.remove(wish)
                if self._wishes:
                    self._follow(self._wishes)
                else:
                    self._context.close()
