"""Dies before it has a handler."""

import os

os._exit(3)
