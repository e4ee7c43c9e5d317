"""What each command of the door does."""

from __future__ import annotations

import argparse
import datetime as dt
import getpass
import importlib
import uuid

from rich.console import Console

from include.catalog import classification, use_case
from include.errors import FlightdeckError
from include.forecast import Forecast
from include.platform.benchmarks import benchmarks
from include.platform.bootstrap import HOME, NotReadyError
from include.platform.embedded import Platform
from include.recommendation import Recommendation

WAITING = 75
_FORECAST_DAYS, _NIGHTS = 28, 14
console = Console(highlight=False)
_errors = Console(stderr=True, highlight=False, style="red", soft_wrap=True, markup=False)


def run(given: argparse.Namespace) -> int:
    """Run a command; an error is one sentence, and a code that is not zero."""
    try:
        return int(globals()[f"_{given.command}"](given))
    except (NotReadyError, FlightdeckError) as error:
        _errors.print(str(error))
        return 1
    except OSError as error:
        _errors.print(f"The machine refused: {error}. Next: see the room on the disk and the rights of {HOME}")
        return 1
    except KeyboardInterrupt:
        console.print("stopped by hand; nothing is half-done, repeat the command to go on")
        return 130


def _platform() -> Platform:
    return Platform(say=_say)


def _say(text: str) -> None:
    console.print(text, soft_wrap=True, markup=False)


def _up(given: argparse.Namespace) -> int:
    platform = _platform()
    seconds = platform.up(first_port=given.ports)
    console.print(f"· healthy after {seconds:.0f} s")
    if given.no_life:
        return 0 if _status(given) == 0 else 1
    platform.enter()
    return _life(platform, "credit_risk", given.approve_as, again=False)


def _run(given: argparse.Namespace) -> int:
    if given.replay:
        return _scenario(given)
    platform = _platform()
    platform.enter()
    spec = use_case(given.use_case)
    if isinstance(spec, Forecast):
        return _replay(platform, spec, given.days or _FORECAST_DAYS)
    if isinstance(spec, Recommendation):
        return _replay_nights(platform, spec, given.days or _NIGHTS)
    return _life(platform, given.use_case, given.approve_as, again=True)


def _life(platform: Platform, name: str, approve_as: str | None, *, again: bool) -> int:
    from include.deployment.journal import Journal
    from include.platform import show
    from include.platform.life import live, may_ask

    spec = classification(name)
    if not again and Journal(spec.name).head() is not None:
        show.champion(console, platform, spec, {})
        console.print(f"`./flightdeck run {name}` trains and deploys anew.")
        return 0
    life = live(platform, spec, approve_as=approve_as, ask=may_ask())
    if life.waiting:
        console.print(f"Waiting for a person's answer: {life.waiting}", soft_wrap=True)
        return WAITING
    show.champion(console, platform, spec, life.runs)
    if life.skipped:
        console.print(f"{life.skipped}: {platform.airflow().page(f'{name}_deploy', life.runs[f'{name}_deploy'])}")
    console.print(f"life took {life.seconds:.0f} s, of which the approval waited {life.approval_seconds:.0f} s")
    return 0


def _replay(platform: Platform, spec: Forecast, days: int) -> int:
    from include.forecast_ops.timeline import publish_timeline
    from include.platform import show
    from include.platform.replay import replay

    first, last = replay(platform, spec, days=days)
    console.print("· drawing the timeline …")
    show.timeline(console, spec, publish_timeline(spec, first_day=first, last_day=last))
    return 0


def _replay_nights(platform: Platform, spec: Recommendation, nights: int) -> int:
    from include.platform import show
    from include.platform.nights import replay_nights
    from include.recommend_ops.timeline import publish_timeline

    first, last = replay_nights(platform, spec, nights=nights)
    console.print("· drawing the timeline …")
    show.nights(console, spec, publish_timeline(spec, first_day=first, last_day=last))
    return 0


def _scenario(given: argparse.Namespace) -> int:
    from include.platform import show
    from include.platform.scenarios import planned, replay_scenario

    spec = use_case(given.use_case)
    plan = planned(spec, given.replay, weeks=given.weeks)
    found = replay_scenario(spec, plan, HOME / "replays" / f"{spec.name}-{given.replay}", say=_say)
    show.outcome(console, found)
    return 0 if found.right else 1


def _down(given: argparse.Namespace) -> int:
    stopped = _platform().down()
    console.print(f"stopped {', '.join(stopped)}" if stopped else "nothing ran")
    return 0


def _status(given: argparse.Namespace) -> int:
    from include.platform import show

    return 0 if show.statuses(console, _platform()) else 1


def _logs(given: argparse.Namespace) -> int:
    folder = _platform().home.folder / "logs"
    names = sorted(path.stem for path in folder.glob("*.log"))
    if given.component not in names:
        console.print(f"logs of: {', '.join(names) or 'nothing yet'}")
        return 0 if given.component is None else 1
    lines = (folder / f"{given.component}.log").read_text(errors="replace").splitlines()
    console.print("\n".join(lines[-given.lines :]), markup=False, soft_wrap=True)
    return 0


def _test(given: argparse.Namespace) -> int:
    from include.platform.checks import run_checks

    return run_checks(everything=given.all, only=given.pytest, console=console)


def _rollback(given: argparse.Namespace) -> int:
    platform = _platform()
    platform.enter()
    from include.deployment.promotion import rollback

    spec = use_case(given.use_case)
    outcome = rollback(
        spec,
        key=given.key or spec.keys[0],
        who=getpass.getuser(),
        why=given.why,
        request_id=f"door/{uuid.uuid4()}",
        at=dt.datetime.now(dt.UTC),
        dry_run=given.dry_run,
    )
    console.print(outcome.reason)
    return 0


def _verify(given: argparse.Namespace) -> int:
    _platform().enter()
    from include.platform import show

    return 0 if show.journal(console, use_case(given.use_case)) else 1


def _history(given: argparse.Namespace) -> int:
    _platform().enter()
    from include.platform import history

    history.show(console, use_case(given.use_case), key=given.key, last=given.last)
    return 0


def _reproduce(given: argparse.Namespace) -> int:
    _platform().enter()
    spec = use_case(given.use_case)
    console.print(f"· rebuilding {given.use_case} v{given.version} …")
    if isinstance(spec, Forecast):
        from include.forecast_ops.reproduce import reproduce as rebuilt_series

        found = rebuilt_series(spec, given.key or spec.keys[0], given.version)
    elif isinstance(spec, Recommendation):
        from include.recommend_ops.reproduce import reproduce as rebuilt_market

        found = rebuilt_market(spec, given.key or spec.keys[0], given.version)
    else:
        from include.models.reproduce import reproduce

        found = reproduce(classification(given.use_case), given.version)
    console.print(found.sentence)
    return 0 if found.identical else 1


def _key(given: argparse.Namespace) -> int:
    platform = _platform()
    platform.enter()
    from include.platform import keys
    from include.platform.components import SERVING

    return keys.run(given, console, platform.home.folder / SERVING)


def _backup(given: argparse.Namespace) -> int:
    from include.platform import recovery

    return recovery.back_up(given, _platform(), say=_say)


def _restore(given: argparse.Namespace) -> int:
    from include.platform import recovery

    return recovery.bring_back(given, _platform(), say=_say)


def _bench(given: argparse.Namespace) -> int:
    names = list(benchmarks())
    if given.name and given.name not in names:
        console.print(f"no benchmark '{given.name}'; there are {', '.join(names)}")
        return 2
    if given.resume and not given.name:
        console.print("--resume goes on with one benchmark; name it")
        return 2
    harness = importlib.import_module("benchmarks.harness")
    held = True
    for name in [given.name] if given.name else names:
        try:
            held &= harness.run(name, console, resume=given.resume)
        except FlightdeckError as error:  # what this machine cannot measure keeps it from measuring nothing else
            console.print(f"{name} was not measured: {error}", soft_wrap=True, markup=False)
            held = False
    return 0 if held else 1
