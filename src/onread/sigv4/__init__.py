"""Who signed this? Signature version 4, both directions, pure."""
