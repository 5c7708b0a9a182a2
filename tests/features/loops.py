"""Running coroutines in a test: on asyncio's loop and on uvloop's, and nothing goes unnoticed."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import uvloop

LONGEST_S = 60.0


class Loop:
    """Runs a coroutine to its end; whatever the loop would only have logged is an error too."""

    def __init__(self, name: str) -> None:
        self._factory = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}[name]

    def __call__[T](self, main: Coroutine[Any, Any, T]) -> T:
        complaints: list[dict[str, Any]] = []

        async def bounded() -> T:
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda _, context: complaints.append(context))
            async with asyncio.timeout(LONGEST_S):
                return await main

        with asyncio.Runner(loop_factory=self._factory) as runner:
            result = runner.run(bounded())
        assert complaints == []
        return result
