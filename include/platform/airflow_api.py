"""Airflow's public REST API, as far as the door and the tests need it: trigger, watch, answer, read."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import os
import secrets
import time
from typing import Any

import requests

from include.errors import PermanentError, TransientError

DONE = ("success", "failed")
WAITING_STATE = "awaiting_input"
_ENDED = (*DONE, "skipped", "upstream_failed")
_TRIES, _PAUSE_SECONDS = 4, 1.0  # an embedded database that is being written answers "locked", and the API 500
_SILENCE_SECONDS = 300.0  # a server that has answered may be replaced, or be starved by what is waited for
_PAGE = 100  # the API gives no more at once, whatever it is asked for
_SETTLE_SECONDS = 2.0  # longer than a slot stays taken by a task that has ended


class Airflow:
    """Airflow's API as one user.

    One that has answered before is waited for through minutes of silence; one that has not is soon said to be away.

    Args:
        url: Where it answers.
        user: The account.
        password: Its password.
        page: Where a browser finds Airflow, if that is elsewhere.
        patience: Seconds after which nobody waits for a run any longer.
        pause: Seconds from one look to the next of whoever waits; many who wait at once look less often.
    """

    def __init__(
        self, url: str, user: str, password: str, *, page: str = "", patience: float = 1800, pause: float = 0.3
    ) -> None:
        self.url, self.user, self._password, self._page = url, user, password, page or url
        self.patience, self.pause = patience, pause
        self._session = requests.Session()
        self._session.trust_env = False
        self._heard = -math.inf

    @staticmethod
    def health(url: str) -> dict[str, str]:
        """Return the state of the api, scheduler, dag_processor and triggerer; empty where nobody answers."""
        session = requests.Session()
        session.trust_env = False
        try:
            found = session.get(f"{url}/api/v2/monitor/health", timeout=3)
            answer = found.json() if found.ok else {}
        except (requests.RequestException, ValueError):
            return {}
        states = {name: each["status"] or "no heartbeat yet" for name, each in answer.items() if name != "metadatabase"}
        return {"api": answer["metadatabase"]["status"], **states}

    def get(self, path: str, **params: Any) -> Any:
        """Return the JSON of a GET."""
        return self._ask("GET", path, params=params)

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        """Return the JSON of a PATCH."""
        return self._ask("PATCH", path, json=body)

    def trigger(self, dag_id: str, *, partition_key: str | None = None, conf: dict[str, Any] | None = None) -> str:
        """Start a run, and return its id; a DAG without partitions takes no key."""
        # An id of ours makes a repeated call the same call: a run is started once, whatever becomes of the answer.
        run_id = f"manual__{dt.datetime.now(dt.UTC).isoformat()}_{secrets.token_hex(4)}"
        keyed = {"partition_key": partition_key} if partition_key else {}
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf or {}, **keyed}
        self._ask("POST", f"dags/{dag_id}/dagRuns", json=body)
        return run_id

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """Return one run."""
        return dict(self.get(f"dags/{dag_id}/dagRuns/{run_id}"))

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Return the newest runs of a DAG, the newest first."""
        return list(self.get(f"dags/{dag_id}/dagRuns", order_by="-id", limit=20)["dag_runs"])

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return the task instances of a run."""
        return self._all(f"dags/{dag_id}/dagRuns/{run_id}/taskInstances", "task_instances")

    def task(self, dag_id: str, run_id: str, task_id: str) -> dict[str, Any]:
        """Return one unmapped task instance."""
        return next(each for each in self.tasks(dag_id, run_id) if each["task_id"] == task_id)

    def xcom(self, dag_id: str, run_id: str, task_id: str) -> str:
        """Return what an unmapped task has returned."""
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value"
        return str(self.get(path)["value"])

    def wait_for_dags(self, wanted: set[str], *, seconds: float = 90) -> None:
        """Wait until DAGs are known and switched on.

        Raises:
            PermanentError: a DAG file does not import, and this account may read why; the sentence carries its error.
            TransientError: they do not turn up.
        """
        deadline = time.monotonic() + seconds
        while True:
            late = time.monotonic() > deadline
            if not (missing := self._missing(wanted, exactly=late)):
                return
            if errors := self._import_errors():
                raise PermanentError(
                    expected="every DAG file to import",
                    seen=_last_line(errors[0]),
                    where=errors[0]["filename"],
                    next_step="mend the file; Airflow reads it again within seconds",
                )
            if late:
                raise TransientError(
                    expected=f"the DAGs {sorted(wanted)}",
                    seen=f"no {', '.join(sorted(missing))} after {seconds:.0f} s",
                    where=self.url,
                    next_step="read `./flightdeck logs dag-processor`; see whether a DAG is paused",
                )
            time.sleep(self.pause)

    def clear(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Have a task and all behind it run again, as on its page."""
        body = {"dry_run": False, "dag_run_id": run_id, "task_ids": [task_id], "include_downstream": True,
                "only_failed": False, "reset_dag_runs": True}  # fmt: skip
        self._ask("POST", f"dags/{dag_id}/clearTaskInstances", json=body)

    def answer(self, dag_id: str, run_id: str, task_id: str, choice: str, **params: Any) -> None:
        """Answer a request for approval as this user, and see the answer taken.

        A worker takes it, so where all are busy it waits in the queue as any other task does.
        Airflow loses an answer that comes before its scheduler has seen the asking process end: that try fails, and
        the next one asks again. So the answer is given as often as it is asked for.

        Raises:
            PermanentError: this user may not answer, or nothing is asked.
            TransientError: the task has not taken the answer when patience ended.
        """
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/-1/hitlDetails"
        answered, deadline = 0, time.monotonic() + self.patience
        while (task := self.task(dag_id, run_id, task_id))["state"] not in _ENDED or not answered:
            if not answered or (task["state"] == WAITING_STATE and task["try_number"] > answered):
                time.sleep(_SETTLE_SECONDS)
                self.patch(path, {"chosen_options": [choice], "params_input": params})
                answered = task["try_number"]
            if time.monotonic() > deadline:
                raise TransientError(
                    expected=f"{task_id} to take the answer",
                    seen=f"state {task['state']} after {self.patience:.0f} s",
                    where=self.page(dag_id, run_id, task_id),
                    next_step="see `./flightdeck logs scheduler`, then answer on that page",
                )
            time.sleep(self.pause)

    def request(self, dag_id: str, run_id: str, task_id: str) -> dict[str, Any]:
        """Return a request for approval: subject, body, answer."""
        return dict(self.get(f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/-1/hitlDetails"))

    def failure(self, dag_id: str, run_id: str) -> str:
        """Return what the first failed task of a run said last, and where its page is."""
        for task in self.tasks(dag_id, run_id):
            if task["state"] != "failed":
                continue
            path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task['task_id']}/logs/{task['try_number']}"
            content = self.get(path, map_index=task["map_index"]).get("content", [])
            said = [str(each.get("event", "")) for each in content if each.get("level") in ("error", "critical")]
            own = [event for event in said if ". Next: " in event and not event.startswith("INCIDENT")]
            sentence = (own or said or ["no word"])[-1]
            return f"{dag_id}.{task['task_id']}: {sentence}\n{self.page(dag_id, run_id, task['task_id'])}"
        return f"{dag_id} {run_id} failed\n{self.page(dag_id, run_id)}"

    def page(self, dag_id: str, run_id: str, task_id: str = "") -> str:
        """Return the address of a run's or a task's page."""
        page = f"{self._page}/dags/{dag_id}/runs/{run_id}"
        return f"{page}/tasks/{task_id}" if task_id else page

    def _missing(self, wanted: set[str], *, exactly: bool) -> set[str]:
        """Return which DAGs are not switched on; unless exactly, all of them while there are too few."""
        prefix = os.path.commonprefix(sorted(wanted))  # noqa: RUF071 - of names, not of paths
        theirs = {"paused": False, "dag_id_prefix_pattern": prefix}
        if not exactly and self.get("dags", limit=1, **theirs)["total_entries"] < len(wanted):
            return wanted
        return wanted - {each["dag_id"] for each in self._all("dags", "dags", **theirs)}

    def _import_errors(self) -> list[dict[str, Any]]:
        """Return the errors of DAG files that do not import; none to an account that may not read them.

        A file that was removed while it waited to be parsed has one as well, until Airflow looks at the folder again.
        """
        answer, _ = self._answered("GET", "importErrors")
        errors = answer.json()["import_errors"] if answer.ok else []
        return [each for each in errors if not _of_a_removed_file(each)]

    def _all(self, path: str, what: str, **params: Any) -> list[dict[str, Any]]:
        """Return what a list has on all of its pages."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.get(path, limit=_PAGE, offset=len(found), **params)
            found += page[what]
            if len(found) >= page["total_entries"] or not page[what]:
                return found

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        answer, tried = self._answered(method, path, **more)
        if answer.status_code >= 500:
            raise TransientError(
                expected=f"{method} {path} to be answered",
                seen=f"{answer.status_code}, {_TRIES} times: {answer.text[:500]}",
                where=self.url,
                next_step="read `./flightdeck logs api-server`; a locked database passes by itself",
            )
        if answer.status_code == 409 and tried > 1:
            return None  # what was answered with an error, or not at all, had been done after all
        if not answer.ok:
            raise PermanentError(
                expected=f"{method} {path} to be accepted for {self.user}",
                seen=f"{answer.status_code}: {answer.text[:500]}",
                where=self.url,
                next_step="read what Airflow says; a 403 is a right that this account lacks",
            )
        return answer.json() if answer.content else None

    def _answered(self, method: str, path: str, **more: Any) -> tuple[requests.Response, int]:
        """Return what a request came to when it was sent often enough, and how often that was."""
        for tried in itertools.count(1):
            try:
                answer = self._authorized(method, path, **more)
            except TransientError:
                if tried >= _TRIES and time.monotonic() - self._heard > _SILENCE_SECONDS:
                    raise
            else:
                if answer.status_code < 500 or tried >= _TRIES:
                    break
            time.sleep(_PAUSE_SECONDS)
        return answer, tried

    def _authorized(self, method: str, path: str, **more: Any) -> requests.Response:
        """Send a request under a token, and once more under a new one where the token has run out."""
        for again in (True, False):
            if "Authorization" not in self._session.headers:
                self._log_in()
            answer = self._send(method, f"{self.url}/api/v2/{path}", **more)
            if answer.status_code == 401 and again:
                del self._session.headers["Authorization"]
            else:
                break
        return answer

    def _log_in(self) -> None:
        answer = self._send("POST", f"{self.url}/auth/token", json={"username": self.user, "password": self._password})
        if not answer.ok:
            raise PermanentError(
                expected=f"to log in as {self.user}",
                seen=f"{answer.status_code}: {answer.text[:200]}",
                where=self.url,
                next_step="see .flightdeck/passwords.json",
            )
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def _send(self, method: str, url: str, **more: Any) -> requests.Response:
        try:
            answer = self._session.request(method, url, timeout=30, **more)
        except requests.RequestException as error:
            raise TransientError(
                expected="an answer from Airflow", seen=str(error), where=url, next_step="see `./flightdeck status`"
            ) from error
        self._heard = time.monotonic()
        return answer


def _last_line(error: dict[str, Any]) -> str:
    return str(error["stack_trace"]).strip().splitlines()[-1]


def _of_a_removed_file(error: dict[str, Any]) -> bool:
    said = _last_line(error)
    return said.startswith("FileNotFoundError") and said.endswith(f"/{error['filename']}'")
