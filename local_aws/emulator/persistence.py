"""What the local AWS knows, kept in files so that it outlives its process.

Saved every two seconds while something changes, so that `kill -9` or a restart of the machine costs those two
seconds and not the environment. MiniStack has a persistence of its own, but that writes only at a clean end,
starts containers when it reads, and puts image layers into JSON; so its records are saved here as they are.
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

from local_aws.checkout import is_remembered, region_of
from local_aws.emulator.cloudformation import add_stack_event
from local_aws.emulator.registry import Registry

PAUSE_SECONDS = 2.0
LARGE_BYTES = 64 * 1024
# Records that are not in one of MiniStack's scoped dicts.
PLAIN_RECORDS = {("ministack.services.ec2", "_default_initialized_scopes")}

logger = logging.getLogger("slipway.state")


class State:
    """The records of every MiniStack module in use, and what modules of ours asked to keep."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._directory = registry.checkout.state_directory / "state"
        self._digests: dict[str, str] = {}
        self._left_out: set[str] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_saving, name="slipway-state", daemon=True)

    def restore(self) -> bool:
        """Put everything back that was saved; whether there was anything."""
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
        """Save from now on, on a thread of its own."""
        self._thread.start()

    def end(self) -> None:
        """Save one last time."""
        self._ended.set()
        self._thread.join(timeout=10)
        self.save()

    def save(self) -> None:
        """Write what has changed since the last time, each file at once or not at all."""
        # SecureStrings are among the records.
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._directory / "blobs").mkdir(exist_ok=True)
        if not is_remembered(self._registry.checkout):  # cleaned: the addresses in the records hold its port
            self._registry.checkout.save()
        for name, records in self._everything():
            try:
                self._write(name, records())
            except RuntimeError:
                continue  # a dict grew while it was read; the next round has it
            except (TypeError, AttributeError, pickle.PicklingError) as error:
                if name not in self._left_out:
                    logger.error("%s cannot be saved: %s", name, error)
                self._left_out.add(name)

    def _everything(self) -> Iterator[tuple[str, Callable[[], Any]]]:
        # A copy: MiniStack imports its services on other threads, when they are first asked.
        for name in sorted(name for name in list(sys.modules) if name.startswith("ministack.services.")):
            if _stores(name):
                yield name, partial(_records, name)
        yield "kept", lambda: {name: get() for name, (get, _) in self._registry.kept.items()}

    def _write(self, name: str, records: Any) -> None:
        buffer = io.BytesIO()
        _Writer(buffer, self._directory / "blobs").dump(records)
        digest = hashlib.sha256(buffer.getbuffer()).hexdigest()
        path = self._directory / f"{name}.pickle"
        # Somebody may have cleaned the directory meanwhile.
        if self._digests.get(name) == digest and path.exists():
            return
        part = path.with_suffix(".part")
        part.write_bytes(buffer.getbuffer())
        part.replace(path)
        self._digests[name] = digest

    def _keep_saving(self) -> None:
        pause = PAUSE_SECONDS
        while not self._ended.wait(pause):
            started = time.monotonic()
            try:
                self.save()
            except Exception:
                logger.exception("the state could not be saved")
            # At most a tenth of one core, however much there is to save.
            pause = max(PAUSE_SECONDS, 10 * (time.monotonic() - started))


def end_interrupted_operations(registry: Registry) -> None:
    """Give each stack that was busy when the process ended a state from which a deploy goes on.

    Nothing runs any more that could complete it; at AWS that does not happen.
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
    """Image layers go to files of their own, written once."""

    def __init__(self, file: io.BytesIO, blobs: Path) -> None:
        super().__init__(file, protocol=5)
        self._blobs = blobs

    def persistent_id(self, value: Any) -> str | None:
        if type(value) is not bytes or len(value) < LARGE_BYTES:
            return None
        name = _blob_name(value)
        path = self._blobs / name
        if not path.exists():
            part = path.with_suffix(".part")
            part.write_bytes(value)
            part.replace(path)
        return name


class _Reader(pickle.Unpickler):
    def __init__(self, file: Any, blobs: Path) -> None:
        super().__init__(file)
        self._blobs = blobs

    def persistent_load(self, name: str) -> bytes:
        return (self._blobs / name).read_bytes()


_names: dict[int, tuple[bytes, str]] = {}


def _blob_name(value: bytes) -> str:
    # Layers are hashed once: as long as the cache holds one, its id stands for it.
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
        or (type(value).__name__ in scoped and not name.startswith("__") and _owned(module, name, value))
    }


def _owned(module: str, name: str, value: Any) -> bool:
    # Modules import each other's stores; each is saved with the first module that has it.
    owner = _owners.setdefault(id(value), (module, name))
    return owner == (module, name)


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
