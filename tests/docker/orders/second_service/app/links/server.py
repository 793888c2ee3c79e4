"""`service serve`: gunicorn with both ports in one process. https://docs.gunicorn.org/en/stable/settings.html"""

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

from gunicorn.app.base import BaseApplication

from links import store, web

ACTUATOR_PORT = "8081"


def by_port(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """SERVER_PORT is the port that was connected to, whatever the request's Host header says."""
    application = web.actuator if environ["SERVER_PORT"] == ACTUATOR_PORT else web.api
    return application(environ, start_response)


class _Server(BaseApplication):  # type: ignore[misc]
    def load_config(self) -> None:
        for key, value in {
            "bind": ["0.0.0.0:8080", f"0.0.0.0:{ACTUATOR_PORT}"],
            "worker_class": "gthread",
            "threads": 16,
            # Longer than the load balancer's 60 seconds: were we the first to close, clients would see a 502.
            "keepalive": 75,
            "graceful_timeout": int(os.environ.get("SHUTDOWN_GRACE_SECONDS", "25")),
            # The root file system is read-only, and /dev/shm is memory.
            "worker_tmp_dir": "/dev/shm",  # noqa: S108
            "control_socket_disable": True,
            "accesslog": "-",
            "post_worker_init": _look_for_the_database,
        }.items():
            self.cfg.set(key, value)

    def load(self) -> Any:
        return by_port


def _look_for_the_database(_worker: object) -> None:
    def look(pause: threading.Event) -> None:
        while not store.usable():
            pause.wait(1)
        web.ready.set()

    threading.Thread(target=look, args=(threading.Event(),), daemon=True).start()


def serve() -> int:
    _Server().run()
    return 0
