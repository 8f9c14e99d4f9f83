# Python's asyncio: python3 peer.py WORK CLIENTS COUNT prints microseconds of processor time for one trip or one connection; see
# trip.lua and connections.lua, whose works these are.
import asyncio
import os
import ssl
import sys
import time

work, clients, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
folder = os.environ["BENCH_FOLDER"]
line = b"x" * 59 + b"\n"
share = count // clients


def make_context(server):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3
    if server:
        context.load_cert_chain(folder + "/server.pem", folder + "/server.key")
    else:
        context.load_verify_locations(folder + "/ca.pem")
    return context


client_context, server_context = make_context(False), make_context(True)


async def echo(reader, writer):
    async for text in reader:
        writer.write(text)
    writer.close()


async def exchange(reader, writer):
    writer.write(line)
    return await reader.readline()


async def prepare_trip(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client_context)
    for _ in range(3):
        assert await exchange(reader, writer) == line

    async def run():
        for _ in range(share):
            await exchange(reader, writer)
    return run


async def prepare_connections(port):
    async def one():
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client_context)
        assert await exchange(reader, writer) == line
        writer.close()
        await writer.wait_closed()

    async def run():
        for _ in range(share):
            await one()
    for _ in range(3):
        await one()
    return run

prepare = {"trip": prepare_trip, "connections": prepare_connections}[work]


async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=server_context, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    runs = await asyncio.gather(*(prepare(port) for _ in range(clients)))
    before = time.process_time()
    await asyncio.gather(*(run() for run in runs))
    print("%.2f" % ((time.process_time() - before) / (share * clients) * 1e6), flush=True)
    os._exit(0)

asyncio.run(main())
