"""The API and the actuator as two Flask applications."""

import os
import threading

import pymysql
from flask import Flask, Response, jsonify, redirect, request

from links import store

ready = threading.Event()
"""Set once the database answered with its table there; never cleared: an outage must not replace tasks."""

api = Flask("links.api")
actuator = Flask("links.actuator")


@api.after_request
def name_the_version(response: Response) -> Response:
    response.headers["X-Service-Version"] = os.environ["SERVICE_VERSION"]
    response.headers["X-Image-Digest"] = os.environ.get("IMAGE_URI", "").partition("@")[2]
    return response


@api.errorhandler(pymysql.OperationalError)
def away(error: pymysql.OperationalError) -> tuple[Response, int, dict[str, str]]:
    api.logger.warning("the database is away: %s", error)
    return jsonify(error="the database is away"), 503, {"Retry-After": "2"}


@api.get("/links")
def newest() -> Response:
    return jsonify(store.newest())


@api.put("/links/<name>")
def keep(name: str) -> tuple[Response, int]:
    url = (request.get_json(silent=True) or {}).get("url")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")) or len(url) > 2000:
        return jsonify(error="url must be a web address of at most 2000 characters"), 400
    if not name.isascii() or not name.isalnum() or len(name) > 40:
        return jsonify(error="a name is 1 to 40 letters and digits"), 400
    store.keep(name, url)
    return jsonify(name=name, url=url), 200


@api.delete("/links/<name>")
def forget(name: str) -> tuple[str | Response, int]:
    return ("", 204) if store.forget(name) else (jsonify(error="no such link"), 404)


@api.get("/go/<name>")
def follow(name: str) -> Response | tuple[Response, int]:
    url = store.find(name)
    return redirect(url) if url else (jsonify(error="no such link"), 404)  # type: ignore[return-value]


@actuator.get("/actuator/health/liveness")
def liveness() -> Response:
    return jsonify(status="UP")


@actuator.get("/actuator/health/readiness")
def readiness() -> tuple[Response, int]:
    return (jsonify(status="UP"), 200) if ready.is_set() else (jsonify(status="OUT_OF_SERVICE"), 503)


@actuator.get("/actuator/health")
def health() -> tuple[Response, int]:
    return (jsonify(status="UP"), 200) if store.usable() else (jsonify(status="DOWN"), 503)


@actuator.get("/actuator/info")
def info() -> Response:
    return jsonify(version=os.environ["SERVICE_VERSION"], commit=os.environ["SERVICE_COMMIT"])
