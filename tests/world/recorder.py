# SPDX-License-Identifier: ISC
"""Stands between a mail program and a host, and writes down what both say: so it is found out what
a program needs, before it becomes a dialogue.

    RECORD=/tmp/said python3 -m pytest tests/world/test_imap_programs.py -k mbsync
"""
import itertools
import os
import pathlib
import selectors
import socket
import ssl
import threading

from wire import loose_tls

NUMBERS = itertools.count(1)


class Recorder:
    """A door of its own with the host's certificate. Each connection is a file of the folder, with
    the lines of the program behind "C: " and those of the host behind "S: "."""

    def __init__(self, host, service, folder):
        self.host, self.service, self.folder = host, service, pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(host.folder / "keys/default.crt",
                                     host.folder / "keys/default.key")
        self.socket = socket.create_server((host.world.network.here, 0))
        self.address = self.socket.getsockname()[:2]
        self.test = os.environ["PYTEST_CURRENT_TEST"].split("::")[-1].split(" ")[0]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        path = self.folder / f"{self.test}-{next(NUMBERS)}-{self.service}.txt"
        plain = socket.create_connection((self.host.address, self.host.ports[self.service]))
        with path.open("wb") as file, loose_tls().wrap_socket(plain) as host:
            try:
                with self.context.wrap_socket(client, server_side=True) as program:
                    self._pass_on(program, host, file)
            except OSError as lost:
                file.write(f"# {lost}\n".encode())

    @staticmethod
    def _pass_on(program, host, file):
        rest = {program: b"", host: b""}
        other = {program: host, host: program}
        with selectors.DefaultSelector() as ready:
            for side in other:
                ready.register(side, selectors.EVENT_READ)
            while True:
                for side in [key.fileobj for key, _ in ready.select()]:
                    data = side.recv(65536)
                    while side.pending():
                        data += side.recv(65536)
                    *lines, rest[side] = (rest[side] + data).split(b"\r\n")
                    for line in lines:
                        file.write((b"C: " if side is program else b"S: ") + line + b"\n")
                    file.flush()
                    if not data:
                        return
                    other[side].sendall(data)

    def close(self):
        self.socket.close()
