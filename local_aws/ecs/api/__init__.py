"""The operations and resource types of ECS, as requests find them."""
