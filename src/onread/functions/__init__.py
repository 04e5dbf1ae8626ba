"""How user code is run."""
