"""Promotions in processes of their own: killed in the middle, and two at once."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from include.deployment.journal import Journal
from include.deployment.promotion import promote, reconcile
from include.governance.approvals import sign_and_store
from include.models import registry
from include.naming import model_name
from include.records import ModelRef
from include.use_cases.credit_risk import SPEC
from tests.services.deployment.helpers import AT, RUN, approval, registered

pytestmark = pytest.mark.usefixtures("stack")

ROOT = Path(__file__).parents[3]
# The child promotes; at the named place it is killed, as by the kernel, with no chance to tidy up.
CHILD = """
import os, signal, sys
from include.data.objects import ObjectStore
from include.deployment import promotion
from include.errors import StaleComparisonError
from include.models import registry
from include.use_cases.credit_risk import SPEC
from tests.services.deployment.helpers import AT

def killed(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def met(self, key, body, real=ObjectStore.put_if_absent):
    ObjectStore.put_if_absent = real
    print("decided", flush=True)
    sys.stdin.readline()
    return real(self, key, body)

version, run, place = sys.argv[1:]
if place == "meet at the entry":
    ObjectStore.put_if_absent = met
places = {
    "before the entry": (ObjectStore, "put_if_absent"),
    "between entry and alias": (registry, "set_alias"),
    "between alias and tag": (registry, "set_head_tag"),
}
if place in places:
    setattr(*places[place], killed)
ref = registry.model_ref(promotion.model_name(SPEC.name), int(version))
print("ready", flush=True)
sys.stdin.readline()
try:
    print("promoted", promotion.promote(SPEC, ref, key="default", run=run, at=AT).entry.sequence)
except StaleComparisonError as error:
    print("stale", error)
"""


def start(version: ModelRef, run: str, place: str = "nowhere") -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", CHILD, str(version.version), run, place]
    return subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def go(children: list[subprocess.Popen[str]]) -> list[str]:
    """Let children that are ready promote at the same time, and return what they say."""
    proceed(children, "ready")
    return [child.communicate(timeout=60)[0].strip() for child in children]


def proceed(children: list[subprocess.Popen[str]], where: str) -> None:
    """Wait until all children are at a place, then let them go on."""
    assert [child.stdout.readline() for child in children] == [f"{where}\n"] * len(children)
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()


def killed(place: str) -> ModelRef:
    """Let a promotion be killed at a place, and return the version."""
    version = registered()
    sign_and_store(approval(version))
    child = start(version, RUN, place)
    assert go([child]) == [""]
    assert child.returncode == -signal.SIGKILL
    assert Journal(SPEC.name).verify().ok, "a tag behind the head is an honest crash"
    return version


def whole(version: ModelRef) -> None:
    """Check that the version was promoted once, and that MLflow shows it."""
    (entry,) = Journal(SPEC.name).entries()
    assert entry.state.of("default").champion == version
    assert registry.alias(model_name(SPEC.name), "champion") == version.version
    assert registry.head_tag(SPEC.name) == (1, entry.hash)
    assert reconcile(SPEC) == []


@pytest.mark.slow
def test_promotion_killed_before_its_mirror_is_repaired_and_its_repeat_finds_the_same_entry() -> None:
    version = killed("between entry and alias")
    (entry,) = Journal(SPEC.name).entries()
    assert registry.alias(model_name(SPEC.name), "champion") is None

    assert len(reconcile(SPEC)) == 2

    whole(version)
    assert promote(SPEC, version, key="default", run=RUN, at=AT).entry == entry
    whole(version)


@pytest.mark.parametrize("place", ["between alias and tag", pytest.param("before the entry", marks=pytest.mark.slow)])
def test_repeat_alone_finishes_what_the_kill_left(place: str) -> None:
    version = killed(place)

    assert promote(SPEC, version, key="default", run=RUN, at=AT).promoted

    whole(version)


def test_of_two_promotions_at_once_one_wins_and_the_other_is_stale() -> None:
    versions = [registered(), registered()]
    for version in versions:
        sign_and_store(approval(version, run=f"run/{version.version}"))

    children = [start(version, f"run/{version.version}", "meet at the entry") for version in versions]
    proceed(children, "ready")
    proceed(children, "decided")  # both have found everything in order, and have yet to write
    said = [child.communicate(timeout=60)[0].strip() for child in children]

    assert sorted(each.split()[0] for each in said) == ["promoted", "stale"]
    winner = versions[[each.startswith("promoted") for each in said].index(True)]
    whole(winner)
