"""Training, judging, publishing and watching of recommenders: what touches tables, registry and journal."""
