"""onread: run your code on every S3 read. The self-hosted home of S3 Object Lambda."""

__version__ = "0.1.0"
