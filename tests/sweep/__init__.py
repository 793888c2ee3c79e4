"""Kills the pipeline at its AWS calls, and breaks them: `python -m tests.sweep`."""
