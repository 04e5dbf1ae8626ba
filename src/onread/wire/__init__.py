"""HTTP messages and S3's codecs. No server, no sockets."""
