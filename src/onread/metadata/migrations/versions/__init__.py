"""The migrations, oldest first; each file brings the schema from one revision to the next."""
