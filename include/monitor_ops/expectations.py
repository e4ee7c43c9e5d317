"""What a loop ought to have done in a scenario, and whether it did: plain sentences with what was seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from include.monitor_ops.timeline import Kind, Moment, Step, Timeline
from include.monitoring.kinds import Cause
from include.scenario import ScenarioName

_FEW = 3
_LOUD: tuple[Kind, ...] = ("asked", "called")


@dataclass(frozen=True)
class Expectation:
    """One thing that was expected.

    Args:
        expected: What, in words.
        seen: What was seen instead, or as a proof.
        holds: Whether it was so.
    """

    expected: str
    seen: str
    holds: bool


def expectations(timeline: Timeline) -> list[Expectation]:
    """Return what was expected of a loop, and what was seen."""
    checks = _EXPECTED[timeline.scenario](timeline)
    return checks if timeline.scenario == "calm" else [*_quiet_before(timeline), *checks]


def _quiet_before(timeline: Timeline) -> list[Expectation]:
    asked, called = ([each for each in timeline.of(kind) if each.day < timeline.changed_from] for kind in _LOUD)
    return [
        Expectation("no training is asked for before anything happens", _days(asked), not asked),
        Expectation("nobody is called before anything happens", _days(called), not called),
    ]


def _calm(timeline: Timeline) -> list[Expectation]:
    asked, called, stopped = timeline.of("asked"), timeline.of("called"), timeline.of("switched", "taken back")
    silent = [each for each in timeline.steps if not each.verdict and each.last_day <= timeline.judged_until]
    return [
        Expectation("every window is judged", _windows(silent, "without a word"), not silent),
        Expectation("the monitor asks for no training", _days(asked), not asked),
        Expectation("nobody is called", _days(called), not called),
        Expectation("nothing is switched off or taken back", _days(stopped), not stopped),
    ]


def _drift(timeline: Timeline) -> list[Expectation]:
    return [*_named(timeline, "environment"), _no_fault(timeline), _trained(timeline)]


def _data_fault(timeline: Timeline) -> list[Expectation]:
    learned = [each for each in timeline.of("asked", "trained") if each.day >= timeline.changed_from]
    calls = [each for each in timeline.of("called") if each.day >= timeline.changed_from]
    stops = [each for each in _after(timeline) if each.verdict == "stop"]
    seen = _windows(stops, "stopped") if stops else f"refused: {_days(calls)}"
    return [
        Expectation("nothing is trained on it", _days(learned), not learned),
        Expectation("it stops", seen, bool(stops or calls)),
        Expectation("people are called", _days(calls), bool(calls)),
        *(_named(timeline, "values", "delivery") if stops else []),
    ]


def _selection_bias(timeline: Timeline) -> list[Expectation]:
    return [*_named(timeline, "selection"), _no_fault(timeline)]


def _concept_change(timeline: Timeline) -> list[Expectation]:
    early = [each for each in timeline.of("asked") if timeline.changed_from <= each.day < timeline.truth_from]
    return [
        Expectation("no training before the truth can show it", _days(early), not early),
        *_named(timeline, "concept"),
        _no_fault(timeline),
        _trained(timeline),
    ]


_EXPECTED: dict[ScenarioName, Callable[[Timeline], list[Expectation]]] = {
    "calm": _calm,
    "drift": _drift,
    "data-fault": _data_fault,
    "selection-bias": _selection_bias,
    "concept-change": _concept_change,
}


def _named(timeline: Timeline, *causes: Cause) -> list[Expectation]:
    """Return whether the change was seen, and whether its cause was named right at least once."""
    alarms = [each for each in _after(timeline) if each.alarm]
    asked = [each for each in timeline.of("asked") if each.day >= timeline.changed_from]
    seen = _windows(alarms, "with an alarm") if alarms else _days(asked)
    found = [Expectation("it is seen", seen, bool(alarms or asked))]
    named = [each for each in alarms if each.cause]
    if named:
        right = [each for each in named if each.cause in causes]
        said = ", ".join(dict.fromkeys(each.cause for each in named))
        found.append(Expectation(f"the cause is named: {' or '.join(causes)}", said, bool(right)))
    return found


def _no_fault(timeline: Timeline) -> Expectation:
    stops = [each for each in _after(timeline) if each.verdict == "stop"]
    return Expectation("it is not taken for a fault", _windows(stops, "stopped"), not stops)


def _trained(timeline: Timeline) -> Expectation:
    asked = [each for each in timeline.of("asked", "trained") if each.day >= timeline.changed_from]
    return Expectation("it is trained for", _days(asked), bool(asked))


def _after(timeline: Timeline) -> list[Step]:
    return [each for each in timeline.steps if each.last_day >= timeline.changed_from]


def _windows(steps: list[Step], what: str) -> str:
    return _listed(f"{each.last_day} {what}" for each in steps)


def _days(moments: list[Moment]) -> str:
    return _listed(str(each.day) for each in moments)


def _listed(said: Iterable[str]) -> str:
    every = list(said)
    more = f" and {len(every) - _FEW} more" if len(every) > _FEW else ""
    return ", ".join(every[:_FEW]) + more if every else "none"
