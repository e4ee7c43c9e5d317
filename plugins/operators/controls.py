"""Operators of what a person does by hand: switch, pin, rule over items. Each is one form, one task, one entry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from include.errors import PermanentError
from include.spec import UseCase
from plugins.context import moment_by_hand, pipeline_run
from plugins.operators.step import StepOperator

if TYPE_CHECKING:
    from include.deployment.controls import Asked, Done

ALL = "all"


class ControlOperator(StepOperator):
    """One control; subclasses say which in ``control``. Who triggered the run is who did it."""

    ui_color = "#fbe9e7"

    def step(self, spec: UseCase, context: Any) -> str:
        """Return what was done, or would be, in a sentence."""
        from include.deployment.controls import Asked

        given, run = context["params"], context["dag_run"]
        asked = Asked(
            who=run.triggering_user_name or spec.owner,
            why=given["why"],
            request_id=pipeline_run(context),
            at=moment_by_hand(spec, given.get("at")),
            dry_run=bool(given["dry_run"]),
        )
        done = self.control(spec, given, asked)
        self.log.info("%s", done.said)
        return done.said

    def control(self, spec: UseCase, given: Any, asked: Asked) -> Done:
        """Do it."""
        raise TypeError(f"{type(self).__name__} says no control")


class SwitchOperator(ControlOperator):
    """Let the fall-back answer alone, or the models again."""

    def control(self, spec: UseCase, given: Any, asked: Asked) -> Done:
        """Switch the keys of the form."""
        from include.deployment.controls import switch

        return switch(spec, _keys(spec, given["key"]), on=given["switch"] == "on", asked=asked)


class PinOperator(ControlOperator):
    """Hold a version in place, or let the champion decide again."""

    def control(self, spec: UseCase, given: Any, asked: Asked) -> Done:
        """Pin the version of the form; without one unpin."""
        from include.deployment.controls import pin, unpin

        if given["version"]:
            return pin(spec, given["key"], int(given["version"]), asked=asked)
        return unpin(spec, given["key"], asked=asked)


class ItemRulesOperator(ControlOperator):
    """Block, boost or pin items until a day, or lift all rules about them."""

    def control(self, spec: UseCase, given: Any, asked: Asked) -> Done:
        """Put the form's rules in force.

        Raises:
            PermanentError: the form does not make a rule; says why.
        """
        from pydantic import ValidationError

        from include.deployment.controls import add_rules, lift_rules
        from include.deployment.lists import ItemRule

        items, keys = _items(given["items"]), _keys(spec, given["key"])
        if given["action"] == "lift":
            return lift_rules(spec, keys, items, asked=asked)
        facts = {"kind": given["action"], "who": asked.who, "why": asked.why, "since": asked.at.date()}
        facts |= {"until": given["until"] or None, "factor": given["factor"] if given["action"] == "boost" else 1.0}
        try:
            rules = [ItemRule.model_validate({"item": item, **facts}) for item in items]
        except ValidationError as error:
            raise PermanentError(
                expected="a rule that can hold",
                seen="; ".join(str(each["msg"]) for each in error.errors()),
                where=f"form of {spec.name}_items",
                next_step="trigger again with other values; nothing was changed",
            ) from error
        return add_rules(spec, keys, rules, asked=asked)


def _keys(spec: UseCase, key: str) -> Sequence[str]:
    return spec.keys if key == ALL else (key,)


def _items(text: str) -> list[str]:
    items = [each.strip() for each in text.replace("\n", ",").split(",") if each.strip()]
    if not items:
        raise PermanentError(
            expected="identifiers of items, separated by commas",
            seen=repr(text),
            where="form",
            next_step="trigger again and name at least one",
        )
    return list(dict.fromkeys(items))
