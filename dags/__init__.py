"""The top floor: what happens, in what order."""
