"""belfry-module: a module from nothing, and faults that are found."""
import os
import subprocess

import pytest

from harness import PLAIN, SOURCE, channel


def run(*command, check=True, **options):
    done = subprocess.run([str(word) for word in command], text=True,
                          capture_output=True, timeout=300, **options)
    if check:
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """What `make install` puts somewhere, and the variables to use it."""
    root = tmp_path_factory.mktemp("root")
    run("make", "-C", PLAIN, "install", f"DESTDIR={root}")
    header, = root.rglob("module.h")
    library, = root.rglob("libbelfry.so")
    tool, = root.rglob("belfry-module")
    package, = root.rglob("belfry.pc")
    templates, = root.rglob("module-template")
    assert header.parent.name == "belfry"
    return {"root": root, "templates": templates, "environment": {
        **os.environ, "PATH": f"{tool.parent}:{os.environ['PATH']}",
        "LD_LIBRARY_PATH": str(library.parent),
        "PKG_CONFIG_PATH": str(package.parent),
        "PKG_CONFIG_SYSROOT_DIR": str(root)}}


def test_a_module_from_nothing_is_built_checked_and_delivers(installed, belfry,
                                                             receiver, tmp_path):
    env = installed["environment"]
    run("belfry-module", "--templates", installed["templates"], "new",
        "my-pager", cwd=tmp_path, env=env)
    done = run("make", "check", cwd=tmp_path / "my-pager", env=env)
    assert "FAILED" not in done.stdout and done.stdout.count("ok  ") > 6
    run("make", "install", f"DESTDIR={tmp_path}/to", cwd=tmp_path / "my-pager",
        env=env)
    assert list((tmp_path / "to").rglob("my-pager.so"))
    endpoint = receiver()
    b = belfry(f"load_module {tmp_path}/my-pager/my-pager.so;\n" +
               channel(endpoint.url, module="my-pager", more="token t0ken;"))
    b.post("deploy_failed", 'It "failed"')
    request, = endpoint.wait(1)
    assert request.json == {"title": "deploy_failed", "text": 'It "failed"'}
    assert request.headers["Authorization"] == "Bearer t0ken"


def test_nothing_is_overwritten_and_a_bad_name_is_refused(installed, tmp_path):
    new = ["belfry-module", "--templates", installed["templates"], "new"]
    options = {"cwd": tmp_path, "env": installed["environment"]}
    run(*new, "one", **options)
    assert "File exists" in run(*new, "one", check=False, **options).stderr
    for name in ("Pager", "../x", "9x", "x" * 33, ""):
        done = run(*new, name, check=False, **options)
        assert done.returncode == 1 and "expected a name" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_a_belfry_that_pkg_config_does_not_know_is_told_of(installed, tmp_path):
    run("belfry-module", "--templates", installed["templates"], "new",
        "pager", cwd=tmp_path, env=installed["environment"])
    env = {**installed["environment"], "PKG_CONFIG_LIBDIR": str(tmp_path)}
    del env["PKG_CONFIG_PATH"]
    done = run("make", cwd=tmp_path / "pager", env=env, check=False)
    assert done.returncode == 2 and "PKG_CONFIG_PATH.  Stop." in done.stderr
    assert "fatal error" not in done.stderr


@pytest.mark.parametrize("fault, finding", [
    ("NONE", None),
    ("NO_HELP", "directive url has no help"),
    ("SHOWN", "it shows the symbol shown_symbol"),
    ("CRASH", "it crashed: Segmentation fault"),
    ("LEAK", "bytes behind"),
    ("PRINT", "it writes to the standard output"),
    ("BLOCK", "compose waited"),
    ("REFUSE", "compose refused without a reason"),
    ("PASTE", "expected a name"),
    ("JUDGE", "no answer is no delivery"),
    ("UNCHECKED", "allocation"),
])
def test_each_fault_is_found(installed, tmp_path, fault, finding):
    module = tmp_path / "faulty.so"
    flags = run("pkg-config", "--cflags", "--libs", "belfry",
                env=installed["environment"]).stdout.split()
    run("cc", "-std=gnu11", "-fPIC", "-shared", "-fvisibility=hidden", "-O0",
        f"-D{fault}", "-o", module, SOURCE / "tests/modules/faulty.c", *flags)
    done = run("belfry-module", "check", module, check=False,
               env=installed["environment"])
    if finding:
        assert done.returncode == 1
        assert [line for line in done.stdout.splitlines()
                if line.startswith("FAILED") and finding in line], done.stdout
    else:
        assert done.returncode == 0, done.stdout
