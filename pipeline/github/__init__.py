"""What GitHub reads: job summaries, annotations, step outputs, comments and issues."""
