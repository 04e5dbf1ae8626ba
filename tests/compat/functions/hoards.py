"""Takes more memory than it may have."""


def handler(event, context):
    hoard = []
    while True:
        hoard.append(bytearray(16 << 20))
