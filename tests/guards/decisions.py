"""Guards around decisions: who may approve what, when, and how anybody can tell that it was so."""

from __future__ import annotations

from tests.guards.mutant import Mutant

ELIGIBILITY, PROMOTION = "include/deployment/eligibility.py", "include/deployment/promotion.py"
CHAIN, ENTRIES, OBJECTS = "include/deployment/chain.py", "include/deployment/entries.py", "include/data/objects.py"
APPROVALS, SIGNATURES = "include/governance/approvals.py", "include/governance/signatures.py"
ARTIFACT = "include/models/artifact.py"
EVALUATION, ONNX, STEPS = "include/models/evaluation.py", "include/models/onnx.py", "include/models/onnx_steps.py"
RULES = "tests/unit/deployment/test_eligibility.py::"
WALK = "tests/unit/deployment/test_chain.py::"
CONVERTING = "tests/unit/models/test_onnx.py::"
PROMOTING = "tests/services/deployment/test_promotion.py::"
ROLLING_BACK = "tests/services/deployment/test_rollback.py::"
APPROVING = "tests/services/governance/test_approvals.py::"
UNSTOPPED = "DID NOT RAISE"

GUARDS = {
    "two promotions at once": (
        Mutant(
            "an entry is written only where none is", OBJECTS,
            ', IfNoneMatch="*")', ")",
            "tests/services/data/test_objects.py::test_put_if_absent_never_overwrites", "assert not True",
        ),
        Mutant(
            "the loser looks again before it writes", PROMOTION,
            "            still_champion(journal.known(), each.key, each.evaluation)\n", "",
            f"{PROMOTING}test_promotion_between_the_first_look_and_the_entry_is_seen", UNSTOPPED,
        ),
        Mutant(
            "a comparison with an old champion is stale", ELIGIBILITY,
            "        if version != evaluation.champion_version:", "        if False:",
            f"{RULES}test_champion_that_changed_makes_the_comparison_stale[champions1-1-1]", UNSTOPPED,
        ),
        Mutant(
            "two rollbacks go back one step", PROMOTION,
            "        if now.champion != present.champion:", "        if False:",
            f"{ROLLING_BACK}test_two_rollbacks_at_once_go_back_one_step", UNSTOPPED,
        ),
    ),
    "the approval task marked as successful": (
        Mutant(
            "a high risk class needs a signed approval", ELIGIBILITY,
            "        if required:\n", "        if False:\n",
            f"{RULES}test_task_marked_as_successful_leaves_no_approval", UNSTOPPED,
        ),
        Mutant(
            "the promotion itself looks for the approval", PROMOTION,
            "    approved(spec, ref, evaluation, approval)\n", "",
            f"{PROMOTING}test_approval_task_marked_as_successful_promotes_nothing", UNSTOPPED,
        ),
        Mutant(
            "an approval is another run's", APPROVALS,
            "    if (approval.use_case, approval.run) != (use_case, run):", "    if False:",
            f"{APPROVING}test_approval_copied_from_another_run_is_refused", UNSTOPPED,
        ),
        Mutant(
            "a failed gate needs a written override", ELIGIBILITY,
            "    if not override:\n", "    if False:\n",
            f"{RULES}test_failed_gate_needs_a_written_override", UNSTOPPED,
        ),
        Mutant(
            "the promotion itself looks at the gates", PROMOTION,
            "    override = gated(ref, evaluation, approval)\n", '    override = ""\n',
            f"{PROMOTING}test_failed_gate_promotes_nothing_without_override", UNSTOPPED,
        ),
        Mutant(
            "an evaluation without gates is no pass", ELIGIBILITY,
            "    if not evaluation.gates:\n", "    if False:\n",
            f"{RULES}test_evaluation_without_any_gate_is_no_pass", UNSTOPPED,
        ),
        Mutant(
            "a missing metric is no pass", ELIGIBILITY,
            "    if metric is None or not math.isfinite(metric.value):", "    if False:",
            f"{RULES}test_missing_primary_metric_is_named[metrics0]", UNSTOPPED,
        ),
    ),
    "the approval timed out": (
        Mutant(
            "an approval expires", APPROVALS,
            "    if (now := dt.datetime.now(dt.UTC)) > approval.expires_at:",
            "    if (now := dt.datetime.now(dt.UTC)) and False:",
            f"{APPROVING}test_expired_approval_is_refused", UNSTOPPED,
        ),
        Mutant(
            "what nobody answered is not signed", APPROVALS,
            "    if not approval.approver.strip():", "    if False:",
            f"{APPROVING}test_answer_of_nobody_is_not_signed", UNSTOPPED,
        ),
    ),
    "the approver is the originator": (
        Mutant(
            "who asked for the training may not approve it", ELIGIBILITY,
            "    if approval.approver in originators or approval.approver not in spec.approvers:",
            "    if approval.approver not in spec.approvers:",
            f"{RULES}test_originator_may_not_approve[operator,reviewer]", UNSTOPPED,
        ),
        Mutant(
            "who is no approver may not approve", ELIGIBILITY,
            "    if approval.approver in originators or approval.approver not in spec.approvers:",
            "    if approval.approver in originators:",
            f"{RULES}test_somebody_who_is_no_approver_may_not_approve", UNSTOPPED,
        ),
        Mutant(
            "an unknown originator is refused", ELIGIBILITY,
            '    if not originators or evaluation.originator_source == "unknown":', "    if False:",
            f"{RULES}test_unknown_originator_is_refused[given2]", UNSTOPPED,
        ),
    ),
    "a journal entry edited": (
        Mutant(
            "an entry is signed", SIGNATURES,
            "    if not hmac.compare_digest(signature, _seal(document, domain, key)):", "    if False:",
            f"{WALK}test_edited_entry_is_named_and_the_walk_goes_on", "assert",
        ),
        Mutant(
            "an entry carries the hash of the one before", CHAIN,
            "    if entry.previous_hash != before.hash:", "    if False:",
            f"{WALK}test_edited_entry_is_named_and_the_walk_goes_on", "the edited entry, and the one whose link",
        ),
        Mutant(
            "a document has one text", SIGNATURES,
            " or canonical(document) != body:", ":",
            "tests/unit/governance/test_signatures.py::test_another_text_of_the_same_document_is_refused", UNSTOPPED,
        ),
        Mutant(
            "an entry stands in its place", CHAIN,
            "    if path != object_key(prefix, expected):", "    if False:",
            f"{WALK}test_removed_entry_is_found", "in its place",
        ),
        Mutant(
            "an entry names its journal", CHAIN,
            "    if (entry.sequence, entry.use_case, entry.tenant) != (expected, use_case, tenant):", "    if False:",
            f"{WALK}test_entry_of_another_journal_is_found", "IndexError",
        ),
        Mutant(
            "an approval never passes as an entry", SIGNATURES,
            'domain.encode() + b"\\n" + canonical(document)', "canonical(document)",
            f"{WALK}test_signed_approval_is_no_entry", UNSTOPPED,
        ),
        Mutant(
            "an entry of a newer program is refused", ENTRIES,
            '    if document.get("schema_version", 0) > SCHEMA:', "    if False:",
            f"{WALK}test_entry_of_a_newer_program_is_refused", UNSTOPPED,
        ),
    ),
    "the whole chain rewritten with the S3 key": (
        Mutant(
            "a forger's signatures are not ours", SIGNATURES,
            "    if not hmac.compare_digest(signature, _seal(document, domain, key)):", "    if False:",
            f"{WALK}test_chain_rewritten_with_another_key_is_found", "assert 0 == 3",
        ),
        Mutant(
            "the signing key is not the store's", SIGNATURES,
            "    if key == config.s3_secret_key.get_secret_value():", "    if False:",
            "tests/unit/governance/test_signatures.py::test_key_of_the_store_may_not_sign", UNSTOPPED,
        ),
        Mutant(
            "a chain descends from its anchor", CHAIN,
            "    if anchor.sequence and hashes[anchor.sequence - 1] != anchor.hash:", "    if False:",
            f"{WALK}test_chain_rewritten_with_the_true_key_does_not_descend_from_its_anchor", UNSTOPPED,
        ),
        Mutant(
            "a chain is not shorter than its anchor", CHAIN,
            "    if anchor.sequence > len(hashes):", "    if False:",
            f"{WALK}test_entries_cut_off_at_the_end_are_found_by_the_anchor", "IndexError",
        ),
        Mutant(
            "the promotion itself walks the chain", PROMOTION,
            "    journal.anchored()\n    named", "    named",
            f"{ROLLING_BACK}test_entries_cut_off_are_found_and_nothing_is_repaired_or_promoted",
            "StaleComparisonError|DID NOT RAISE",
        ),
    ),
    "a model artifact swapped on S3": (
        Mutant(
            "the promotion looks at the files", PROMOTION,
            "    _unaltered(ref)\n", "",
            f"{PROMOTING}test_artifact_swapped_on_the_store_promotes_nothing", UNSTOPPED,
        ),
        Mutant(
            "the rollback looks at the files", PROMOTION,
            "    _unaltered(present.previous)\n", "",
            f"{ROLLING_BACK}test_rollback_to_a_swapped_artifact_is_refused", UNSTOPPED,
        ),
        Mutant(
            "every load looks at the files", "include/models/registry.py",
            "        if (seen := digest_of_folder(path)) != ref.digest:", "        if False:",
            "tests/services/models/test_training.py::test_a_swapped_artifact_is_found", UNSTOPPED,
        ),
        Mutant(
            "an approval is of this very artifact", ELIGIBILITY,
            "    if approval.model != ref:\n", "    if False:\n",
            f"{RULES}test_approval_of_another_artifact_is_refused[model1]", UNSTOPPED,
        ),
        Mutant(
            "an evaluation is of this very artifact", ELIGIBILITY,
            "    if (evaluation.use_case, evaluation.key, evaluation.model) != (spec.name, key, ref):", "    if False:",
            f"{RULES}test_evaluation_of_something_else_is_refused[given1]", UNSTOPPED,
        ),
    ),
    "a model that serves other answers than it was judged by": (
        Mutant(
            "the evaluation asks what serves", EVALUATION,
            "            onnx_gate(onnx, facts, fresh, score),\n", "",
            "tests/services/models/test_training.py::test_what_serves_is_judged_on_the_fresh_rows_and_packed",
            "not enough values to unpack",
        ),
        Mutant(
            "another answer fails the gate", ONNX,
            "passed=bool(off <= MOST_OFF)", "passed=candidate.body is not None",
            f"{CONVERTING}test_the_gate_holds_for_the_model_itself_and_not_for_another[logistic]", "assert not True",
        ),
        Mutant(
            "an answer that is no number fails the gate", ONNX,
            "passed=bool(off <= MOST_OFF)", "passed=not off > MOST_OFF",
            f"{CONVERTING}test_an_answer_that_is_no_number_is_no_pass[logistic]", "assert not True",
        ),
        Mutant(
            "a model without ONNX fails the gate", ONNX,
            "    off = np.inf\n", "    off = 0.0\n",
            f"{CONVERTING}test_no_onnx_is_no_pass", "assert not True",
        ),
        Mutant(
            "a model is fitted on single precision", "include/models/features.py",
            "single(X[self.columns].to_numpy(dtype=float))", "X[self.columns].to_numpy(dtype=float)",
            f"{CONVERTING}test_a_model_knows_no_digits_behind_single_precision[logistic]", "assert False",
        ),
        Mutant(
            "a split stays where it is", "include/models/onnx_graph.py",
            "nodes_splits=_tensor(np.array(thresholds))",
            "nodes_splits=_tensor(np.array(thresholds, dtype=np.float32).astype(float))",
            f"{CONVERTING}test_a_value_on_a_split_goes_the_same_way", "< 1e-12",
        ),
        Mutant(
            "nothing divided by zero is missing", STEPS,
            '    return graph.add("Where", nothing, graph.constant(np.nan), graph.add("Div", above, below))',
            '    return graph.add("Div", above, below)',
            f"{CONVERTING}test_each_operation_comes_to_the_same_single_number[ratio]", "Arrays are not equal",
        ),
    ),
}  # fmt: skip
