"""The door's `key`: access keys of the scoring service, made, listed and revoked by who runs the platform."""

from __future__ import annotations

import argparse
import datetime as dt
import getpass
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from include.catalog import use_case
from include.errors import PermanentError
from include.serving import keys
from include.serving.view import View, read_view

_PATIENCE_SECONDS = 10.0
_POLL_SECONDS = 0.1
_WORKERS_SECONDS = 0.6  # in which each worker looks at the view some times
_FRESH = dt.timedelta(seconds=10)


def run(given: argparse.Namespace, console: Console, home: Path) -> int:
    """Do what was asked, and return the exit code.

    Args:
        given: The command line of ``door.key_parser``.
        console: Where words go.
        home: Folder of the scoring service, to wait until it knows.
    """
    return {"create": _create, "list": _list, "revoke": _revoke}[given.what](given, console, home)


def _create(given: argparse.Namespace, console: Console, home: Path) -> int:
    for name in given.scope:
        _check_served(name)
    now = dt.datetime.now(dt.UTC)
    expires = now + dt.timedelta(days=given.days) if given.days is not None else None
    plain, made = keys.create(
        given.scope, rate=given.rate, burst=given.burst, expires=expires, who=getpass.getuser(), at=now
    )
    known = _known(home, made.id, wanted=True)
    if given.quiet:
        print(plain)
        return 0
    console.print(f"{plain}", markup=False, soft_wrap=True)
    console.print(
        f"opens {', '.join(made.scopes)} until {f'{expires:%Y-%m-%d %H:%M} UTC' if expires else 'it is revoked'}; "
        f"{made.rate:g} requests a second, {made.burst} at once. Keep it: it is not shown again.",
        soft_wrap=True,
    )
    console.print("the service knows it" if known else "no scoring service runs here; the next one will know it")
    return 0


def _list(given: argparse.Namespace, console: Console, home: Path) -> int:
    found, now = keys.all_keys(), dt.datetime.now(dt.UTC)
    table = Table("id", "opens", "a second", "at once", "made", "state")
    table.columns[0].no_wrap = table.columns[1].no_wrap = True
    for key in found.keys:
        end = found.revoked.get(key.id)
        expired = key.expires_at is not None and key.expires_at <= now
        until = f"until {key.expires_at:%Y-%m-%d %H:%M}" if key.expires_at else "valid"
        state = f"revoked {end.at:%Y-%m-%d} by {end.who}" if end else "expired" if expired else until
        made = f"{key.at:%Y-%m-%d} by {key.who}"
        table.add_row(key.id, "\n".join(key.scopes), f"{key.rate:g}", str(key.burst), made, state)
    console.print(table)
    for problem in found.problems:
        console.print(f"[red]{problem}[/red]", soft_wrap=True)
    return 1 if found.problems else 0


def _revoke(given: argparse.Namespace, console: Console, home: Path) -> int:
    end = keys.revoke(given.id, who=getpass.getuser(), at=dt.datetime.now(dt.UTC))
    known = _known(home, given.id, wanted=False)
    console.print(
        f"{end.id} was revoked on {end.at:%Y-%m-%d %H:%M} UTC by {end.who}; "
        f"{'the service refuses it' if known else 'no scoring service runs here'}"
    )
    return 0


def _check_served(name: str) -> None:
    if use_case(name).serving is None:
        raise PermanentError(
            expected="a use case that the scoring service serves", seen=f"'{name}', whose spec has no 'serving'",
            where="scope of an access key", next_step="choose another one, or add Serving(...) to its spec",
        )  # fmt: skip


def _known(home: Path, key: str, *, wanted: bool) -> bool:
    """Wait until the service here knows a key, or no longer does, and return whether it has come to that."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (view := _fresh(home)) is not None and time.monotonic() < deadline:
        if (key in {each.id for each in view.access}) == wanted:
            time.sleep(_WORKERS_SECONDS)
            return True
        time.sleep(_POLL_SECONDS)
    return False


def _fresh(home: Path) -> View | None:
    """Return the view of a service that runs, none where none does."""
    try:
        view = read_view(home)
    except (OSError, ValueError):
        return None
    fresh = view is not None and dt.datetime.now(dt.UTC) - view.written_at < _FRESH
    return view if fresh else None
