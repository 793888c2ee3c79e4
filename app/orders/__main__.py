"""`python -m orders` is the command `orders`."""

from orders.cli import main

if __name__ == "__main__":
    main()
