"""RDS: DB instances as real servers in containers."""
