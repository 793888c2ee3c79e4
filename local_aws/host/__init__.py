"""This side runs on the host: the Docker engine, base images, and the server process, started and stopped."""
