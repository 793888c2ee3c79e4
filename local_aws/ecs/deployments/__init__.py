"""How a service deployment moves: the scheduler, rolling, blue/green, and the listener rules."""
