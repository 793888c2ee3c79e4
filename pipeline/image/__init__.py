"""The image of the service: its version, its build, its repository, its provenance."""
