# SPDX-License-Identifier: ISC
"""Another host's SMTP server that answers as the test says.

    peer = Peer(address, port, {".": b"250\\xff ok\\r\\n"})
    peer.messages                      bytes of each message that came to its final dot
    peer.said                         the lines of every connection, one list for each
    peer.close()

Answers stand under the command, "greeting", or "." for the final dot; a function gets the
connection and the line, and gives the answer or None to hang up.
"""
import contextlib
import pathlib
import socket
import ssl
import subprocess
import threading

USUAL = {"greeting": b"220 peer ESMTP\r\n", "STARTTLS": b"220 go ahead\r\n",
         "DATA": b"354 go\r\n", "QUIT": b"221 bye\r\n"}


def server_context(folder, name="mx.plain.test", authority=None):
    """TLS for a peer with a certificate for `name`, signed by itself or by an authority."""
    folder = pathlib.Path(folder)
    files = ["-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt"]
    by = ["-CA", folder / f"{authority}.crt", "-CAkey", folder / f"{authority}.key"] \
        if authority else []
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name}", *files, *by],
                   check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.crt", folder / f"{name}.key")
    return context


class Connection:
    """One client: what it says, and whether it says it in TLS."""

    def __init__(self, peer, client):
        self.peer, self.client, self.lines, self.tls = peer, client, [], False
        self.file = client.makefile("rb")

    def send(self, data):
        self.client.sendall(data)

    def line(self):
        return self.file.readline(20_000)

    def start_tls(self, context):
        self.client = context.wrap_socket(self.client, server_side=True)
        self.file, self.tls = self.client.makefile("rb"), True

    def answer(self, key, line=b""):
        found = self.peer.answers.get(key, USUAL.get(key, b"250 ok\r\n"))
        if callable(found):
            found = found(self, line)
        if found:
            self.send(found)
        return found

    def hello(self, line):
        extensions = [name for name in self.peer.extensions
                      if name != b"STARTTLS" or not self.tls]
        if "EHLO" in self.peer.answers:
            return self.answer("EHLO", line) is not None
        lines = [b"peer", *extensions]
        self.send(b"".join(b"250-%s\r\n" % text for text in lines[:-1]) +
                  b"250 %s\r\n" % lines[-1])
        return True

    def message(self):
        data = b""
        while not (data.endswith(b"\r\n.\r\n") or data == b".\r\n"):
            line = self.line()
            if not line:
                return False
            data += line
        self.peer.messages.append(data[:-3])
        return self.answer(".") is not None

    def serve(self):
        going = self.answer("greeting") is not None
        while going and (line := self.line()):
            self.lines.append(line.rstrip(b"\r\n").decode(errors="replace"))
            verb = line[:4].strip().upper().decode(errors="replace")
            verb = "STARTTLS" if verb == "STAR" else verb
            if verb == "EHLO":
                going = self.hello(line)
                continue
            said = self.answer(verb, line)
            going = said is not None and verb != "QUIT"
            if verb == "STARTTLS" and said == USUAL["STARTTLS"]:
                self.start_tls(self.peer.context)
            elif verb == "DATA" and said and said.startswith(b"3"):
                going = self.message()


class Peer:
    """Listens until it is closed; with a context it offers STARTTLS, or speaks TLS at once."""

    def __init__(self, address, port, answers=None, extensions=(), context=None, implicit=False):
        self.answers, self.extensions = answers or {}, list(extensions)
        self.context, self.implicit = context, implicit
        if context and not implicit:
            self.extensions.append(b"STARTTLS")
        self.messages, self.said, self.over = [], [], threading.Event()
        self.listener = socket.create_server((address, port))
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        client.settimeout(30)
        with contextlib.suppress(OSError, ssl.SSLError), client:
            connection = Connection(self, client)
            self.said.append(connection.lines)
            if self.implicit:
                connection.start_tls(self.context)
            connection.serve()
            if connection.tls:
                connection.client.unwrap()

    def close(self):
        self.over.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)
