"""Which requests are refused: by a role's policies, of a bad token, of another checkout, of a browser."""
