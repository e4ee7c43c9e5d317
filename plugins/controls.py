"""DAGs with which a person takes a deployment into their own hands: forms that end in one journal entry each."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Param

from include.spec import UseCase
from plugins.defaults import dag_defaults
from plugins.operators.controls import ALL, ItemRulesOperator, PinOperator, SwitchOperator

_BY_HAND = "By hand only. Lands in the deployment journal with your name; the scoring service follows in seconds."


def switch(spec: UseCase) -> DAG:
    """Return the switch of a use case: off lets the fall-back answer alone, on the models again."""
    with DAG(
        **dag_defaults(spec, "switch"),
        schedule=None,
        description="Switch a use case's models off or on; off, the fall-back answers and says why",
        doc_md=f"### Switch {spec.title} off or on\n{_BY_HAND}",
        params={
            "switch": Param("off", type="string", enum=["off", "on"], title="Switch"),
            "key": _key(spec, everything=True),
            **_common(),
        },
    ) as dag:
        SwitchOperator(task_id="switch", use_case=spec.name)
    return dag


def pin(spec: UseCase) -> DAG:
    """Return the pin of a use case: a version is held in place, whatever is trained, until it is taken out."""
    with DAG(
        **dag_defaults(spec, "pin"),
        schedule=None,
        description="Hold a version in place, or let the champion decide again",
        doc_md=f"### Pin a version of {spec.title}\n{_BY_HAND} Only a version that was champion before can be pinned.",
        params={
            "key": _key(spec),
            "version": Param(
                None, type=["null", "integer"], minimum=1, title="Version", description="Empty: take the pin out."
            ),
            **_common(),
        },
    ) as dag:
        PinOperator(task_id="pin", use_case=spec.name)
    return dag


def items(spec: UseCase) -> DAG:
    """Return the rules over single items: blocked, boosted or shown first, each until a day."""
    with DAG(
        **dag_defaults(spec, "items"),
        schedule=None,
        description="Block, boost or pin items until a day, or lift the rules about them",
        doc_md=f"### Items of {spec.title} by hand\n{_BY_HAND} What holds is shown on every report.",
        params={
            "action": Param("block", type="string", enum=["block", "boost", "pin", "lift"], title="Action"),
            "items": Param("", type="string", minLength=1, title="Items", description="Identifiers, with commas."),
            "key": _key(spec, everything=True),
            "factor": Param(
                2.0, type="number", exclusiveMinimum=0, maximum=100, title="Factor", description="Of a boost alone."
            ),
            "until": Param(
                None,
                type=["null", "string"],
                format="date",
                title="Until",
                description="Last day. Empty: for good.",
            ),
            **_common(),
        },
    ) as dag:
        ItemRulesOperator(task_id="items", use_case=spec.name)
    return dag


def _key(spec: UseCase, *, everything: bool = False) -> Param:
    keys = list(spec.keys)
    choices = [ALL, *keys] if everything and len(keys) > 1 else keys
    return Param(choices[0], type="string", enum=choices, title="Key", description="Which of its models.")


def _common() -> dict[str, Any]:
    return {
        "why": Param("", type="string", minLength=5, title="Why", description="Lands in the journal with your name."),
        "at": Param(
            None, type=["null", "string"], format="date", title="Business day",
            description="From this day on. Empty: now, or of a recording the day after its newest.",
        ),
        "dry_run": Param(False, type="boolean", title="Dry run", description="Say what would happen, change nothing."),
    }  # fmt: skip
