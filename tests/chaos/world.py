"""What world.c is told: a disk, a wall clock and a store that go wrong.

The disk is a file system of its own where that is allowed, so that it can
really be full and really be mounted read-only. What a mounted one can't show
to a process that has files open, the preloaded library does.
"""
import contextlib
import mmap
import os
import pathlib
import struct
import subprocess

GOOD, FULL, SYNC_FAILS, READ_ONLY = range(4)
DISK_SIZE = "512m"


class World:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.file = self.folder / "world"
        self.state = self.folder / "disk"
        self.state.mkdir()
        self.file.write_bytes(bytes(24))
        with open(self.file, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 24)
        self.library = self.folder / "world.so"
        subprocess.run(
            ["cc", "-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-shared",
             "-fPIC", "-o", self.library,
             pathlib.Path(__file__).with_name("world.c"), "-ldl"], check=True)
        self.mounted = self._mount("-t", "tmpfs", "-o", f"size={DISK_SIZE}",
                                   "tmpfs")

    def environment(self):
        return {"LD_PRELOAD": str(self.library), "CHAOS_WORLD": str(self.file),
                "CHAOS_STATE": str(self.state)}

    def _mount(self, *words):
        return subprocess.run(["mount", *words, self.state],
                              capture_output=True).returncode == 0

    def _put(self, place, value):
        self.memory[place * 8:place * 8 + 8] = struct.pack("=q", value)

    def disk(self, how):
        self._put(0, how)

    def clock(self, seconds):
        self._put(1, int(seconds * 1e9))

    def lose(self, each):
        self._put(2, each)

    @contextlib.contextmanager
    def full_disk(self):
        """Takes all the room that is left; without a disk of its own, writes
        are told that there is none."""
        if not self.mounted:
            self.disk(FULL)
            try:
                yield
            finally:
                self.disk(GOOD)
            return
        ballast = self.state / "ballast"
        try:
            with open(ballast, "wb", buffering=0) as file, \
                    contextlib.suppress(OSError):
                while True:
                    file.write(bytes(65536))
            yield
        finally:
            os.unlink(ballast)

    def remount(self, how):
        """how: "ro" or "rw". Only while no process has files open to write."""
        return self._mount("-o", f"remount,{how}")

    def close(self):
        if self.mounted:
            subprocess.run(["umount", "-l", self.state], check=False)
