"""Clients that take as long as they can: a third sends a head byte by byte, a third a body, a third
reads a long answer byte by byte. One that is cut off comes again at once."""

import socket
import threading

TICK = 0.2  # seconds between two bytes

HEAD = b"GET /v1/studies HTTP/1.1\r\nHost: localhost\r\n"
BODY = (b"POST /v1/studies HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 5000\r\n\r\n")


class SlowClients:
    def __init__(self, port, n, long_path):
        long = f"GET {long_path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        self.port = port
        self.kinds = [(HEAD, True), (BODY, True), (long, False)]
        self.n, self.n_cut = n, 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def open(self, i):
        first, sends = self.kinds[i % len(self.kinds)]
        connection = socket.create_connection(("127.0.0.1", self.port))
        if not sends:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(first)
        connection.setblocking(False)
        return connection, sends

    def turn(self, connection, sends):
        """One byte; false: the server has hung up."""
        try:
            if sends:
                if connection.send(b"x") != 1:
                    return False
                return connection.recv(1) is None  # anything, or the end: it is refused
            return connection.recv(1) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def run(self):
        clients = [self.open(i) for i in range(self.n)]
        while not self.ended.wait(TICK):
            for i, (connection, sends) in enumerate(clients):
                if not self.turn(connection, sends):
                    self.n_cut += 1
                    connection.close()
                    clients[i] = self.open(i)
        for connection, _ in clients:
            connection.close()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
