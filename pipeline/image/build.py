"""The service's image: tagged by its content, built with the Docker SDK.

The same source gives the same tag. An image whose tag the repository has is neither built nor pushed again.
"""

import gzip
import hashlib
import io
import os
import tarfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from http.client import BAD_REQUEST
from pathlib import Path
from typing import Any, Protocol

from pipeline.errors import DockerError, ImageError, full_disk
from pipeline.image import build_context, docker_credentials, dockerfile

CA_BUNDLE = ".ca-bundle.crt"
_KEPT_LINES = 25
_NOISE = ("--->", "Removing intermediate container", "Successfully tagged")


class DockerBuild(Protocol):
    """What a build asks of docker.APIClient, which has no types. Docker answers in lines of JSON."""

    def build(self, **request: object) -> Iterable[dict[str, Any]]: ...


def source_files(app: Path) -> list[Path]:
    """What of app/ can be in the image: files, links, and empty directories, relative to app/, sorted.

    Raises ImageError where app/ has no Dockerfile or a faulty .dockerignore.
    """
    context = build_context.read(app)
    found = [
        path
        for path in context.sent
        if path.as_posix() != CA_BUNDLE and (path not in context.left_out or path.name == "Dockerfile")
    ]
    filled = {parent for path in found for parent in path.parents}
    return [path for path in found if path not in filled]


def content_tag(app: Path, base_image: str | None, platform: str | None = None) -> str:
    """The first 12 hex digits of a SHA-256 over names, x bits and contents of the files, a base image that
    somebody named, and any platform but linux/amd64.
    """
    digest = hashlib.sha256(f"base={base_image or ''}\n".encode())
    if platform not in (None, "linux/amd64"):
        digest.update(f"platform={platform}\n".encode())
    for path in source_files(app):
        kind, content = _content(app / path)
        digest.update(b"%b %b %d\n" % (kind.encode(), os.fsencode(path), len(content)))
        digest.update(content)
    return digest.hexdigest()[:12]


def build(
    docker: DockerBuild,
    app: Path,
    *,
    name: str,
    build_args: Mapping[str, str],
    ca_bundle: Path | None,
    platform: str | None = None,
    log: Callable[[str], None],
) -> str:
    """Build app/ as `name` and return the image's id. ca_bundle: for a network that inspects TLS. platform:
    linux/amd64 or linux/arm64, None for the engine's own.

    Raises ImageError with the build's last lines, or with the line of the Dockerfile that the engine refuses;
    DockerError on a full disk or where a credential helper fails.
    """
    last: deque[str] = deque(maxlen=_KEPT_LINES)
    image_id = ""
    request = {
        "fileobj": _context(app, ca_bundle),
        "custom_context": True,
        "encoding": "gzip",
        "tag": name,
        "buildargs": dict(build_args),
        "platform": platform,
        "rm": True,
        "forcerm": True,
        "decode": True,
    }
    step = ""
    for answer in _answers(docker, app, request):
        for line in str(answer.get("stream", "")).splitlines():
            if line.strip():
                last.append(line.rstrip())
                step = line if line.startswith("Step ") else step
                if not line.lstrip().startswith(_NOISE):
                    log(line.rstrip()[:160])
        if "error" in answer:
            raise _failed(app, str(answer["error"]).strip(), list(last), step)
        image_id = answer.get("aux", {}).get("ID", image_id)
    if not image_id:
        raise _failed(app, "Docker gave no image id", list(last), step)
    return image_id


def _answers(docker: DockerBuild, app: Path, request: Mapping[str, object]) -> Iterator[dict[str, Any]]:
    """The engine's answers. Raises ImageError where the engine refuses the Dockerfile before a step."""
    from docker.errors import APIError

    try:
        with docker_credentials.failures_told():
            yield from docker.build(**request)
    except APIError as error:
        if error.status_code != BAD_REQUEST:
            raise
        where = dockerfile.place(app / build_context.DOCKERFILE, str(error.explanation))
        raise ImageError(
            f"the Docker engine refuses {where}",
            why=str(error.explanation),
            next_step="mend the Dockerfile and run the command again",
            where=where,
        ) from error


def _failed(app: Path, reason: str, last: list[str], step: str) -> DockerError | ImageError:
    if full := full_disk(reason, *last):
        return full
    return ImageError(
        "the image could not be built",
        why=reason,
        next_step="mend app/ and run the command again; the build's last lines are above",
        details=last,
        where=dockerfile.place(app / build_context.DOCKERFILE, step),
    )


def _context(app: Path, ca_bundle: Path | None) -> io.BytesIO:
    """The build context as a tar whose bytes depend on names, x bits and contents only."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=1, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in build_context.read(app).sent:
            if path.as_posix() != CA_BUNDLE:
                _add(tar, app / path, path.as_posix())
        if ca_bundle is not None:
            _add(tar, ca_bundle.resolve(), CA_BUNDLE)
    buffer.seek(0)
    return buffer


def _add(tar: tarfile.TarFile, file: Path, name: str) -> None:
    kind, content = _content(file)
    entry = tarfile.TarInfo(name)
    entry.mode = 0o755 if kind in ("program", "directory") else 0o644
    if kind == "link":
        entry.type, entry.linkname = tarfile.SYMTYPE, os.fsdecode(content)
    elif kind == "directory":
        entry.type = tarfile.DIRTYPE
    else:
        entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def _content(file: Path) -> tuple[str, bytes]:
    """The kind of a file, and what is in it: a link's target, nothing of a directory."""
    try:
        if file.is_symlink():
            return "link", os.fsencode(file.readlink())
        if file.is_dir():
            return "directory", b""
        return "program" if file.stat().st_mode & 0o100 else "file", file.read_bytes()
    except OSError as error:
        raise ImageError(
            f"{file} can't be read",
            why=error.strerror or str(error),
            next_step="make the file readable, or name it in app/.dockerignore, and run the command again",
        ) from error
