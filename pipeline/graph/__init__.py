"""The templates as a graph, derived from parameters and outputs, and run as soon as inputs exist."""
