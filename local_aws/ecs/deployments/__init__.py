"""Service deployments: the scheduler, rolling and blue/green deployments, and listener rules."""
