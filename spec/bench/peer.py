# Python's ssl: python3 peer.py WORK VERSION COUNT [EXTRA] prints one number; see works.lua and driver.lua, whose loop this is.
import gc
import os
import socket
import ssl
import sys
import time

work, version, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
extra = int(sys.argv[4]) if len(sys.argv) > 4 else 0
folder = os.environ["BENCH_FOLDER"]


def make_context(server):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    number = ssl.TLSVersion.TLSv1_2 if version == "TLSv1.2" else ssl.TLSVersion.TLSv1_3
    context.minimum_version = context.maximum_version = number
    if server:
        context.load_cert_chain(folder + "/server.pem", folder + "/server.key")
    else:
        context.check_hostname = False
        context.load_verify_locations(folder + "/ca.pem")
    return context


client_context, server_context = make_context(False), make_context(True)
listener = socket.create_server(("127.0.0.1", 0), backlog=1024)


def wrap(plain, context, **how):
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    plain.setblocking(False)
    return context.wrap_socket(plain, do_handshake_on_connect=False, **how)


def step(end):
    try:
        end.do_handshake()
        return True
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return False


def make_pair(session=None):
    plain = socket.create_connection(listener.getsockname())
    accepted, _ = listener.accept()
    client = wrap(plain, client_context, session=session)
    server = wrap(accepted, server_context, server_side=True)
    client_done = server_done = False
    while not (client_done and server_done):
        client_done = client_done or step(client)
        server_done = server_done or step(server)
    assert session is None or client.session_reused
    return client, server


def close(client, server):
    client.close()
    server.close()


def write(end, data):
    try:
        return end.send(data)
    except ssl.SSLWantWriteError:
        return 0


def read(end):
    try:
        return len(end.recv(65536))
    except ssl.SSLWantReadError:
        return 0


def transfer(source, target, data):
    sent, got, size = 0, 0, len(data)
    while got < size:
        if sent < size:
            sent += write(source, data[sent:] if sent else data)
        while got < size:
            some = read(target)
            if some == 0:
                break
            got += some


def trip(a, b, data):
    transfer(a, b, data)
    transfer(b, a, data)


def connect():
    a, b = make_pair()
    trip(a, b, b"x")
    return a, b


def handshakes():
    begin = time.monotonic()
    for _ in range(count):
        close(*make_pair())
    return count / (time.monotonic() - begin)


def resume():
    a, b = connect()
    session = a.session
    close(a, b)
    begin = time.monotonic()
    for _ in range(count):
        a, b = make_pair(session)
        read(a)
        session = a.session
        close(a, b)
    return count / (time.monotonic() - begin)


def bulk():
    data = bytes(extra)
    a, b = connect()
    begin = time.monotonic()
    for _ in range(count * 1048576 // extra):
        transfer(a, b, data)
    return count / (time.monotonic() - begin)


def trips():
    data = bytes(extra)
    a, b = connect()
    begin = time.monotonic()
    for _ in range(count):
        trip(a, b, data)
    return (time.monotonic() - begin) / count * 1e9


def one_way():
    data, batch = bytes(extra), 64
    a, b = connect()
    begin = time.monotonic()
    for _ in range(count // batch):
        for _ in range(batch):
            assert write(a, data) == extra
        got = 0
        while got < batch * extra:
            got += read(b)
    return (time.monotonic() - begin) / count * 1e9


def resident():
    gc.collect()
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def idle():
    few = [connect() for _ in range(20)]
    before = resident()
    many = [connect() for _ in range(count)]
    answer = (resident() - before) / count
    del few, many
    return answer


works = {"handshake": handshakes, "resume": resume, "bulk": bulk, "trip": trips, "oneway": one_way, "idle": idle}
print("%.3f" % works[work]())
