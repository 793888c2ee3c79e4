"""A MySQL server in a container, behind the endpoint of a DB instance.

The server reads the master password from a file in the container, which is deleted at once. No command line,
no environment and no `docker inspect` shows the password.
"""

import io
import tarfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import docker
from docker.errors import NotFound
from docker.models.containers import Container

from local_aws.checkout import Checkout
from pipeline.errors import WaitTimeoutError
from pipeline.waiting import wait_until

READY_SECONDS = 180

# The privileges of the master user of RDS for MySQL (no SUPER, no FILE):
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.MasterAccounts.html
MASTER_PRIVILEGES = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, "
    "SHOW DATABASES, CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, "
    "CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER"
)
_CLIENT = "client=$(command -v mariadb || command -v mysql); "
# MySQL's own image first runs a server without network, which sets up the volume.
_NETWORKED = [
    "sh",
    "-c",
    _CLIENT + '[ "$("$client" -uroot -N -e "select @@skip_networking" 2>/dev/null)" = 0 ]',
]
_RUN_FILE = [
    "sh",
    "-c",
    _CLIENT + '"$client" -uroot < /run/slipway.sql; code=$?; rm -f /run/slipway.sql; exit $code',
]


@dataclass(frozen=True)
class Server:
    """A server. identifier: unique on this machine. host: its name on the network. options: for mysqld."""

    identifier: str
    host: str
    port: int
    volume: str
    options: Mapping[str, str] = field(default_factory=dict)

    def name(self, checkout: Checkout) -> str:
        return checkout.name("database", self.identifier)

    def command(self) -> list[str]:
        """The arguments for mysqld. The server warns of an option that it does not know."""
        known = {"require_secure_transport"}
        return [f"--port={self.port}"] + [
            f"--{'' if name in known else 'loose_'}{name}={value}"
            for name, value in sorted(self.options.items())
            # A formula of RDS, such as {DBInstanceClassMemory*3/4}.
            if "{" not in value
        ]


@dataclass(frozen=True)
class Master:
    """The master user and the first schema (empty for none)."""

    user: str
    password: str = field(repr=False)
    schema: str = ""

    def sql(self) -> str:
        """SQL that creates or updates the schema and the user. It may run again."""
        account = f"{_name(self.user)}@'%'"
        password = _text(self.password)
        schema = [f"CREATE DATABASE IF NOT EXISTS {_name(self.schema)};"] if self.schema else []
        return "\n".join(
            [
                *schema,
                f"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY {password};",
                f"ALTER USER {account} IDENTIFIED BY {password};",
                f"GRANT {MASTER_PRIVILEGES} ON *.* TO {account} WITH GRANT OPTION;",
                "",
            ]
        )


def start(
    client: docker.DockerClient, checkout: Checkout, image: str, server: Server, master: Master | None
) -> Container:
    """Start a server on its volume, and return its container once the server accepts connections.

    A container of the same name is replaced. A missing volume is created. master: None when the volume has
    the master user. Raises RuntimeError with the server's last words when the server ends, or is not ready
    after three minutes.
    """
    remove(client, checkout, server.identifier)
    labels = checkout.labels("database", identifier=server.identifier)
    client.volumes.create(server.volume, labels=labels)
    container = client.containers.create(
        image,
        command=server.command(),
        name=server.name(checkout),
        hostname=server.identifier[:63],
        labels=labels,
        environment={"MYSQL_ALLOW_EMPTY_PASSWORD": "yes", "MYSQL_ROOT_HOST": "localhost"},
        volumes={server.volume: {"bind": "/var/lib/mysql", "mode": "rw"}},
        network=checkout.network,
        networking_config={checkout.network: client.api.create_endpoint_config(aliases=[server.host])},
        restart_policy={"Name": "unless-stopped"},
    )
    container.start()
    _wait(container)
    if master is not None:
        set_master(container, master)
    return container


def set_master(container: Container, master: Master) -> None:
    """Set the master user's password, schema and privileges."""
    container.put_archive("/run", _archive("slipway.sql", master.sql().encode()))
    code, output = container.exec_run(_RUN_FILE)
    if code != 0:
        raise RuntimeError(output.decode(errors="replace").strip())


def remove(client: docker.DockerClient, checkout: Checkout, identifier: str) -> None:
    """Stop the server and remove its container. The volume stays."""
    try:
        container = client.containers.get(checkout.name("database", identifier))
    except NotFound:
        return
    container.stop(timeout=20)
    container.remove(force=True)


def remove_volume(client: docker.DockerClient, volume: str) -> None:
    """Delete the data for good."""
    try:
        client.volumes.get(volume).remove(force=True)
    except NotFound:
        return


def _wait(container: Container) -> None:
    def ready() -> bool | None:
        container.reload()
        if container.status != "running" or container.attrs["RestartCount"]:
            raise RuntimeError(
                "the database server ended: " + container.logs(tail=5).decode(errors="replace").strip()
            )
        return True if container.exec_run(_NETWORKED).exit_code == 0 else None

    try:
        wait_until(ready, what="the database", timeout=READY_SECONDS, first_pause=0.2, longest_pause=1)
    except WaitTimeoutError as error:
        raise RuntimeError(str(error)) from error


def _archive(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode, entry.mtime = len(content), 0o600, int(time.time())
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _name(identifier: str) -> str:
    return "`" + identifier.replace("`", "``") + "`"


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
