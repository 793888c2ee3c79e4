"""AWS's own offline validator as a gate: what it finds in the templates, but for the exceptions.

    python .ci/validate_templates.py infra/*.yaml

The exceptions stand in cloudformation-validate.yaml, each with its reason. Errors and warnings count; notes
(which property is create-only, which resource has no tags) do not. An exception that nothing needs any more
fails the gate, too.
https://github.com/aws-cloudformation/cloudformation-validate
"""

import sys
from pathlib import Path

import yaml
from cloudformation_validate import CompositeEngine, Diagnostic, Severity, ValidateConfig

EXCEPTIONS = Path(__file__).with_name("cloudformation-validate.yaml")


def place(diagnostic: Diagnostic) -> str:
    """`E9006 Database Properties.EngineVersion`: the rule, the resource or parameter, and the property."""
    entity, path = diagnostic.entity, diagnostic.property_path
    named = [entity.logical_id if entity else None, path]
    return " ".join([diagnostic.rule_id, *(word for word in named if word)])


def main(files: list[str]) -> int:
    exceptions: dict[str, dict[str, str]] = yaml.safe_load(EXCEPTIONS.read_text(encoding="utf-8"))
    engine, config = CompositeEngine(), ValidateConfig(severity_level=Severity.WARN)
    wrong = []
    for file in files:
        excepted = exceptions.get(Path(file).stem, {})
        needed = set()
        for found in engine.validate_template(file, config).diagnostics:
            if place(found) in excepted:
                needed.add(place(found))
            else:
                wrong.append(f"{file}:{found.start_line}: {place(found)}: {found.message}")
        wrong += [
            f"{EXCEPTIONS.name}: {Path(file).stem}: {unneeded}: nothing needs this exception"
            for unneeded in sorted(excepted.keys() - needed)
        ]
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
