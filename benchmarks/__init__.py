"""Comparisons with peers and with the limit, as numbers that a command prints."""
