"""What the kernel is told about connections."""

import socket


def keep_little_unsent(listening: socket.socket, most_bytes: int) -> None:
    """For a peer that takes nothing the kernel keeps about so much, beside what is on its way to it.

    By default it buffers megabytes for each connection: memory that no limit of ours counts, and work done
    for somebody who may never ask for it. What a quick peer gets is not affected. Connections inherit it from
    the socket that they were accepted from. Sockets that are not TCP's, and systems without: nothing.
    """
    if hasattr(socket, "TCP_NOTSENT_LOWAT") and listening.family in (socket.AF_INET, socket.AF_INET6):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, most_bytes)
