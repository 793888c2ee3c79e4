"""The commands that change an environment: deploy, rollback, destroy, and the image alone."""
