"""`python -m benchmarks.limits.bare_server`: a fixed answer per request on PORT, nothing parsed.

What the load generator reaches against it, it reaches against any backend: the generator's limit
is at least that.
"""

import asyncio
import os

_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n"
    b'{"status":"UP"}'
)


class _Answers(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        # GETs only, so a request ends with an empty line and has no body.
        self._transport.write(_ANSWER * data.count(b"\r\n\r\n"))


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Answers, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(os.environ["PORT"])))
