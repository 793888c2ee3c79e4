"""A count of changes. A thread that looks at the count and then waits misses no change in between."""

import threading


class Changes:
    """Counts changes, and lets threads wait for the next change."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self.count = 0

    def tell(self) -> None:
        with self._condition:
            self.count += 1
            self._condition.notify_all()

    def wait_beyond(self, count: int, timeout: float) -> None:
        """Return once there were more than `count` changes, or after `timeout` seconds."""
        with self._condition:
            self._condition.wait_for(lambda: self.count > count, timeout)
