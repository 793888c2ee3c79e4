"""AWS as the pipeline reaches it: session, errors, the lock, and ECS's deployments and tasks."""
