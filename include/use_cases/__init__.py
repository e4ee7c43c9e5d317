"""The use cases that ship: one file each, the spec and its plain functions."""
