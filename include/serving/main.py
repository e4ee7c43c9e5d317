"""Start the scoring service: `python -m include.serving.main`, told by its arguments or its environment."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from include.catalog import use_case
from include.errors import FlightdeckError, PermanentError
from include.serving.supervisor import Options, Supervisor

SHIPPED = ("credit_risk", "load_forecast", "recommender")
_SERVES = "FLIGHTDECK_SERVES"


def main(arguments: list[str]) -> int:
    """Serve until told to end; return the exit code."""
    try:
        supervisor = Supervisor(options(arguments))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: supervisor.stop())
        supervisor.run()
    except FlightdeckError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def options(arguments: list[str]) -> Options:
    """Return what the service was told.

    Raises:
        PermanentError: a use case that is named has no ``serving`` in its spec, or there is none of that name.
    """
    parser = argparse.ArgumentParser(prog="python -m include.serving.main", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder of view, models and log; it is state")
    parser.add_argument("--port", type=int, required=True, help="port that the workers share")
    parser.add_argument("--host", default="127.0.0.1", help="address that they listen on (default: loopback)")
    parser.add_argument("--workers", type=int, default=_cores(), help="processes (default: one a core)")
    given = parser.parse_args(arguments)
    return Options(given.home.resolve(), given.port, served(), bind=given.host, workers=given.workers)


def served() -> tuple[str, ...]:
    """Return the use cases to serve: those that the environment names, else all shipped ones that can be served.

    Raises:
        PermanentError: one that is named cannot be served.
    """
    named = os.environ.get(_SERVES, "").split()
    for name in named:
        if use_case(name).serving is None:
            raise PermanentError(
                expected=f"'serving' in the spec of {name}", seen="none", where=_SERVES,
                next_step="add Serving(...) to the spec, or take the name out",
            )  # fmt: skip
    return tuple(named) or tuple(name for name in SHIPPED if _is_served(name))


def _is_served(name: str) -> bool:
    try:
        return use_case(name).serving is not None
    except PermanentError:  # not shipped with this version
        return False


def _cores() -> int:
    return len(os.sched_getaffinity(0))


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(code)  # a download from a registry that keeps silent would hold up an ordinary end
