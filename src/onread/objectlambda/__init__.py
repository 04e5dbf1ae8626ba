"""The heart: event, token, rendezvous, response."""
