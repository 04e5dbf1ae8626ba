"""A client of few words: the same request again and again over one connection, or over one each.

python tls_client.py PORT CA|- COUNT SIZE FILE keep|new
"""

import socket
import ssl
import sys
import time


def main(port, ca_file, count, size_bytes, file, connections):
    context = None if ca_file == "-" else ssl.create_default_context(cafile=ca_file)
    with open(file, "rb") as stream:
        request = stream.read()
    buffer = bytearray(1 << 20)
    began = time.perf_counter()
    connection = None
    for _ in range(count):
        if connection is None or connections == "new":
            if connection is not None:
                connection.close()
            connection = connect(port, context)
        connection.sendall(request)
        read_answer(connection, size_bytes, buffer)
    print(time.perf_counter() - began)


def connect(port, context):
    plain = socket.create_connection(("127.0.0.1", port), timeout=60)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return plain if context is None else context.wrap_socket(plain, server_hostname="127.0.0.1")


def read_answer(connection, size_bytes, buffer):
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65536)
        if not piece:
            raise SystemExit("the server closed the connection")
        head += piece
    head, _, body = head.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200") or b"ontent-" not in head:
        raise SystemExit(head.decode())
    left = size_bytes - len(body)
    while left:
        left -= connection.recv_into(buffer, min(left, len(buffer)))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5], sys.argv[6])
