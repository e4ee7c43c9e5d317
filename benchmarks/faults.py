"""What is lost when a machine dies, is cut off, has a full disk or a wrong clock, or is replaced: nothing may be.

A deployment of the benchmark's own, in containers, lives credit risk. At a moment that hurts something is done to it.
Then whoever would be on call does what they are told, and when all runs have ended the tables, the journal and the
registry are read: whether each delivered row is there once, and nothing is half done (``include.platform.soundness``).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from benchmarks.compose import Container
from benchmarks.harness import Goal, Measure, Peer, Say
from benchmarks.lab import RIGHT, Lab, deployment
from benchmarks.moments import BEFORE, DEPLOY, INGEST, MONITOR, SCORE, TRAIN, Ended, Life, Reached, now
from include.errors import FlightdeckError, PermanentError
from include.platform import cluster
from include.platform.soundness import findings
from include.use_cases.credit_risk import SPEC

PART = "FLIGHTDECK_FAULTS"  # a part of the names of those to try, where not all are
_CUT_SECONDS, _FULL_SECONDS, _LATE = 60, 60, "+3600"
_SOUND_SECONDS = 60
_GOAL = Goal(kind="at most", limit=0)
_ENDED_GOAL = Goal(kind="at most", limit=900, because="a quarter of an hour on a calm machine")
# What is done at a moment; it returns when the containers that it has killed had been started, by their id.
Strike = Callable[[Reached], Mapping[str, str]]


@dataclass(frozen=True)
class Moment:
    """When something is done: how to come there, and which DAGs must have had a run when all is over."""

    name: str
    reach: Callable[[Life], Reached]
    chain: tuple[str, ...]


WRITE = Moment("mid-write", Life.mid_write, (INGEST, SCORE, MONITOR))
SEARCH = Moment("mid-search", Life.mid_search, (TRAIN, DEPLOY))
FIT = Moment("mid-fit", Life.mid_fit, (TRAIN, DEPLOY))
PROMOTION = Moment("mid-promotion", Life.mid_promotion, (SCORE, MONITOR))


@dataclass
class Seen:
    """What a trial came to.

    Args:
        lost: What does not hold afterwards, one sentence each.
        healthy: Seconds from the fault until every service was healthy.
        ended: Seconds from the fault until every run had ended, or waited for a person.
        told: What the on-call read.
        tries: Tasks that were tried more than once.
    """

    lost: list[str] = field(default_factory=list)
    healthy: float = 0.0
    ended: float = 0.0
    told: list[str] = field(default_factory=list)
    tries: list[str] = field(default_factory=list)

    @property
    def how(self) -> str:
        """Return in words what the on-call read, what was tried again, and what was lost."""
        read = f"the on-call read: {' / '.join(self.told)}" if self.told else "nobody was called"
        again = f"tried more than once: {', '.join(self.tries)}" if self.tries else "each task was tried once"
        return "; ".join([read, again, *(["LOST: " + " / ".join(self.lost)] if self.lost else [])])


@dataclass(frozen=True)
class Trial:
    """Something that is done to the deployment, and what then is seen of it."""

    name: str
    run: Callable[[Life], Seen]


def measures(say: Say) -> Iterator[Measure]:
    """Yield for each fault what was lost, and how long it took until all was healthy and all runs had ended."""
    trials = wanted(os.environ.get(PART, ""))
    with deployment(before_days=BEFORE, say=say) as lab:
        life = Life(lab)
        life.begin()
        for trial in trials:
            say(f"· {trial.name} …")
            yield from _measured(trial.name, _tried(trial, life))


def wanted(part: str) -> list[Trial]:
    """Return the trials whose names have a part in them.

    Raises:
        PermanentError: none has.
    """
    if found := [trial for trial in TRIALS if part in trial.name]:
        return found
    raise PermanentError(
        expected="a part of a trial's name", seen=f"'{part}'", where=PART,
        next_step=f"take a part of one of these: {'; '.join(trial.name for trial in TRIALS)}",
    )  # fmt: skip


def _tried(trial: Trial, life: Life) -> Seen:
    """Return what a trial came to; one that cannot be brought to its end is a loss, and the next one is tried."""
    try:
        return trial.run(life)
    except FlightdeckError as error:
        return Seen(lost=[f"not tried to its end: {error}"])


def _measured(name: str, seen: Seen) -> Iterator[Measure]:
    yield Measure(
        name=name, value=len(seen.lost), unit="lost, doubled or half done", digits=0, goal=_GOAL, how=seen.how
    )
    yield Measure(
        name="… until all runs had ended", value=seen.ended, unit="s", digits=0, goal=_ENDED_GOAL,
        peer=Peer(name="until every service was healthy", value=seen.healthy),
        how="from the fault until every run had ended well or waited for a person, what was cleared included",
    )  # fmt: skip


def struck(life: Life, moment: Moment, aim: Callable[[Lab], Strike]) -> Seen:
    """Bring the deployment to a moment, hurt it, attend it until all has ended, and look what was lost.

    Args:
        life: A use case in the deployment.
        moment: When.
        aim: Makes ready what is then done; nothing may be looked up when the moment is there.
    """
    began, strike = now(), aim(life.lab)
    reached = moment.reach(life)
    at = time.monotonic()
    fresh = strike(reached)
    life.lab.until_well(fresh)
    healthy = time.monotonic() - at
    ended = life.attend(began, moment.chain)
    return _seen(life, moment, ended, healthy=healthy, after=time.monotonic() - at)


def killed(service: str) -> Callable[[Lab], Strike]:
    """Aim at the first process of a service; of the workers at the one that is at work."""

    def aim(lab: Lab) -> Strike:
        there = lab.containers(service)

        def strike(reached: Reached) -> Mapping[str, str]:
            victims = there if service != cluster.WORKER else [_at_work(there, reached)]
            lab.kill(victims)
            return {each.id: each.started for each in victims}

        return strike

    return aim


def _at_work(workers: Sequence[Container], reached: Reached) -> Container:
    for each in workers:
        if each.host == reached.host:
            return each
    raise PermanentError(
        expected=f"a worker called {reached.host}, where {reached.task_id} runs",
        seen=", ".join(each.host for each in workers),
        where="lab",
        next_step="see whether somebody else has changed the deployment",
    )


def cut_off(lab: Lab) -> Strike:
    """Aim at the net of the worker that is at work."""
    there = lab.containers(cluster.WORKER)

    def strike(reached: Reached) -> Mapping[str, str]:
        lab.cut(_at_work(there, reached), _CUT_SECONDS)
        return {}

    return strike


def filled(lab: Lab) -> Strike:
    """Aim at the disk of S3, which is full for a minute, until somebody makes space and restarts S3."""
    (store,) = lab.containers("s3")

    def strike(_: Reached) -> Mapping[str, str]:
        lab.fill()
        time.sleep(_FULL_SECONDS)
        lab.free()
        return {store.id: store.started}

    return strike


def upgraded(lab: Lab) -> Strike:
    """Aim at every service, one after another."""

    def strike(_: Reached) -> Mapping[str, str]:
        lab.upgrade()
        return {}

    return strike


def late(life: Life, moment: Moment) -> Seen:
    """Let the clock of the only worker jump while it is at work, have others come, and look what was lost.

    That worker has to say so and take nothing more, and to come back once its clock is right.
    """
    lab = life.lab
    with lab.one_worker() as worker:
        began = now()
        moment.reach(life)
        at = time.monotonic()
        lab.set_clock(_LATE)
        lab.workers(2)
        healthy = time.monotonic() - at
        ended = life.attend(began, moment.chain)
        after = time.monotonic() - at
        if "expected a clock within" not in lab.said(worker):
            ended.wrong.append("the worker whose clock is wrong went on")
        lab.set_clock(RIGHT)
        lab.until_well({worker.id: worker.started}, of=[worker.service])
        return _seen(life, moment, ended, healthy=healthy, after=after)


def _seen(life: Life, moment: Moment, ended: Ended, *, healthy: float, after: float) -> Seen:
    """Return what was lost once all is over, and take a promotion back for the next trial."""
    deadline = time.monotonic() + _SOUND_SECONDS
    while (lost := findings(SPEC, days=life.days)) and time.monotonic() < deadline:
        time.sleep(2)  # a run that an event is about to wake
    if moment is PROMOTION:
        life.take_back()
    return Seen([*ended.wrong, *lost], healthy, after, ended.told, ended.tries)


def _trial(fault: str, moment: Moment, aim: Callable[[Lab], Strike]) -> Trial:
    return Trial(f"{fault}, {moment.name}", partial(struck, moment=moment, aim=aim))


TRIALS = (
    *(
        _trial(f"kill -9 {service}", moment, killed(service))
        for service, moments in {
            cluster.WORKER: (WRITE, SEARCH, PROMOTION),
            "scheduler": (WRITE, FIT, PROMOTION),
            "api-server": (WRITE, FIT, PROMOTION),
            "mlflow": (FIT, PROMOTION),
            "s3": (WRITE, FIT, PROMOTION),
            cluster.POSTGRES: (WRITE, FIT, PROMOTION),
            cluster.VALKEY: (WRITE, FIT, PROMOTION),
        }.items()
        for moment in moments
    ),
    _trial("a worker cut off for a minute", WRITE, cut_off),
    _trial("a worker cut off for a minute", SEARCH, cut_off),
    *(
        Trial(f"the only worker's clock jumps an hour ahead, {moment.name}", partial(late, moment=moment))
        for moment in (WRITE, SEARCH, PROMOTION)
    ),
    _trial("another image under each service in turn", FIT, upgraded),
    _trial("S3's disk full for a minute", WRITE, filled),
    _trial("S3's disk full for a minute", FIT, filled),
)
