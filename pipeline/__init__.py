"""Slipway takes a containerised service from `git push` to a tested release on AWS ECS Fargate."""
