"""ECS: tasks in real containers, services, service deployments, and their API."""
