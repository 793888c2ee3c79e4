"""Alarms on what really happened at the load balancer."""
