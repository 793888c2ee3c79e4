"""Base images as Docker really has them."""

import docker

from local_aws.host.base_images import base_images


def test_the_python_image_can_make_virtual_environments():
    client = docker.from_env()
    image = base_images(client, print).python or "python:3.13-slim-bookworm"

    printed = client.containers.run(
        image,
        [
            "sh",
            "-c",
            "python3 -m venv /tmp/v && /tmp/v/bin/pip --version && python3 -c 'import ssl, sqlite3'",
        ],
        remove=True,
    )

    assert printed.startswith(b"pip ")


def test_images_that_are_there_are_not_made_again():
    client = docker.from_env()
    base_images(client, print)
    said = []

    base_images(client, said.append)

    assert [] == said
