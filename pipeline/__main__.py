"""The edge of `slipway` and `python -m pipeline`: parses, runs the command, prints its error, exits.

What takes long to import is imported inside a function, so that Ctrl-C works from the first line on.
"""

import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import argparse

    from rich.console import Console

    from pipeline.cli.console import Reporter
    from pipeline.errors import SlipwayError


def main() -> NoReturn:
    """Run and exit: 0, or the error's own code (docs/exit-codes.md)."""
    signal.signal(signal.SIGINT, _leave)
    from rich.console import Console

    from pipeline.cli import commands
    from pipeline.errors import InterruptedBySignalError, fault_of_ours, full_disk

    arguments = commands.parser().parse_args()
    console = Console(stderr=arguments.json, emoji=False)  # :ok: in a log line is no picture
    # Both: a shell starts a process in the background with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        code = main_inner(arguments, console)
        _flush()
    except BrokenPipeError:
        code = 1
    except OSError as error:  # the disk that the output goes to is full
        known = full_disk(str(error)) or fault_of_ours(error)
        os.write(2, f"error: {known}\n  next: {known.next_step}\n".encode())
        code = known.exit_code
    except KeyboardInterrupt:  # a second Ctrl-C, while the error of the first was printed
        code = InterruptedBySignalError.exit_code
    # Threads that still wait for AWS must not hold the process: what they started goes on in AWS.
    os._exit(code)


def _leave(*_: object) -> None:
    os.write(2, b"error: interrupted before anything was begun\n  next: run the same command again\n")
    os._exit(130)


def _flush() -> None:
    for stream in filter(None, (sys.stdout, sys.stderr)):  # a stream that the shell has closed is None
        stream.flush()


def main_inner(arguments: "argparse.Namespace", console: "Console") -> int:
    """Run one command and give its exit code. Every error is printed here and nowhere else."""
    from pipeline.cli.console import Reporter
    from pipeline.errors import fault_of_ours

    reporter = Reporter(console)
    try:
        failure: SlipwayError | None = arguments.run(arguments, reporter)
    except KeyboardInterrupt:
        failure = _raised(arguments, _interrupted(reporter))
    except Exception as error:  # noqa: BLE001 - a bug is shown with its traceback, and has its exit code too
        from pipeline.aws.errors import in_our_words

        failure = _raised(arguments, in_our_words(error) or fault_of_ours(error))
    if failure is None:
        return 0
    reporter.error(failure)
    return failure.exit_code


def _raised(arguments: "argparse.Namespace", failure: "SlipwayError") -> "SlipwayError":
    """Print the JSON and the job summary of a command that raised before it could do so itself."""
    from pipeline.cli.command import print_json
    from pipeline.cli.console import error_as_json
    from pipeline.github import job_summary

    if arguments.json:
        print_json({"error": error_as_json(failure)})
    words = getattr(arguments, "command", ""), getattr(arguments, "environment", "")
    job_summary.write(job_summary.of_failure(" ".join(filter(None, words)), failure))
    return failure


def _interrupted(reporter: "Reporter") -> "SlipwayError":
    from pipeline.errors import InterruptedBySignalError

    running = reporter.running()
    return InterruptedBySignalError(
        "interrupted",
        why=f"at work were {', '.join(running)}; what AWS was asked for goes on there" if running else "",
        next_step="run the same command again: it carries on where this one stopped",
    )


if __name__ == "__main__":
    main()
