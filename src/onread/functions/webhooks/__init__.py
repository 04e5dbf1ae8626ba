"""Functions that are HTTP endpoints: the event is posted to them."""
