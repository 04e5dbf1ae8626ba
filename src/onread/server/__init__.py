"""Sockets; the only place that knows httptools and uvloop."""
