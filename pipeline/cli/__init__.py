"""The command line: the arguments, what each command runs, and what a terminal or `--json` shows."""
