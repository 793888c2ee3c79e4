"""Tasks: real containers from PROVISIONING to STOPPED."""
