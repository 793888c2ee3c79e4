"""The records of the local AWS in files, so that the records outlive the server process.

Records are saved every two seconds while they change, so that `kill -9` or a restart of the machine loses two
seconds and not the environment. MiniStack's own persistence writes only at a clean end, starts containers
when it reads, and puts image layers into JSON. So this module pickles the records.
"""

import hashlib
import io
import logging
import pickle
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from local_aws.checkout import is_remembered, region_of, replace_file
from local_aws.emulator.cloudformation import add_stack_event
from local_aws.emulator.registry import Registry

PAUSE_SECONDS = 2.0
LARGE_BYTES = 64 * 1024
# Records in a plain dict; all others are in MiniStack's scoped dicts.
PLAIN_RECORDS = {("ministack.services.ec2", "_default_initialized_scopes")}

logger = logging.getLogger("slipway.state")


class State:
    """Saves the records of every MiniStack module in use, and those of `Registry.keep`."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._directory = registry.checkout.state_directory / "state"
        self._digests: dict[str, str] = {}
        self._left_out: set[str] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_saving, name="slipway-state", daemon=True)

    def restore(self) -> bool:
        """Restore all saved records. Returns whether there were any."""
        found = False
        for path in sorted(self._directory.glob("*.pickle")):
            try:
                saved = _Reader(path.open("rb"), self._directory / "blobs").load()
            except Exception as error:  # noqa: BLE001 - a damaged pickle may raise anything
                logger.error("%s cannot be read and is left out: %s", path, error)
                continue
            found = True
            if path.stem == "kept":
                for name, value in saved.items():
                    if name in self._registry.kept:
                        self._registry.kept[name][1](value)
            else:
                _put(path.stem, saved)
        if found:
            end_interrupted_operations(self._registry)
        return found

    def begin(self) -> None:
        """Start the thread that saves."""
        self._thread.start()

    def end(self) -> None:
        """Stop the thread and save one last time."""
        self._ended.set()
        self._thread.join(timeout=10)
        self.save()

    def save(self) -> None:
        """Write the records that changed since the last save, each file as a whole."""
        # The records hold SecureStrings.
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._directory / "blobs").mkdir(exist_ok=True)
        if not is_remembered(self._registry.checkout):  # the directory was cleaned; records hold the port
            self._registry.checkout.save()
        for name, records in self._everything():
            try:
                self._write(name, records())
            except RuntimeError:
                continue  # a dict changed while it was pickled; the next save has it
            except (TypeError, AttributeError, pickle.PicklingError) as error:
                if name not in self._left_out:
                    logger.error("%s cannot be saved: %s", name, error)
                self._left_out.add(name)

    def _everything(self) -> Iterator[tuple[str, Callable[[], Any]]]:
        # A copy, because other threads import a service of MiniStack at its first request.
        for name in sorted(name for name in list(sys.modules) if name.startswith("ministack.services.")):
            if _stores(name):
                yield name, partial(_records, name)
        yield "kept", lambda: {name: get() for name, (get, _) in self._registry.kept.items()}

    def _write(self, name: str, records: Any) -> None:
        buffer = io.BytesIO()
        _Writer(buffer, self._directory / "blobs").dump(records)
        digest = hashlib.sha256(buffer.getbuffer()).hexdigest()
        path = self._directory / f"{name}.pickle"
        # The directory may have been cleaned.
        if self._digests.get(name) == digest and path.exists():
            return
        replace_file(path, buffer.getvalue())
        self._digests[name] = digest

    def _keep_saving(self) -> None:
        pause = PAUSE_SECONDS
        while not self._ended.wait(pause):
            started = time.monotonic()
            try:
                self.save()
            except Exception:
                logger.exception("the state could not be saved")
            # Saving takes at most a tenth of one core.
            pause = max(PAUSE_SECONDS, 10 * (time.monotonic() - started))


def end_interrupted_operations(registry: Registry) -> None:
    """Give each stack that was busy when the process ended a status from which a deploy goes on.

    The operation that was under way ended with the process; at AWS this does not happen.
    """
    ends = {
        "CREATE_IN_PROGRESS": "CREATE_FAILED",
        "ROLLBACK_IN_PROGRESS": "ROLLBACK_FAILED",
        "DELETE_IN_PROGRESS": "DELETE_FAILED",
    }
    for stack in registry.records("AWS::CloudFormation::Stack").all_values():
        status = stack["StackStatus"]
        if not status.endswith("IN_PROGRESS") or status == "REVIEW_IN_PROGRESS":
            continue
        stack["StackStatus"] = ends.get(status, "UPDATE_ROLLBACK_COMPLETE")
        stack["StackStatusReason"] = "The local AWS ended in the middle of this; deploy again"
        with registry.scope(region_of(stack["StackId"])):
            add_stack_event(stack)


class _Writer(pickle.Pickler):
    """Writes each image layer once, to a file of its own."""

    def __init__(self, file: io.BytesIO, blobs: Path) -> None:
        super().__init__(file, protocol=5)
        self._blobs = blobs

    def persistent_id(self, value: Any) -> str | None:
        if type(value) is not bytes or len(value) < LARGE_BYTES:
            return None
        name = _blob_name(value)
        path = self._blobs / name
        if not path.exists():
            replace_file(path, value)
        return name


class _Reader(pickle.Unpickler):
    def __init__(self, file: Any, blobs: Path) -> None:
        super().__init__(file)
        self._blobs = blobs

    def persistent_load(self, name: str) -> bytes:
        return (self._blobs / name).read_bytes()


_names: dict[int, tuple[bytes, str]] = {}


def _blob_name(value: bytes) -> str:
    # A layer is hashed once. The cache keeps the layer, so that its id() stays unique.
    known = _names.get(id(value))
    if known is None:
        known = _names[id(value)] = (value, hashlib.sha256(value).hexdigest())
    return known[1]


def _stores(module: str) -> dict[str, Any]:
    scoped = ("AccountRegionScopedDict", "AccountScopedDict")
    return {
        name: value
        for name, value in list(vars(sys.modules[module]).items())
        if (module, name) in PLAIN_RECORDS
        or (
            type(value).__name__ in scoped
            and not name.startswith("__")
            # Modules import each other's dicts; each dict is saved with the first module that has it.
            and _owners.setdefault(id(value), (module, name)) == (module, name)
        )
    }


_owners: dict[int, tuple[str, str]] = {}


def _records(module: str) -> dict[str, Any]:
    return {name: getattr(store, "_data", store) for name, store in _stores(module).items()}


def _put(module: str, saved: dict[str, Any]) -> None:
    import_module(module)
    for name, value in saved.items():
        store = getattr(sys.modules[module], name, None)
        target = getattr(store, "_data", store)
        if target is not None:
            target.clear()
            target.update(value)
