"""The service's image: tagged by its content, built with the Docker SDK.

The same source gives the same tag. An image whose tag the repository has is neither built nor pushed again.
"""

import gzip
import hashlib
import io
import tarfile
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from pipeline.errors import DockerError, ImageError, full_disk
from pipeline.image import docker_credentials

CA_BUNDLE = ".ca-bundle.crt"
_KEPT_LINES = 25
_NOISE = ("--->", "Removing intermediate container", "Successfully tagged")


class DockerBuild(Protocol):
    """What a build asks of docker.APIClient, which has no types. Docker answers in lines of JSON."""

    def build(self, **request: object) -> Iterable[dict[str, Any]]: ...


def source_files(app: Path) -> list[Path]:
    """The files of the build context, relative to `app`, sorted, as app/.dockerignore leaves them.

    Raises ImageError where app/ has no Dockerfile.
    """
    from docker.utils.build import exclude_paths

    if not (app / "Dockerfile").is_file():
        raise ImageError(
            "app/ has no Dockerfile", next_step="write app/Dockerfile (see docs/your-service.md)"
        )
    ignore = app / ".dockerignore"
    lines = ignore.read_text(encoding="utf-8").splitlines() if ignore.is_file() else []
    patterns = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    found = exclude_paths(str(app), patterns, dockerfile="Dockerfile")
    files = sorted(path for path in found if (app / path).is_file() or (app / path).is_symlink())
    return [Path(path) for path in files if path not in (CA_BUNDLE, ".dockerignore")]


def content_tag(app: Path, base_image: str | None, platform: str | None = None) -> str:
    """The first 12 hex digits of a SHA-256 over names, x bits and contents of the files, a base image that
    somebody named, and any platform but linux/amd64.
    """
    digest = hashlib.sha256(f"base={base_image or ''}\n".encode())
    if platform not in (None, "linux/amd64"):
        digest.update(f"platform={platform}\n".encode())
    for path in source_files(app):
        file = app / path
        if file.is_symlink():
            kind, content = "link", str(file.readlink()).encode()
        else:
            kind = "program" if file.stat().st_mode & 0o100 else "file"
            content = file.read_bytes()
        digest.update(f"{kind} {path.as_posix()} {len(content)}\n".encode())
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

    Raises ImageError with the build's last lines, or DockerError on a full disk or where a credential helper
    fails.
    """
    last: deque[str] = deque(maxlen=_KEPT_LINES)
    image_id = ""
    with docker_credentials.failures_told():
        answers = docker.build(
            fileobj=_context(app, ca_bundle),
            custom_context=True,
            encoding="gzip",
            tag=name,
            buildargs=dict(build_args),
            platform=platform,
            rm=True,
            forcerm=True,
            decode=True,
        )
    for answer in answers:
        for line in str(answer.get("stream", "")).splitlines():
            if line.strip():
                last.append(line.rstrip())
                if not line.lstrip().startswith(_NOISE):
                    log(line.rstrip()[:160])
        if "error" in answer:
            raise _failed(str(answer["error"]).strip(), list(last))
        image_id = answer.get("aux", {}).get("ID", image_id)
    if not image_id:
        raise _failed("Docker gave no image id", list(last))
    return image_id


def _failed(reason: str, last: list[str]) -> DockerError | ImageError:
    if full := full_disk(reason, *last):
        return full
    return ImageError(
        "the image could not be built",
        why=reason,
        next_step="mend app/ and run the command again; the build's last lines are above",
        details=last,
    )


def _context(app: Path, ca_bundle: Path | None) -> io.BytesIO:
    """The build context as a tar whose bytes depend on names, x bits and contents only."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=1, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in source_files(app):
            _add(tar, app / path, path.as_posix())
        if ca_bundle is not None:
            _add(tar, ca_bundle.resolve(), CA_BUNDLE)
    buffer.seek(0)
    return buffer


def _add(tar: tarfile.TarFile, file: Path, name: str) -> None:
    entry = tarfile.TarInfo(name)
    if file.is_symlink():
        entry.type, entry.linkname = tarfile.SYMTYPE, str(file.readlink())
        tar.addfile(entry)
        return
    content = file.read_bytes()
    entry.size = len(content)
    entry.mode = 0o755 if file.stat().st_mode & 0o100 else 0o644
    tar.addfile(entry, io.BytesIO(content))
