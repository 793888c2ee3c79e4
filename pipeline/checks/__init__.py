"""Requests against the running service: the smoke tests, and the probe with its ledger."""
