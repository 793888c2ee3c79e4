"""The one-click launch in several regions: launched by taskcat, tested, deleted."""
