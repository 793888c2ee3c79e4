"""Stacks: change sets, events, drift, deletion, their secrets, and the memory of what was deployed."""
