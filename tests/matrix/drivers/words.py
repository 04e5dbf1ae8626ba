"""What a driver is told: one action, or several with ``--then`` between them, for starting costs most."""

import sys


def said(actions):
    """Do it; ``actions`` are the driver's functions by name."""
    words = sys.argv[1:]
    while words:
        end = words.index("--then") if "--then" in words else len(words)
        actions[words[0]](*words[1:end])
        words = words[end + 1 :]
