"""What each role may do, once and as data: rights of FAB's own actions and resources, each with its reason.

A role is a list of rights; a right is a list of pairs that FAB checks. `plugins.access.accounts` writes them into the
database, `docs/access.md` shows them, and both are held to this file by tests. Administration is FAB's own role
`Admin`, which FAB itself keeps complete.
"""

from __future__ import annotations

from dataclasses import dataclass

from airflow.providers.common.compat.security.permissions import RESOURCE_ASSET, RESOURCE_ASSET_ALIAS
from airflow.providers.fab.www.security import permissions as fab

ADMIN = "Admin"
_READ, _MENU = fab.ACTION_CAN_READ, fab.ACTION_CAN_ACCESS_MENU
_CREATE, _EDIT, _DELETE = fab.ACTION_CAN_CREATE, fab.ACTION_CAN_EDIT, fab.ACTION_CAN_DELETE

Pair = tuple[str, str]


def _pairs(actions: tuple[str, ...], *resources: str) -> tuple[Pair, ...]:
    return tuple((action, resource) for resource in resources for action in actions)


@dataclass(frozen=True)
class Right:
    """Something a person may do, in words, and what FAB must grant for it."""

    name: str
    why: str
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Role:
    """A kind of person: what for, and with which rights."""

    name: str
    purpose: str
    rights: tuple[Right, ...]

    @property
    def pairs(self) -> frozenset[Pair]:
        """Return all that FAB must grant, and nothing else may be granted."""
        return frozenset(pair for right in self.rights for pair in right.pairs)


LOOK = Right(
    "see DAGs, runs, tasks and assets",
    "Whoever has a role works on runs or judges them, and the pages cannot be drawn without.",
    (
        *_pairs((_READ, _MENU), fab.RESOURCE_DAG, fab.RESOURCE_DAG_RUN, fab.RESOURCE_TASK_INSTANCE, RESOURCE_ASSET),
        *_pairs((_READ, _MENU), fab.RESOURCE_DAG_DEPENDENCIES, fab.RESOURCE_HITL_DETAIL, fab.RESOURCE_POOL),
        *_pairs((_READ,), fab.RESOURCE_DAG_VERSION, fab.RESOURCE_DAG_WARNING, RESOURCE_ASSET_ALIAS),
        # Every page asks which plugins have a part in it.
        *_pairs((_READ,), fab.RESOURCE_BACKFILL, fab.RESOURCE_WEBSITE, fab.RESOURCE_PLUGIN),
        *_pairs((_MENU,), fab.RESOURCE_BROWSE_MENU, fab.RESOURCE_DOCS, fab.RESOURCE_DOCS_MENU),
    ),
)
LOGS = Right(
    "read the logs of tasks",
    "A log says why a task failed or what it decided; it holds no personal data.",
    _pairs((_READ,), fab.RESOURCE_TASK_LOG),
)
XCOMS = Right(
    "read XComs",
    "They hold versions, counts and paths that lead on to MLflow, the tables and the journal; no personal data.",
    _pairs((_READ, _MENU), fab.RESOURCE_XCOM),
)
AUDIT_LOG = Right(
    "read the audit log",
    "Who watches others must see what they asked Airflow for; who works need not.",
    _pairs((_READ, _MENU), fab.RESOURCE_AUDIT_LOG),
)
CODE = Right(
    "see DAG code and import errors",
    "Who mends a DAG or judges what it does reads it; a trace may name hosts, so nobody else does.",
    _pairs((_READ,), fab.RESOURCE_DAG_CODE, fab.RESOURCE_IMPORT_ERROR),
)
PARTS = Right(
    "see providers and Airflow's own jobs",
    "They answer whether it is the platform that is at fault, and not the pipeline.",
    (
        *_pairs((_READ, _MENU), fab.RESOURCE_PROVIDER, fab.RESOURCE_JOB),
        *_pairs((_MENU,), fab.RESOURCE_ADMIN_MENU, fab.RESOURCE_PLUGIN),
    ),
)
SEE_VARIABLES = Right(
    "see variables",
    "A run may depend on them; values under a name like a secret's are masked.",
    _pairs((_READ, _MENU), fab.RESOURCE_VARIABLE),
)
SEE_CONNECTIONS = Right(
    "see connections",
    "Where a pipeline reads and writes is part of what it does; passwords are masked, and nothing can be changed.",
    _pairs((_READ, _MENU), fab.RESOURCE_CONNECTION),
)
RUN = Right(
    "trigger, pause, clear and edit runs",
    "This is the daily work. Nothing is deleted: a run is evidence.",
    (
        *_pairs((_EDIT,), fab.RESOURCE_DAG),
        *_pairs((_CREATE, _EDIT), fab.RESOURCE_DAG_RUN, fab.RESOURCE_TASK_INSTANCE, fab.RESOURCE_BACKFILL),
    ),
)
TUNE = Right(
    "change pools and variables",
    "How much runs at once is for those to say who watch it run.",
    (
        *_pairs((_CREATE, _EDIT, _DELETE), fab.RESOURCE_POOL),
        *_pairs((_READ, _MENU, _CREATE, _EDIT, _DELETE), fab.RESOURCE_VARIABLE),
        *_pairs((_MENU,), fab.RESOURCE_ADMIN_MENU),
    ),
)
ANSWER = Right(
    "answer approvals assigned by name",
    "A spec names its approvers; who is not named is refused in spite of this right, an administrator too.",
    _pairs((_EDIT,), fab.RESOURCE_HITL_DETAIL),
)

RIGHTS = (LOOK, LOGS, XCOMS, AUDIT_LOG, CODE, PARTS, SEE_VARIABLES, SEE_CONNECTIONS, RUN, TUNE, ANSWER)

OPERATOR = Role(
    "operator",
    "Runs the pipelines and sees them through.",
    (LOOK, LOGS, XCOMS, SEE_VARIABLES, RUN, TUNE, ANSWER),
)
ENGINEER = Role(
    "engineer",
    "Builds the pipelines, and looks for faults in them and below them.",
    (*OPERATOR.rights, CODE, PARTS, SEE_CONNECTIONS),
)
REVIEWER = Role(
    "reviewer",
    "Judges models and answers for them; starts and changes nothing, so that nobody approves their own work.",
    (LOOK, LOGS, XCOMS, AUDIT_LOG, CODE, PARTS, SEE_VARIABLES, SEE_CONNECTIONS, ANSWER),
)
AUDITOR = Role(
    "auditor",
    "Finds out afterwards who did what; changes nothing.",
    (LOOK, LOGS, XCOMS, AUDIT_LOG),
)

ROLES = (OPERATOR, ENGINEER, REVIEWER, AUDITOR)
ROLE_OF = {**{role.name: role.name for role in ROLES}, "admin": ADMIN}
"""Which role each account has that a deployment begins with."""
