"""Who must agree to what: risk classes, policy, signed approvals."""
