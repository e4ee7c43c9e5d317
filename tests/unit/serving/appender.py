"""A process that logs as fast as it can, and tells its parent which records were acknowledged, until it is killed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from include.serving.prediction_log import PredictionLog
from tests.unit.serving.made import record


async def append(home: Path, clients: int, segment_bytes: int) -> None:
    """Append records from several clients; a line on standard output says that one was acknowledged."""
    log = PredictionLog(home, segment_bytes=segment_bytes)

    async def client(name: int) -> None:
        count = 0
        while True:
            await log.append(record(f"{name}-{count}"))
            sys.stdout.write(f"{name}-{count}\n")
            sys.stdout.flush()
            count += 1

    await asyncio.gather(*(client(name) for name in range(clients)))


if __name__ == "__main__":
    asyncio.run(append(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
