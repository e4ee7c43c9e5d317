"""Guards of what people and rollouts decide: pins, lists, windows, shares, and a champion that lost."""

from __future__ import annotations

from tests.guards.mutant import Mutant

CONTROLS, LISTS = "include/deployment/controls.py", "include/deployment/lists.py"
ELIGIBILITY, PROMOTION = "include/deployment/eligibility.py", "include/deployment/promotion.py"
TRAFFIC = "include/deployment/traffic.py"
OPS = "include/recommend_ops"
HELD, SHARED = "tests/services/deployment/test_controls.py::", "tests/services/deployment/test_traffic.py::"
CONCLUDED = "tests/services/deployment/test_rollout.py::"
NIGHTS = "tests/services/recommend_ops/test_life.py::"
NOT_RAISED = "DID NOT RAISE"

GUARDS = {
    "a version that a person holds": (
        Mutant(
            "no promotion moves a pinned key", ELIGIBILITY,
            "    if pin is not None and pin != ref:", "    if False:",
            f"{HELD}test_pinned_version_decides_and_no_promotion_or_rollback_moves_it", NOT_RAISED,
        ),
        Mutant(
            "no rollback moves a pinned key", PROMOTION,
            "    if present.pin is not None:", "    if False:",
            f"{HELD}test_pinned_version_decides_and_no_promotion_or_rollback_moves_it", NOT_RAISED,
        ),
        Mutant(
            "only what was champion is pinned", CONTROLS,
            "    if not any(entry.state.of(key).champion == ref for entry in Journal(spec.name).anchored()):",
            "    if False:",
            f"{HELD}test_version_that_was_never_champion_cannot_be_pinned", NOT_RAISED,
        ),
    ),
    "rules about items": (
        Mutant(
            "the lists are those that the journal names", LISTS,
            "    if body is None or digest(body) != named:", "    if body is None:",
            f"{HELD}test_rules_are_named_by_their_digest_and_others_are_refused", NOT_RAISED,
        ),
        Mutant(
            "a rule ends with its last day", LISTS,
            "(self.until is None or day <= self.until)", "True",
            f"{HELD}test_rules_about_items_hold_from_their_first_to_their_last_day", "AssertionError",
        ),
        Mutant(
            "a dry run writes nothing", CONTROLS,
            "    if asked.dry_run:\n        decide", "    if False:\n        decide",
            f"{HELD}test_dry_run_says_what_would_happen_and_changes_nothing[switch]", "AssertionError",
        ),
    ),
    "a share of the requests": (
        Mutant(
            "only what was in the shadow gets a share", TRAFFIC,
            "    if ref not in (now.shadow, now.challenger):", "    if False:",
            f"{SHARED}test_share_is_given_only_to_what_was_in_the_shadow", NOT_RAISED,
        ),
        Mutant(
            "one model at a time stands beside the champion", TRAFFIC,
            "    if others:", "    if False:",
            f"{SHARED}test_second_model_waits_until_the_first_rollout_ends", NOT_RAISED,
        ),
    ),
    "what a rollout concludes": (
        Mutant(
            "an answer of the fall-back counts for its side", "include/deployment/rollout.py",
            '    answered = rows.loc[rows["variant"] != SHADOW].reset_index(drop=True)',
            '    answered = rows.loc[~rows["variant"].isin([SHADOW, FALLBACK])].reset_index(drop=True)',
            f"{CONCLUDED}test_an_answer_of_the_fall_back_counts_for_the_model_that_should_have_given_it",
            "AssertionError",
        ),
        Mutant(
            "what was answered before the step does not count", "include/deployment/rollout.py",
            ' & (rows["sequence"] >= step.sequence)', "",
            f"{CONCLUDED}test_what_was_answered_before_the_step_does_not_count", "AssertionError",
        ),
        Mutant(
            "a broken guardrail breaks off before the end", "include/deployment/rollout.py",
            "    if broken or complete == how.looks:", "    if complete == how.looks:",
            f"{CONCLUDED}test_a_model_that_declines_more_is_broken_off_before_the_end", "AssertionError",
        ),
    ),
    "a promotion outside of the window": (
        Mutant(
            "by day a candidate waits", PROMOTION,
            "    if (opening := next_opening(spec, at)) is None:\n        return None", "    return None",
            f"{NIGHTS}test_by_day_a_candidate_waits_and_in_the_window_the_newest_is_promoted", "AssertionError",
        ),
    ),
    "a worse recommender": (
        Mutant(
            "a challenger must do no harm in either task", f"{OPS}/evaluation.py",
            "    harmless = len(compared) == len(TASKS) and all(each.non_inferior for each in compared)",
            "    harmless = True",
            f"{NIGHTS}test_challenger_that_is_worse_is_refused", "AssertionError",
        ),
        Mutant(
            "a champion that lost is taken back", f"{OPS}/watch.py",
            '        if line["verdict"] == "worse":', "        if False:",
            f"{NIGHTS}test_champion_that_ranks_worse_than_its_predecessor_is_taken_back", "AssertionError",
        ),
        Mutant(
            "lists come from the files that were registered", "include/models/registry.py",
            "        if (seen := digest_of_folder(path)) != ref.digest:", "        if seen := None:",
            f"{NIGHTS}test_files_that_were_exchanged_are_not_loaded", NOT_RAISED,
        ),
    ),
}  # fmt: skip
