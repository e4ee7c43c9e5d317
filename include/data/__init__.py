"""Rows: where they come from, what they must be, where they lie, and how a set of them is named again."""
