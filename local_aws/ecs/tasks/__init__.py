"""Tasks in real containers, from PROVISIONING to STOPPED."""
