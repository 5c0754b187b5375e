"""Each kind of mistake in a conf file: -t says where it is, what it is about and
what was expected, and a daemon that is told to load it goes on as it was."""
import pytest
from harness import Belfry, channel, wait_until

GOOD = channel("http://127.0.0.1:9/")

# Name: what is written (in a file of its own), the line that is to be named,
# and what the message has besides.
MISTAKES = {
    "missing semicolon": ("retention 1d\nlow_space 64m;\n", 1,
                          ("retention",)),
    "semicolon missing at the end": ("retention 1d;\nlow_space 64m", 2,
                                     ("low_space", '";"')),
    "unclosed block": ("events {\n    deploy_failed off;\n", 1,
                       ("events", '"}"')),
    "one brace too many": ("retention 1d;\n}\n", 2, ('"}"',)),
    "unclosed quote": ('pid "/tmp/x;\nretention 1d;\n', 1, ("quote",)),
    "unknown directive": ("\n\nretentoin 1d;\n", 3,
                          ("retentoin", 'did you mean "retention"')),
    "unknown directive in a block": ("channel webhook x {\n    urll y;\n}\n",
                                     2, ("urll", 'did you mean "url"')),
    "no value": ("retention;\n", 1, ("retention",)),
    "too many values": ("retention 1d 2d;\n", 1, ("retention",)),
    "twice": ("retention 1d;\nretention 2d;\n", 2, ("retention", "line 1")),
    "NUL": ("retention 1d;\nlow_space 6\0004m;\n", 2, ("0x00",)),
    "not UTF-8": (b"retention 1d;\npid /tmp/\xff;\n", 2, ("UTF-8",)),
    "a number that overflows": (
        "worker_connections 99999999999999999999;\n", 1,
        ("worker_connections", "too large")),
    "a number that is too large": ("worker_connections 16385;\n", 1,
                                   ("worker_connections", "1 to 16384")),
    "no number": ("worker_connections many;\n", 1, ("worker_connections",)),
    "a duration that overflows": ("retention 99999999999999999999d;\n", 1,
                                  ("retention",)),
    "bad unit of a duration": ("retention 5x;\n", 1, ("retention", "5x")),
    "bad unit of a size": ("low_space 64q;\n", 1, ("low_space", "64q")),
    "neither on nor off": ("events {\n    deploy_failed maybe;\n}\n", 2,
                           ("deploy_failed", "on or off")),
    "unknown event type": ("events {\n    deploy_faild off;\n}\n", 2,
                           ("deploy_faild", "deploy_failed")),
    "pattern that fits nothing": (
        "channel webhook x {\n    url http://127.0.0.1:9/;\n"
        "    events deploj_*;\n}\n", 3, ("deploj_*",)),
    "bad URL": ("channel webhook x {\n    url ftp://127.0.0.1/;\n}\n", 2,
                ("url", "http")),
    "required directive left out": ("\nchannel webhook x {\n}\n", 2,
                                    ("url",)),
    "two channels of one name": (
        "channel webhook x { url http://127.0.0.1:9/; }\n"
        "channel webhook x { url http://127.0.0.1:9/; }\n", 2, ("x", ":1")),
    "variable that is not set": (
        "channel webhook x {\n    url http://127.0.0.1:9/;\n"
        "    secret env:BELFRY_NOT_SET;\n}\n", 3,
        ("secret", "BELFRY_NOT_SET")),
    "secret file that is not there": (
        "channel webhook x {\n    url http://127.0.0.1:9/;\n"
        "    secret file:/nonexistent/secret;\n}\n", 3,
        ("secret", "/nonexistent/secret")),
    "module that is not there": ("\nload_module /nonexistent.so;\n", 2,
                                 ("/nonexistent.so",)),
    "include that is not there": ("\ninclude /nonexistent/a.conf;\n", 2,
                                  ("/nonexistent/a.conf",)),
    "include of itself": ("\ninclude SELF;\n", 2, ("include",)),
    "bad token": ("token x {\n    value short-and-weak-but-long;\n"
                  "    scope root;\n}\n", 3, ("scope", "ingest")),
    "bad name of a tenant": ("tenant a/b {\n}\n", 1, ("tenant",)),
}


@pytest.fixture(scope="module")
def part(module_closing, tmp_path_factory):
    """A running belfry, and the file that its conf file includes."""
    folder = tmp_path_factory.mktemp("mistakes")
    path = folder / "part.conf"
    path.write_text("")
    b = module_closing(Belfry(folder / "belfry",
                              f"include {path};\n" + GOOD)).start()
    return b, path


@pytest.mark.parametrize("kind", MISTAKES)
def test_mistake(part, kind):
    b, path = part
    text, line, says = MISTAKES[kind]
    if isinstance(text, str):
        text = text.replace("SELF", str(path)).encode()
    path.write_bytes(text)
    done = b.test_conf()
    assert done.returncode == 1, done
    [message] = [one for one in done.stderr.splitlines()
                 if str(path) in one][:1]
    assert f"{path}:{line}: " in message, message
    for word in says:
        assert word in message, message
    workers = b.pids("worker")
    assert not b.reload()
    assert f"{path}:{line}: " in b.log().rpartition("reconfiguring")[2]
    assert b.pids("worker") == workers
    assert b.http("GET", "/readyz").status == 200


def test_line_of_a_megabyte(part):
    b, path = part
    path.write_text("# " + "x" * 1000000 + "\nretentoin 1d;\n")
    done = b.test_conf()
    assert done.returncode == 1 and f"{path}:2: " in done.stderr, done.stderr
    path.write_text("pid /" + "x" * 1000000 + ";\n")
    done = b.test_conf()
    assert done.returncode == 1 and f"{path}:1: " in done.stderr
    assert len(done.stderr) < 2000, len(done.stderr)
    assert not b.reload()


def test_include_of_10000_files(part, tmp_path):
    b, path = part
    for number in range(10000):
        (tmp_path / f"{number:05}.conf").write_text("")
    path.write_text(f"include {tmp_path}/*.conf;\n")
    done = b.test_conf()
    # Taken, or refused where it stands: and over soon either way.
    assert done.returncode == 0 or f"{path}:1: " in done.stderr, done.stderr
    (tmp_path / "05000.conf").write_text("\nretentoin 1d;\n")
    done = b.test_conf()
    assert done.returncode == 1, done
    assert f"{tmp_path}/05000.conf:2: " in done.stderr or \
        f"{path}:1: " in done.stderr, done.stderr


def test_it_all_ends_well(part):
    """After all those refusals a good file is taken into use."""
    b, path = part
    path.write_text(channel("http://127.0.0.1:9/", "other"))
    assert b.test_conf().returncode == 0
    assert b.reload()
    # The scheduler takes it into use some time after the master has said so.
    wait_until(lambda: [c["name"] for c in b.http(
        "GET", "/v1/channels").json["channels"]] == ["hook", "other"],
        "both channels are there")
