"""What the user wrote: pyproject.toml, environment files, their timeouts, YAML read strictly."""
