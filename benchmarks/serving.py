"""The scoring service: latency, throughput beside its peers, overload, and models exchanged under load.

The load comes from a process of its own on loopback, so on two cores it takes its share of them from whoever is
measured, ours and others alike. Every answer of ours is on the disk before it is given, unless it is said otherwise.
Each contender is alone when it is measured; they take turns, in rounds.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import Goal, Measure, Peer, Say
from benchmarks.load import Load, Seen, finished, get, run, started
from benchmarks.served import Served, empty_route, invocation, of_mlflow, ours
from benchmarks.switching import switch_off

_CORES = len(os.sched_getaffinity(0))
_RATE, _CONNECTIONS, _SECONDS, _ROUNDS = 500, 16, 5.0, 3
_SWAPS_REQUESTS, _SWAP_SECONDS = 100_000, 0.5
_FAST = Goal(kind="at most", limit=10)


def measures(say: Say) -> Iterator[Measure]:
    """Yield latency and throughput of the same model by three servers, then what only ours must hold."""
    with tempfile.TemporaryDirectory(prefix="flightdeck-bench-") as folder:
        home = Path(folder) / "serving"
        home.mkdir()
        say("· training a boosted model and a recommender …")
        served = Served(home)
        seen = _contest(served, Path(folder), say)
        yield from _contest_measures(seen)
        with ours(home, _CORES) as port:
            yield _recommendation(port, served)
            yield from _overload(port, served, max(seen["ours"]))
            yield _swaps(port, served, say)
    yield switch_off(say)


def _contest(served: Served, folder: Path, say: Say) -> dict[str, list[float]]:
    """Return what each contender has shown in each round, by name."""
    found: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        found.setdefault(name, []).append(value)

    asked = [invocation(case) for case in served.cases[:50]]
    for number in range(1, _ROUNDS + 1):
        say(f"· round {number} of {_ROUNDS} …")
        with ours(served.home, _CORES) as port:
            _closed(port, served.decide, seconds=1)
            note("ours", _closed(port, served.decide).rate)
            seen = _open(port, served.decide)
            assert set(seen.statuses) == {"200"}, seen.statuses
            note("p99", seen.quantile(0.99))
        for name, processes in (("empty", 1), ("empty tuned", _CORES)):
            with empty_route(processes) as port:
                _closed(port, [get("/")], seconds=1)
                note(name, _closed(port, [get("/")]).rate)
        for name, count in (("mlflow", None), ("mlflow tuned", _CORES)):
            with of_mlflow(served.model, folder / "mlflow", count) as port:
                _closed(port, asked, seconds=2)
                note(name, _closed(port, asked).rate)
                note(f"{name}, one connection", _closed(port, asked, connections=1).rate)
    return found


def _contest_measures(found: dict[str, list[float]]) -> Iterator[Measure]:
    rates = {name: statistics.median(each) for name, each in found.items()}
    p99, alone = found["p99"], rates["mlflow, one connection"]
    yield Measure(
        name=f"credit at {_RATE}/s, p99", value=rates["p99"], unit="ms", goal=_FAST,
        how=f"one row, boosted model with reasons, on the disk before the answer; {_SECONDS:g} s of an open loop over "
        f"{2 * _CONNECTIONS} connections, from the moment a request was due; median of {_ROUNDS} rounds, of "
        f"{min(p99):.1f} to {max(p99):.1f}",
    )  # fmt: skip
    how = f"a closed loop of {_SECONDS:g} s; median of {_ROUNDS} rounds; ours has {_CORES} processes"
    yield Measure(
        name=f"credit at {_CONNECTIONS} connections", value=rates["ours"], unit="requests/s", digits=0,
        goal=Goal(kind="at least", limit=round(20 * rates["mlflow"], 1), because="20 × MLflow's"),
        peer=Peer(name="mlflow models serve, the same model, as it comes", value=rates["mlflow"]),
        how=f"{how}, MLflow's server the one that it starts by itself; with one connection that answers {alone:.0f}/s",
    )  # fmt: skip
    yield Measure(
        name="… beside MLflow's server with as many processes", value=rates["ours"], unit="requests/s", digits=0,
        peer=Peer(name=f"mlflow models serve --workers {_CORES}, one thread each", value=rates["mlflow tuned"]),
        how=f"{how}, as MLflow's; with one connection that answers {rates['mlflow tuned, one connection']:.0f}/s",
    )  # fmt: skip
    yield Measure(
        name="… beside an empty route", value=rates["ours"], unit="requests/s", digits=0,
        goal=Goal(kind="at least", limit=round(rates["empty"] / 4, 1), because="a quarter of the route's"),
        peer=Peer(name="an empty FastAPI route, as its server starts it", value=rates["empty"]),
        how=f"{how}, the route the one that its server starts by itself",
    )  # fmt: skip
    yield Measure(
        name="… beside an empty route with as many processes", value=rates["ours"], unit="requests/s", digits=0,
        peer=Peer(name=f"an empty FastAPI route, {_CORES} processes", value=rates["empty tuned"]),
        how=f"{how}, as the route; the load generator has its share of the {_CORES} cores in all of these",
    )  # fmt: skip


def _recommendation(port: int, served: Served) -> Measure:
    taken = []
    for _ in range(_ROUNDS):
        seen = _open(port, served.list)
        assert set(seen.statuses) == {"200"}, seen.statuses
        taken.append(seen.quantile(0.99))
    return Measure(
        name=f"recommendation at {_RATE}/s, p99", value=statistics.median(taken), unit="ms", goal=_FAST,
        how=f"ten items with reasons for {len(served.list)} known households of one market, one after another; as "
        f"credit; median of {_ROUNDS} rounds, of {min(taken):.1f} to {max(taken):.1f}",
    )  # fmt: skip


def _overload(port: int, served: Served, highest: float) -> Iterator[Measure]:
    rate = 2 * highest
    seen = run(Load(port=port, requests=served.decide, connections=256, rate=rate, seconds=2 * _SECONDS))
    others = sum(seen.statuses.values()) - seen.answered
    said = f"{rate:,.0f} requests/s, twice the highest rate, {2 * _SECONDS:g} s, 256 connections"
    yield Measure(
        name="answers under twice the highest rate", value=seen.rate, unit="requests/s", digits=0,
        goal=Goal(kind="at least", limit=round(highest / 3, 1), because="a third of the highest: no collapse"),
        peer=Peer(name="the highest rate", value=highest),
        how=f"{said}; the load generator itself takes more of the cores than at the highest rate",
    )  # fmt: skip
    yield Measure(
        name="… refused otherwise than by 503 with Retry-After", value=others - seen.retry_after + seen.broken,
        unit="requests", digits=0, goal=Goal(kind="at most", limit=0),
        how=f"of {others} that were refused; {seen.unanswered} had no answer {_patience()} after the end",
    )  # fmt: skip
    calm = run(Load(port=port, requests=served.decide, connections=32, rate=100, seconds=3))
    yield Measure(
        name="… p99 afterwards", value=calm.quantile(0.99), unit="ms", goal=_FAST,
        how="at 100 requests/s, just after the overload",
    )  # fmt: skip


def _swaps(port: int, served: Served, say: Say) -> Measure:
    say(f"· {_SWAPS_REQUESTS:,} requests while models are exchanged …")
    load = started(Load(port=port, requests=served.decide, connections=_CONNECTIONS, seconds=600, most=_SWAPS_REQUESTS))
    swaps = 0
    while load.process.poll() is None:
        time.sleep(_SWAP_SECONDS)
        swaps += 1
        served.say(1 + swaps % 2, 1 + swaps)
    seen = finished(load)
    return Measure(
        name="errors while models are exchanged", value=errors(seen), unit="requests", digits=0,
        goal=Goal(kind="at most", limit=0),
        how=f"of {sum(seen.statuses.values()):,} requests over {_CONNECTIONS} connections, during {swaps} exchanges of "
        f"two versions: no answer, another status than 200, or a version that is not its sequence's; "
        f"{_late(seen)} came too late and were the fall-back's",
    )  # fmt: skip


def errors(seen: Seen) -> int:
    """Return how many requests had no right answer while versions 1 and 2 took turns by sequence."""
    wrong = sum(
        count
        for said, count in seen.said.items()
        if (each := said.split())[0] == "champion" and int(each[1]) != 1 + (int(each[2]) - 1) % 2
    )
    return sum(seen.statuses.values()) - seen.answered + seen.broken + seen.unanswered + wrong


def _late(seen: Seen) -> int:
    return sum(count for said, count in seen.said.items() if said.startswith("fallback"))


def _closed(port: int, requests: list[str], *, seconds: float = _SECONDS, connections: int = _CONNECTIONS) -> Seen:
    return run(Load(port=port, requests=requests, connections=connections, seconds=seconds))


def _open(port: int, requests: list[str]) -> Seen:
    return run(Load(port=port, requests=requests, connections=2 * _CONNECTIONS, rate=_RATE, seconds=_SECONDS))


def _patience() -> str:
    return "30 s"
