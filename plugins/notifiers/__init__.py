"""Notifiers: one structured event to whoever must know."""
