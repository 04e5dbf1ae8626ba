"""An aws-chunked upload as the plain body inside it."""
