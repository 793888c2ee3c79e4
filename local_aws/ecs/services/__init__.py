"""Services as records: revisions, stages, hooks, their tasks, their targets."""
