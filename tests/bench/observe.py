"""observe.py - processes, what they use, and what they do"""
import contextlib
import glob
import os
import re
import socket
import subprocess
import time


class Invalid(Exception):
    """A run that has no result."""


def values(line):
    """The key=value pairs of a line of figures."""
    return {k: v for k, v in re.findall(r"(\w+)=(\S+)", line)}


def processes(root):
    """The process and all it started, by the parents in /proc."""
    children = {}
    for entry in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError):
            with open(entry) as file:
                stat = file.read()
            pid = int(entry.split("/")[2])
            parent = int(stat.rsplit(")", 1)[1].split()[1])
            children.setdefault(parent, []).append(pid)
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def pss_mib(root):
    """Memory of the process tree: the sum of its proportional set sizes."""
    kib = 0
    for pid in processes(root):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/smaps_rollup") as file:
                kib += sum(int(line.split()[1]) for line in file
                           if line.startswith("Pss:"))
    return kib / 1024


def cpu_seconds(root):
    """User and system time of each process of the tree, by its id."""
    seconds = {}
    for pid in processes(root):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            seconds[pid] = (sum(map(int, fields[11:13])) /
                            os.sysconf("SC_CLK_TCK"))
    return seconds


def cpu_since(before, root, title=""):
    """What the processes took since then, of those that are there now: a
    reload replaces some. With a title, only those that show it."""
    used = 0
    for pid, seconds in cpu_seconds(root).items():
        with open(f"/proc/{pid}/cmdline") as file:
            if title in file.read():
                used += seconds - before.get(pid, 0)
    return used


def wakeups(root):
    """How often the processes went to sleep by themselves."""
    count = 0
    for pid in processes(root):
        for status in glob.glob(f"/proc/{pid}/task/*/status"):
            with contextlib.suppress(OSError):
                with open(status) as file:
                    count += sum(int(line.split()[1]) for line in file
                                 if line.startswith("voluntary_ctxt"))
    return count


def wait_for(what, condition, seconds):
    """Waits until condition() holds; Invalid if it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Invalid(f"{what}: not within {seconds} s")
        time.sleep(0.05)


def listening(port):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 0.2).close()
        return True
    return False


def end(process, seconds=30):
    """Ends what was started, by its process id; at last with SIGKILL."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
