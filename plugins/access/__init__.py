"""Who may do what in a deployment on many machines: roles, accounts, and the auth manager that knows people by name."""
