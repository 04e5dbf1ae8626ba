"""How many files and sockets this process may have open: asked for once, before anything listens."""

try:
    import resource
except ImportError:  # Windows has no such limit
    resource = None  # type: ignore[assignment]

# More would only cost: the kernel's tables, and loops over descriptors in programs that we start.
_ENOUGH = 65_536


def raise_descriptor_limit() -> int:
    """Lift the soft limit to the hard one, or to what is enough; how many descriptors there are now.

    The soft default of 1,024 is for programs that use select(2), which breaks beyond it; we do not.
    """
    if resource is None:
        return _ENOUGH
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft != resource.RLIM_INFINITY and soft >= wanted:
        return min(soft, _ENOUGH)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (ValueError, OSError):  # macOS names a hard limit that it does not grant
        return soft
    return wanted
