"""AWS as the pipeline reaches it: session, errors, the lock, and what ECS says of deployments and tasks."""
