"""Short names for web addresses: a service of another shape than `orders`, on Flask, gunicorn and PyMySQL."""
