"""MiniStack, wrapped: what the other packages of the local AWS see of the emulator."""
