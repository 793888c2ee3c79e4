"""RDS instances that are real servers in containers."""
