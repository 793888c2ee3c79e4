from pathlib import Path
from types import SimpleNamespace

from docker.errors import NotFound

from local_aws.checkout import Checkout
from local_aws.rds.server_container import Master, Server, start


def server(**options):
    return Server("db-1", "db-1.rds.local", 3306, "volume", options)


def test_settings_of_the_parameter_group_reach_the_server():
    assert ["--port=3306", "--require_secure_transport=1"] == server(require_secure_transport="1").command()


def test_a_setting_the_server_does_not_know_does_not_stop_it():
    assert "--loose_binlog_row_image=full" in server(binlog_row_image="full").command()


def test_formulas_of_rds_are_left_out():
    command = server(innodb_buffer_pool_size="{DBInstanceClassMemory*3/4}").command()

    assert ["--port=3306"] == command


def test_a_password_cannot_break_out_of_its_statement():
    sql = Master("app", "it's \\ a trap").sql()

    assert "IDENTIFIED BY 'it''s \\\\ a trap';" in sql


def test_a_schema_name_cannot_break_out_of_its_statement():
    assert "CREATE DATABASE IF NOT EXISTS `a``b`;" in Master("app", "p", "a`b").sql()


def test_no_schema_is_made_when_none_is_asked_for():
    assert "CREATE DATABASE" not in Master("app", "p").sql()


def test_the_master_user_is_no_superuser():
    assert "SUPER" not in Master("app", "p").sql()
    assert "ALL PRIVILEGES" not in Master("app", "p").sql()


def test_the_password_is_not_shown_when_a_master_is_printed():
    assert "s3cret" not in repr(Master("app", "s3cret"))


class Docker:
    """An engine whose one container, made with `options`, is ready at once."""

    status, attrs = "running", {"RestartCount": 0}

    def __init__(self):
        self.containers = self.volumes = self.api = self

    def create(self, _, **options):
        self.options = options
        return self

    def get(self, name):
        raise NotFound(name)

    def create_endpoint_config(self, **_):
        return {}

    def exec_run(self, _):
        return SimpleNamespace(exit_code=0)

    def start(self):
        pass

    reload = start


def test_a_server_publishes_no_port():
    docker = Docker()
    start(docker, Checkout(Path("/x")), "mysql:8.4", server(), None)

    assert {"ports", "publish_all_ports"}.isdisjoint(docker.options)
