"""The promise of <belfry/module.h>: a module keeps working when belfry grows."""
import shutil
import subprocess

import pytest
from harness import BUILD, SOURCE, channel

MODULE = SOURCE / "tests" / "modules" / "abi1.c"
SANITIZED = b"__asan_init" in (BUILD / ".libs" / "libbelfry.so").read_bytes()
SANITIZE = ["-fsanitize=address,undefined"] if SANITIZED else []


def build_module(path, *flags):
    subprocess.run(["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-shared",
                    "-fPIC", "-fvisibility=hidden", f"-I{BUILD}/include",
                    *flags, "-o", path, MODULE, f"-L{BUILD}/.libs", "-lbelfry"],
                   check=True)
    return path


@pytest.mark.parametrize("size", [
    "sizeof(struct bf_module)",
    "offsetof(struct bf_module, deliver)",
    "offsetof(struct bf_module, rate)",
])
def test_module_of_abi_1_delivers(belfry, receiver, tmp_path, size):
    """With the struct as it was when those members had not been added."""
    module = build_module(tmp_path / "first.so", f"-DSIZE={size}")
    endpoint = receiver()
    b = belfry(f"load_module {module};\n" + channel(
        endpoint.url, "old", "token abc; priority 5;", module="first"))
    b.wait_state(b.delivery_of(b.post()), "delivered")
    request, = endpoint.wait(1)
    assert request.headers["Priority"] == "5"
    assert request.headers["Authorization"] == "Bearer abc"
    described, = [m for m in b.http("GET", "/v1/modules").json["modules"]
                  if m["name"] == "first"]
    assert described["abi"] == 1 and described["version"] == "1.0"
    b.configure(f"load_module {module};\n" + channel(
        endpoint.url, "old", "priority 5;", module="first"))
    assert "priority 5: expected a token with it" in b.test_conf().stderr


def test_belfry_that_has_a_member_more_loads_it(tmp_path):
    """The loader is built with today's header, changed by one member at the
    end, and gets a module that was built with today's."""
    module = build_module(tmp_path / "first.so")
    headers = tmp_path / "later"
    shutil.copytree(SOURCE / "core", headers / "core",
                    ignore=lambda folder, names: [
                        name for name in names
                        if "." in name and not name.endswith(".h")])
    changed = headers / "core" / "module" / "module.h"
    text = changed.read_text()
    head, end, tail = text.rpartition("\n};\n")
    assert end and "struct bf_module {" in head
    changed.write_text(head + "\n\tint (*later)(const void *conf);" + end + tail)
    public = headers / "belfry"
    public.mkdir()
    for link in (BUILD / "include" / "belfry").iterdir():
        source = link.resolve().relative_to((SOURCE / "core").resolve())
        (public / link.name).symlink_to(headers / "core" / source)
    program = tmp_path / "later-loader"
    libraries = subprocess.run(
        ["pkg-config", "--libs", "libcjson", "openssl"], check=True,
        capture_output=True, text=True).stdout.split()
    subprocess.run(
        ["cc", "-std=gnu11", "-D_GNU_SOURCE", '-DBF_VERSION="later"', *SANITIZE,
         f"-I{headers}", "-o", program, SOURCE / "tests/modules/later.c",
         SOURCE / "core/module/loader.c", SOURCE / "core/module/settings.c",
         BUILD / ".libs/libcore.a", f"-L{BUILD}/.libs", "-lbelfry",
         f"-Wl,-rpath,{BUILD}/.libs", *libraries], check=True)
    done = subprocess.run([program, module], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
