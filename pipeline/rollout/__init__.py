"""One rollout of the ECS service: watched, its gates answered, its weights and alarms guarded."""
