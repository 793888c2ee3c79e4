"""What runs in the command, on the host: the Docker engine, base images, and the server process."""
