"""A template parameter, and what CloudFormation would refuse as its value.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.config.strict_yaml import as_text


@dataclass(frozen=True)
class Parameter:
    """A template parameter. rules: its keys in the template, such as AllowedValues: YAML of any shape."""

    name: str
    type: str = "String"
    default: str | None = None
    rules: Mapping[str, Any] = field(default_factory=dict)

    def fault(self, value: str) -> str | None:
        """Why CloudFormation would refuse `value`, else None. A rule that cannot be judged here, such as a
        pattern that only Java understands, is left to CloudFormation.
        """
        try:
            return self._fault(value)
        except (TypeError, ValueError, re.error):
            return None

    def _fault(self, value: str) -> str | None:
        rules = self.rules
        allowed = rules.get("AllowedValues")
        items = [item.strip() for item in value.split(",")] if "List" in self.type else [value]
        problem = None
        if allowed is not None and any(item not in map(as_text, allowed) for item in items):
            problem = f"allowed are {', '.join(map(as_text, allowed))}"
        elif "AllowedPattern" in rules and not all(re.fullmatch(rules["AllowedPattern"], i) for i in items):
            problem = f"must match {rules['AllowedPattern']}"
        elif self.type == "Number":
            problem = self._number_fault(value)
        elif "MinLength" in rules and len(value) < int(rules["MinLength"]):
            problem = f"needs at least {rules['MinLength']} characters"
        elif "MaxLength" in rules and len(value) > int(rules["MaxLength"]):
            problem = f"may have at most {rules['MaxLength']} characters"
        if problem is None:
            return None
        reason = rules.get("ConstraintDescription")
        return f"is {value!r}; {problem}" + (f" ({reason})" if reason else "")

    def _number_fault(self, value: str) -> str | None:
        try:
            number = float(value)
        except ValueError:
            return "must be a number"
        if "MinValue" in self.rules and number < float(self.rules["MinValue"]):
            return f"must be at least {self.rules['MinValue']}"
        if "MaxValue" in self.rules and number > float(self.rules["MaxValue"]):
            return f"must be at most {self.rules['MaxValue']}"
        return None
