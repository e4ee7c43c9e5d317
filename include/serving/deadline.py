"""Ask a model within a deadline: a quick one at once, one that was slow in a thread that need not be waited for.

A thread costs a quick model more than its own answer, and without one a slow model would hold up every other request.
So it is the model's last answer that decides, and a late answer is never given.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

QUICK_SECONDS = 0.005


class LateError(Exception):
    """The deadline has passed."""


class Timed:
    """A function of a model, with the time of its last answer.

    Args:
        function: What is asked.
        taken: Seconds that its last answer took.
    """

    def __init__(self, function: Callable[..., Any], taken: float) -> None:
        self.function, self.taken = function, taken

    async def ask(self, *args: Any, until: float, pool: Executor) -> Any:
        """Return the answer.

        Args:
            args: What the function is called with.
            until: The deadline, in ``time.monotonic()``'s seconds.
            pool: Threads for a slow function.

        Raises:
            LateError: the deadline has passed.
        """
        left = until - time.monotonic()
        if left <= 0:
            raise LateError
        if self.taken < QUICK_SECONDS:
            answer = self._measured(*args)
        else:
            running = asyncio.get_running_loop().run_in_executor(pool, self._measured, *args)
            running.add_done_callback(_seen)
            done, _ = await asyncio.wait([running], timeout=left)
            if not done:
                running.cancel()
                raise LateError
            answer = running.result()
        if time.monotonic() > until:
            raise LateError
        return answer

    def _measured(self, *args: Any) -> Any:
        began = time.monotonic()
        try:
            return self.function(*args)
        finally:
            self.taken = time.monotonic() - began


def _seen(running: asyncio.Future[Any]) -> None:
    """Take note of an error that came too late for anybody to wait for."""
    if not running.cancelled():
        running.exception()
