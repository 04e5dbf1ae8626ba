"""``python -m onread`` is ``onread``."""

from onread.cli.main import main

main()
