"""The commands of `./flightdeck`. Nothing but the standard library at the top: help must work before anything else."""

from __future__ import annotations

import argparse
import os
import sys

from include.platform.benchmarks import benchmarks
from include.scenario import SCENARIOS


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    top = argparse.ArgumentParser(
        prog="./flightdeck",
        description="Machine-learning models, run for real on Apache Airflow.",
        epilog="Every command can be repeated. Exit codes: 0 done, 1 failed, 2 wrong usage, 75 waiting for a person.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    up = _command(commands, "up", "start the platform, and run credit_risk once from raw rows to a champion")
    _approve_as(up)
    up.add_argument("--no-life", action="store_true", help="start the platform only")
    up.add_argument("--ports", type=int, metavar="FIRST", help="first of the 16 ports to use (default 28080)")

    _command(commands, "down", "stop what `up` has started, and nothing else")
    _command(commands, "status", "say what runs, where, and since when")
    logs = _command(commands, "logs", "print a component's log")
    logs.add_argument("component", nargs="?", help="s3, mlflow, scheduler, ...; none: list them")
    logs.add_argument("-n", "--lines", type=int, default=50, help="lines from the end (default 50)")

    test = _command(commands, "test", "linters and tests; fits fifteen minutes on two cores")
    test.add_argument("--all", action="store_true", help="also the slow and destructive tests")
    test.add_argument("pytest", nargs="*", help="arguments for pytest alone, behind `--`")

    run = _command(commands, "run", "land what is missing up to yesterday, train, deploy, score, monitor")
    run.add_argument("use_case")
    run.add_argument("--days", type=int, help="of a recording under its own dates: days to replay (28, or 14 nights)")
    listed = "; ".join(f"{name}: {about}" for name, about in SCENARIOS.items())
    run.add_argument(
        "--replay",
        choices=list(SCENARIOS),
        metavar="SCENARIO",
        help=f"replay recorded weeks on a new platform of its own, and check that the loop does the right thing; exit "
        f"code 1 where it does not. {listed}",
    )
    run.add_argument("--weeks", type=int, help="of `--replay`: how many (10 where truth comes a month late, else 4)")
    _approve_as(run)

    rollback = _command(commands, "rollback", "restore the champion before, in journal and alias")
    rollback.add_argument("use_case")
    rollback.add_argument("--why", required=True, help="the reason; lands in the journal")
    rollback.add_argument("--key", help="which of many models, e.g. a zone; default: the first")
    rollback.add_argument("--dry-run", action="store_true", help="say what would happen, change nothing")

    verify = _command(commands, "verify", "walk the journal's chain, and compare its head with MLflow's tag")
    verify.add_argument("use_case")

    history = _command(commands, "history", "what each version showed in each window, the newest last")
    history.add_argument("use_case")
    history.add_argument("--key", help="which of many models, e.g. a zone; default: all")
    history.add_argument("--last", type=int, default=20, metavar="N", help="windows from the end (default 20)")

    reproduce = _command(commands, "reproduce", "rebuild a version, and compare its predictions by digest")
    reproduce.add_argument("version", type=int, help="version in MLflow's registry")
    reproduce.add_argument("--use-case", default="credit_risk", help="default: credit_risk")
    reproduce.add_argument("--key", help="which of many models, e.g. a zone; default: the first")

    key_parser(_command(commands, "key", "make, list and revoke the keys that open the scoring service"))

    backup_parser(_command(commands, "backup", "copy the state of a platform in use into a folder"))
    restore = restore_parser(_command(commands, "restore", "fill an empty platform from a back-up, and verify it"))
    restore.add_argument("--ports", type=int, metavar="FIRST", help="first of the ports that this platform will use")

    bench = _command(commands, "bench", "run benchmarks; not zero where a number misses its goal")
    listed = "; ".join(f"{name}: {about}" for name, about in benchmarks().items())
    bench.add_argument("name", nargs="?", help=f"none: all of them, one after another. {listed}")
    bench.add_argument("--resume", action="store_true", help="go on with a run of NAME that was broken off")
    return top


def key_parser(command: argparse.ArgumentParser | None = None) -> argparse.ArgumentParser:
    """Return the command line of `key`; containers without a door have it too."""
    command = command or argparse.ArgumentParser(prog="key")
    what = command.add_subparsers(dest="what", required=True, metavar="WHAT")
    create = _command(what, "create", "make a key, and show it this once")
    create.add_argument("--scope", action="append", required=True, help="a use case that it opens; may be repeated")
    create.add_argument("--rate", type=float, default=100, help="requests a second that it may make for long (100)")
    create.add_argument("--burst", type=int, default=200, help="requests that it may make at once (200)")
    create.add_argument("--days", type=float, help="days after which it ends by itself; default: never")
    create.add_argument("--quiet", action="store_true", help="print the key alone, for scripts")
    _command(what, "list", "list the keys by id; nobody can list the keys themselves")
    revoke = _command(what, "revoke", "end a key for good")
    revoke.add_argument("id", help="the key's id, the middle part of fd_ID_…")
    return command


def backup_parser(command: argparse.ArgumentParser | None = None) -> argparse.ArgumentParser:
    """Return the command line of `backup`; containers without a door have it too."""
    command = command or argparse.ArgumentParser(prog="backup")
    command.add_argument("folder", help="a folder that is not there yet; it will hold all but the secrets")
    return _elsewhere(command)


def restore_parser(command: argparse.ArgumentParser | None = None) -> argparse.ArgumentParser:
    """Return the command line of `restore`; containers without a door have it too."""
    command = command or argparse.ArgumentParser(prog="restore")
    command.add_argument("folder", help="a back-up; the secrets that belong to it must be in place")
    command.add_argument("--dry-run", action="store_true", help="check all, say what would be written, write nothing")
    return _elsewhere(command)


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    given = parser().parse_args(arguments)
    from include.platform import commands

    return commands.run(given)


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str
) -> argparse.ArgumentParser:
    return commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")


def _elsewhere(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    group = command.add_argument_group(
        "another deployment than the one on this machine",
        "S3, its bucket and the journal's key are then those of the environment (docs/backup.md). A URL may also be "
        "given as FLIGHTDECK_AIRFLOW_DATABASE and FLIGHTDECK_MLFLOW_DATABASE, which keeps its password out of sight.",
    )
    for name in ("airflow", "mlflow"):
        default = os.environ.get(f"FLIGHTDECK_{name.upper()}_DATABASE", "")
        group.add_argument(f"--{name}-database", metavar="URL", default=default, help=f"database of {name.title()}")
    group.add_argument(
        "--mlflow-bucket", metavar="NAME", default="mlflow", help="bucket of MLflow's artifacts (mlflow)"
    )
    return command


def _approve_as(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--approve-as",
        metavar="USER",
        help="answer the approval as this account of the embedded platform; the journal marks it as unattended",
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
