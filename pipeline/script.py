"""The `slipway` script: `python -m pipeline` by another name; both hear Ctrl-C from their first line on."""

import runpy


def main() -> None:
    """Run the command line; it exits by itself."""
    runpy.run_module("pipeline", run_name="__main__", alter_sys=True)
