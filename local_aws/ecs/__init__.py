"""ECS: tasks as containers, services, rollouts, and the API over them."""
