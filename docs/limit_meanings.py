"""What limits mean in fewer words than their classes use, for docs/generate.py."""

SERVER = {
    "request_line_bytes": "method, target and version of a request; 414 beyond it",
    "header_block_bytes": "all headers together, each counted with four bytes more; 431 beyond it",
    "header_count": "how many headers; 431 beyond it",
    "header_bytes": "the largest single header; 431 beyond it",
    "trailer_bytes": "trailers, and the spare framing of chunks; the body fails beyond it",
    "pipelined_requests": "requests parsed before the first is answered",
    "head_seconds": "from the first wait, or the first byte of a later head, to a whole header block",
    "idle_seconds": "how long a kept-alive connection may rest between requests",
    "stall_seconds": "how long a caller may take no byte, or an uploader send none",
    "linger_seconds": "how long an unread rest of a body is thrown away before the connection is cut",
    "buffer_bytes": "high-water mark of each direction of a connection; of what its kernel holds unsent, too",
    "drain_body_bytes": "an unread rest of at most this much is read for the sake of the connection",
    "connections": "open at once; more are answered 503 and closed",
    "handshakes": "TLS handshakes in progress at once, beside the connections; one more is cut",
    "handshake_seconds": "from the first wait to the end of a TLS handshake; cut",
    "refused_connections": "of those, on their way out at once; more are closed unheard",
}

POOL = {
    "environments_limit": "processes over all functions",
    "queue_limit": "invocations of one function that may wait for an environment; more get SlowDown",
    "start_timeout_seconds": "from the start of a process to its first request for an event",
    "abandon_grace_seconds": "how long a run goes on that nobody waits for any more",
    "next_timeout_seconds": "from an answer to the request for the next event",
    "idle_seconds": "how long an unused environment is kept",
    "kill_wait_seconds": "how long the end of a killed process is waited for",
    "environment_life_seconds": "the age at which an environment is replaced when it has no run",
    "backoff_first_seconds": "the pause after a failed start, doubled each time",
    "backoff_last_seconds": "the longest such pause",
    "memory_allowance_mb": "what a process may reserve beyond its function's memory",
    "open_files": "descriptors a process may hold",
    "log_bytes_per_invocation": "what a run writes beyond it is dropped, with a marker",
    "log_bytes_per_function": "the latest lines that are kept, in memory",
}

ADMISSION = {
    "in_flight": "requests from head to last byte (`max_in_flight`); one access key may have three quarters",
    "memory_bytes": "what they may hold, counted at its most (`max_request_memory_bytes`); as above",
    "per_target": "of those, for one Object Lambda access point",
    "crowding_seconds": "when others wait for such a place for so long and more come, the access point is "
    "crowded: twice what its function runs at once may be in flight; more get 503 `SlowDown` at once",
    "calm_seconds": "it is crowded until nobody found it full for so long",
    "few": "of a key with next to nothing in flight so many may wait there all the same",
    "waiting": "requests that wait for room, the access keys in turn",
    "patience_seconds": "how long one waits; 503 `SlowDown` with `Retry-After` beyond it",
    "standing_seconds": "a key that has had requests waiting for so long without a break is impatient",
    "short_patience_seconds": "how long the requests of such a key wait",
    "modest": "how many of a key wait for the same at least, before one more of such is refused at once",
}

DOOR = {
    "crowd": "requests that have come and are not begun; with more the door is crowded",
    "short_line": "how many may then, beside the places of each key; more get 503 `SlowDown`",
    "places": "the places of a key then; one when many of it are sent away",
    "few": "how many about to be sent away are many",
    "hold_seconds": "after how long they are told so at the soonest: all within a second",
    "calm_seconds": "a door is crowded until nobody had to be sent away for so long",
    "patience_seconds": "how long one waits to be begun at most; 503 `SlowDown` beyond it",
}
