"""What is live and who said so: the journal, promotion, rollback, reconciliation."""
