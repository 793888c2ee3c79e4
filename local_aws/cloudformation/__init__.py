"""CloudFormation where MiniStack differs from AWS: events, refusals, references, drift, nested stacks."""
