"""The thread of a test's own HTTP server, which stands for another system."""

import threading
from socketserver import BaseServer

_POLL_S = 0.02  # `shutdown` waits for it; by default that is half a second in each test


def serve(server: BaseServer) -> threading.Thread:
    """Serves requests in a thread, until `server.shutdown()`."""
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_S,), daemon=True)
    thread.start()
    return thread
