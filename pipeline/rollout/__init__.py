"""One rollout of the ECS service: followed, its gates answered, its weights and alarms guarded."""
