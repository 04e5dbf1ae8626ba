"""What does this host and path name? Decided here, once."""
