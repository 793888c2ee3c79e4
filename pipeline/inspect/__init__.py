"""The commands that change nothing that lasts: plan, status, drift, logs."""
