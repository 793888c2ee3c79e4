"""Services: revisions, deployments, stages, pause hooks, tasks and targets."""
