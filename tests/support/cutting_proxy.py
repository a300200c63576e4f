"""A TCP relay between a client and a server that cuts connections where a test wishes.

    with CuttingProxy(server.port) as proxy:
        proxy.cuts = [70000, None]   # the first connection ends after so many bytes of the client's,
        worker(url=proxy.url)        # the second does not; all after the last are like the last
        proxy.n_cut                  # how many were cut
"""

import socket
import threading


class CuttingProxy:
    def __init__(self, port):
        self.target = ("127.0.0.1", port)
        self.cuts, self.n_cut, self.n_connections = [None], 0, 0
        self.lock = threading.Lock()
        self.open = set()

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()
        with self.lock:
            ends = list(self.open)
        for end in ends:
            self._close(end)

    @staticmethod
    def _close(end):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                cut = self.cuts[min(self.n_connections, len(self.cuts) - 1)]
                self.n_connections += 1
            try:
                server = socket.create_connection(self.target)
            except OSError:
                client.close()
                continue
            with self.lock:
                self.open |= {client, server}
            threading.Thread(target=self._relay, args=(client, server, cut), daemon=True).start()
            threading.Thread(target=self._relay, args=(server, client, None), daemon=True).start()

    def _relay(self, source, sink, left):
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                if left is not None and len(data) >= left:
                    sink.sendall(data[:left])
                    with self.lock:
                        self.n_cut += 1
                    break
                left = None if left is None else left - len(data)
                sink.sendall(data)
        except OSError:
            pass
        self._close(source)
        self._close(sink)
        with self.lock:
            self.open -= {source, sink}
        source.close()
