# The HTTPS server of Python's asyncio: see https.lua.
import asyncio
import os
import ssl

FOLDER = os.environ["BENCH_FOLDER"]
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nHello, world!\n"


async def serve(reader, writer):
    async for line in reader:
        if line == b"\r\n":
            writer.write(RESPONSE)


async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(FOLDER + "/server.pem", FOLDER + "/server.key")
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
