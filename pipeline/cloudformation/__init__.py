"""Stacks: change sets, events, drift, deletion, their secrets, and the fingerprints of what was deployed."""
