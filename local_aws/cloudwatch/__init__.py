"""Alarms on the load balancer's own metrics."""
