"""AWS's own service models route, parse and answer."""
