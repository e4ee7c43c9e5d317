"""What is done with a score: one rule for batch and single requests."""

from __future__ import annotations

ACCEPT, REVIEW, DECLINE = "accept", "review", "decline"


def decide(score: float, review_band: tuple[float, float]) -> str:
    """Return accept, review or decline; a score inside the review band goes to a person."""
    low, high = review_band
    if score < low:
        return ACCEPT
    return REVIEW if score < high else DECLINE
