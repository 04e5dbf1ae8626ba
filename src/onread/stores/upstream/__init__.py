"""Any S3 endpoint as a store: the request is signed again and forwarded raw, and so is the answer."""
