"""The embedded store: objects on a local disk."""
