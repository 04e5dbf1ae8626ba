"""The road of one request."""
