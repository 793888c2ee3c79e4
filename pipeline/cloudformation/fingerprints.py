"""What was deployed last, so that an unchanged stack costs one DescribeStacks call and nothing else.

One SSM parameter per environment holds, for each stack, a hash of what was asked for and the stack's last
update time as AWS gives it. The stack is unchanged while both hold: an update by anybody changes the time.
The parameter is a cache: without it every stack gets a change set, which finds nothing to change. A stack
tag could hold the hash, but CloudFormation puts tags on every resource: a new value would update them all.
"""

import contextlib
import hashlib
import json
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import TypeAdapter, ValidationError

from pipeline.aws.errors import Tolerated
from pipeline.aws.parameters import ParameterVersions
from pipeline.cloudformation.change_set import StackSpec
from pipeline.cloudformation.stacks import StackDescription

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

_STORED = TypeAdapter(dict[str, str])
_READS = " reads"  # after a stack's name: the key of what that stack reads


def parameter_name(service: str, environment: str) -> str:
    """The name of the SSM parameter that holds an environment's fingerprints."""
    return f"/slipway/{service}/{environment}/deployed"


def fingerprint(spec: StackSpec) -> str:
    """A hash over template, parameter values, tags and the versions of what the stack reads, as asked for.
    Secrets are in none of them.
    """
    given = (spec.parameters, spec.tags, spec.reads)
    content = [spec.template.body, *(sorted(items.items()) for items in given)]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


class DeployedFingerprints:
    """The fingerprints in one SSM parameter: read at once, written by `save`. Safe across threads."""

    def __init__(self, ssm: "SSMClient", name: str) -> None:
        self._ssm = ssm
        self._name = name
        self._lock = threading.Lock()
        self._before = self._read()
        self._now = dict(self._before)
        reads = [self.reads(key.removesuffix(_READS)) for key in self._before if key.endswith(_READS)]
        self.versions = ParameterVersions(ssm, (name for one in reads for name in one))
        """The versions that parameters have now; those that stacks were seen to read are read together."""

    def reads(self, stack_name: str) -> dict[str, str]:
        """What a stack read when it was last deployed: name -> version; nothing where that is forgotten."""
        with contextlib.suppress(ValidationError):
            return _STORED.validate_json(self._before.get(stack_name + _READS, "{}"))
        return {}

    @property
    def empty(self) -> bool:
        """Nothing was remembered: nothing has been deployed yet, or the parameter was deleted."""
        return not self._before

    def is_unchanged(self, spec: StackSpec, current: StackDescription) -> bool:
        """Whether `current` is what the deploy of this same `spec` left, and takes an update."""
        if not current.status.ready or spec.template.changes_unseen:
            return False
        return self._before.get(spec.name) == _entry(spec, current)

    def record(self, spec: StackSpec, current: StackDescription) -> None:
        """Keep that `spec` was deployed and left the stack as `current`."""
        with self._lock:
            self._now[spec.name] = _entry(spec, current)
            self._now.pop(spec.name + _READS, None)
            if spec.reads:
                self._now[spec.name + _READS] = json.dumps(dict(spec.reads), separators=(",", ":"))

    def save(self, log: Callable[[str], None]) -> None:
        """Write what was recorded, if it differs from what was read. A failed write does not fail this
        run; it costs the next run a change set for each stack.
        """
        with self._lock:
            if self._now == self._before:
                return
            value = json.dumps(self._now, separators=(",", ":"), sort_keys=True)
            try:
                self._ssm.put_parameter(Name=self._name, Value=value, Type="String", Overwrite=True)
            except (BotoCoreError, ClientError) as error:
                log(f"the fingerprints were not kept, so the next run makes change sets again: {error}")
                return
            self._before = dict(self._now)

    def _read(self) -> dict[str, str]:
        with Tolerated("ParameterNotFound"), contextlib.suppress(ValidationError):
            return _STORED.validate_json(self._ssm.get_parameter(Name=self._name)["Parameter"]["Value"])
        return {}


def _entry(spec: StackSpec, current: StackDescription) -> str:
    return f"{fingerprint(spec)} {current.stack_id.rsplit('/', 1)[-1]} {current.changed_at}"
