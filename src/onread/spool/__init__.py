"""Results kept on disk for a while: bounded, verified when read, shared by the workers of a gateway."""
