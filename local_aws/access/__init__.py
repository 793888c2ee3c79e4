"""Who may call: roles' policies, web identity, this checkout's key, no web page."""
