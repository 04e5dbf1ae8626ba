"""What we know by name: users, keys, access points, functions. In memory on the road."""
