"""Whether a worker's machine has the time that Airflow has: a program beside the worker, which ends where it has not.

Airflow counts a task's next try from the end that its worker reports, so one that is an hour ahead puts it off by an
hour; and S3 refuses what is signed a quarter of an hour beside its own time. Better no worker than such a one: its
tasks move to others within a minute, and it comes back when its clock is right.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import http.client
import socket
import sys
import time
import urllib.error
import urllib.request

from include.errors import PermanentError

ALLOWED_SECONDS = 60
_EVERY_SECONDS, _PATIENCE_SECONDS = 10, 5


def ahead(url: str) -> float | None:
    """Return the seconds by which this machine's clock is ahead of a service's; none where nothing answers.

    HTTP tells time to the second, and an answer may take some: it is good for minutes, and that is asked of it.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_PATIENCE_SECONDS) as answer:
            said = answer.headers["Date"]
    except urllib.error.HTTPError as error:
        said = error.headers["Date"]
    except (OSError, http.client.HTTPException):
        return None
    there = email.utils.parsedate_to_datetime(said) if said else None
    return (dt.datetime.now(dt.UTC) - there).total_seconds() if there else None


def check(url: str) -> None:
    """Compare this machine's clock with a service's; one that does not answer says nothing about a clock.

    Raises:
        PermanentError: they are more than a minute apart.
    """
    seconds = ahead(url)
    if seconds is not None and abs(seconds) > ALLOWED_SECONDS:
        raise PermanentError(
            expected=f"a clock within {ALLOWED_SECONDS} s of Airflow's",
            seen=f"{abs(seconds):.0f} s {'ahead' if seconds > 0 else 'behind'}",
            where=f"the worker on {socket.gethostname()}",
            next_step="set this machine's clock, or Airflow's if that is the wrong one, and see that its time service "
            "runs; the worker takes no task until then, and others do its work",
        )


def main(url: str) -> int:
    """Look again and again, and return where the clock is wrong."""
    while True:
        try:
            check(url)
        except PermanentError as error:
            print(error, file=sys.stderr, flush=True)
            return 1
        time.sleep(_EVERY_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
