"""The canonical text is what Python's json.dumps writes, for every document."""
import json
import os
import random
import struct
import subprocess

BUILD = os.environ.get("BELFRY_BUILD", ".")


def canonicalise(lines):
    answer = subprocess.run(
        [f"{BUILD}/tests/unit/canonicalise"], capture_output=True,
        input=b"".join(line + b"\n" for line in lines), check=True)
    return answer.stdout.decode().splitlines()


def expected(line):
    return json.dumps(json.loads(line), separators=(",", ":"), sort_keys=True)


def random_double(rng):
    while True:
        value = struct.unpack("<d", rng.randbytes(8))[0]
        if value == value and abs(value) != float("inf"):
            return value


def random_text(rng):
    alphabet = [chr(c) for c in range(1, 0x80)] + list(
        "äöü\u0080\u00ff\u0100\u07ff\u0800\u2028\ud7ff\ue000\ufffd\uffff"
        "\U00010000\U0001f600\U0010ffff")
    return "".join(rng.choice(alphabet) for _ in range(rng.randrange(12)))


def random_value(rng, depth):
    kind = rng.randrange(9 if depth else 7)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind == 1:
        return rng.randrange(-10 ** rng.randrange(1, 40),
                             10 ** rng.randrange(1, 40))
    if kind in (2, 3):
        return rng.choice([random_double(rng), rng.uniform(-1e6, 1e6),
                           round(rng.uniform(-100, 100), 2),
                           float(rng.randrange(10 ** 18))])
    if kind < 7:
        return random_text(rng)
    if kind == 7:
        return [random_value(rng, depth - 1) for _ in range(rng.randrange(6))]
    return {random_text(rng): random_value(rng, depth - 1)
            for _ in range(rng.randrange(40 if rng.random() < .05 else 6))}


def test_random_documents_are_written_as_python_writes_them():
    rng = random.Random(20260410)
    lines = []
    for _ in range(5000):
        value = random_value(rng, 4)
        lines.append(json.dumps(
            value, ensure_ascii=rng.random() < .5,
            indent=None).encode("utf-8", "surrogatepass"))
    for line, got in zip(lines, canonicalise(lines), strict=True):
        assert got == expected(line)


def test_numbers_are_written_as_python_writes_them():
    texts = ["-0", "-0.0", "0.0", "1.0", "1e16", "1e15", "123456789012345680.0",
             "1e-05", "0.0001", "1e22", "1e21", "5e-324", "2.5e-323",
             "1.7976931348623157e308", "2.2250738585072014e-308",
             "2.225073858507201e-308", "0.1", "1e-400", "9007199254740993",
             "18446744073709551616", "-9223372036854775809", "9" * 4300,
             "0." + "3" * 70, "1E5", "1.5e+3", "100000000000000000000.0",
             "0.30000000000000004", "4.35", "1e-7", "12345678901234567e-3"]
    lines = [text.encode() for text in texts]
    for line, got in zip(lines, canonicalise(lines), strict=True):
        assert got == expected(line)


def test_what_is_no_json_is_refused():
    bad = [b"", b" ", b"nul", b"01", b"+1", b"1.", b".5", b"0x10", b"'a'",
           b"[1,]", b"{\"a\":1,}", b"NaN", b"Infinity", b"-", b"-01", b"1e",
           b"1e400", b"-1e400", b"9" * 4301, b"\"\t\"", b"\"\\x41\"",
           b"\"\\uZZZZ\"", b"\"\\u12\"", b"\"\\u0000\"", b"\"a\\u0000b\"",
           b"\"\\ud800\"", b"\"\\udc00\\ud800\"", b"\"\\ud800x\"", b"\"\x80\"",
           b"\"\xc3\"", b"\"\xc0\xaf\"", b"\"\xe0\x80\xaf\"",
           b"\"\xed\xa0\x80\"", b"\"\xf4\x90\x80\x80\"",
           b"\"\xf8\x88\x80\x80\x80\"", b"\xfe\xff", b"\"\xe9\"",
           b"\xef\xbb\xbf{}", b"{} {}", b"{}x", b"{\"a\":1,\"a\":2}",
           b"{\"\":1,\"\":2}", b"/* */ 1", b"{a:1}", b"[1 2]", b"{\"a\" 1}",
           b"[" * 129 + b"]" * 129, b"[" * 500000, b"{\"a\":" * 100000,
           b"\"abc", b"[1", b"{\"a\":1", b"true false", b"\x00", b"1\x00"]
    for line, got in zip(bad, canonicalise(bad), strict=True):
        assert got.startswith("!"), line[:40]


def test_what_is_json_is_taken():
    good = [b"[" * 128 + b"]" * 128, b" \t\r{ \"a\" : [ ] } ", b"\"\x7f\"",
            b"{\"A\":1,\"a\":2}", b"{\"__proto__\":1,\"\":2}",
            b"\"\\ud83d\\ude00\"", "\"\u2028\u0085\"".encode(),
            b"{\"\xf0\x90\x80\x80\":1,\"\xee\x80\x80\":2}"]
    for line, got in zip(good, canonicalise(good), strict=True):
        assert got == expected(line)
