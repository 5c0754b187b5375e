"""A name server of the test's own, on a loopback address."""
import socket
import struct
import subprocess
import threading

import pytest

from harness import have

NO_ERROR, SERVER_FAILURE, NO_NAME = 0, 2, 3
A, CNAME, AAAA = 1, 5, 28


def may_unshare():
    return have("unshare") and subprocess.run(
        ["unshare", "-m", "true"], capture_output=True).returncode == 0


needs_namespace = pytest.mark.skipif(
    not may_unshare(), reason="needs a mount namespace (unshare -m)")


class NameServer:
    """answers has for the first label of a name what is said of it: a list of
    addresses, or a function that is given how often the name was asked for
    before (by questions for A) and gives one; a code; "NAME" for a CNAME with
    the addresses of that name. It is silent about any other."""

    def __init__(self, answers):
        self.answers = answers
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # Any loopback address will do; the port is the C library's choice.
        for last in range(2, 250):
            self.address = f"127.0.53.{last}"
            try:
                self.socket.bind((self.address, 53))
                break
            except OSError:
                continue
        else:
            pytest.skip("port 53 of no loopback address is free")
        self.asked = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                question, peer = self.socket.recvfrom(512)
            except OSError:
                return
            name, at = [], 12
            while question[at]:
                name.append(question[at + 1:at + 1 + question[at]].decode())
                at += question[at] + 1
            if not name:
                continue  # no question: the end of the test
            kind, = struct.unpack(">H", question[at + 1:at + 3])
            answer = self._answer(name, kind, question, at + 5)
            if kind == A:
                self.asked.append(".".join(name))
            if answer:
                self.socket.sendto(answer, peer)

    def _answer(self, name, kind, question, end):
        records, count = b"", 0
        said = self.answers.get(name[0])
        if isinstance(said, str):
            target = b"".join(bytes([len(label)]) + label.encode()
                              for label in [said, *name[1:]]) + b"\0"
            records = struct.pack(">HHHIH", 0xc00c, CNAME, 1, 1,
                                  len(target)) + target
            owner = struct.pack(">H", 0xc000 | end + 12)
            count, said = 1, self.answers[said]
        else:
            owner = struct.pack(">H", 0xc00c)
        if callable(said):
            said = said(self.asked.count(".".join(name)))
        if said is None:
            return None
        code = said if isinstance(said, int) else NO_ERROR
        for address in [] if code else said:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            if kind != (AAAA if ":" in address else A):
                continue
            packed = socket.inet_pton(family, address)
            records += owner + struct.pack(">HHIH", kind, 1, 1,
                                           len(packed)) + packed
            count += 1
        return question[:2] + struct.pack(
            ">HHHHH", 0x8180 | code, 1, count, 0, 0) + \
            question[12:end] + records

    def use(self, folder, timeout=3, attempts=2):
        """What starts a program that asks this server: the resolver of the C
        library knows one place for its settings, so that the program runs in a
        mount namespace of its own."""
        conf = folder / "resolv.conf"
        conf.write_text(f"nameserver {self.address}\n"
                        f"options timeout:{timeout} attempts:{attempts}\n")
        return ["unshare", "-m", "sh", "-c",
                'mount --make-rprivate / && mount --bind "$0" '
                '/etc/resolv.conf && exec "$@"', str(conf)]

    def close(self):
        # A blocked recvfrom does not notice close alone.
        self.socket.sendto(b"\0" * 17, (self.address, 53))
        self.socket.close()
