"""The operations and resource types of ECS."""
