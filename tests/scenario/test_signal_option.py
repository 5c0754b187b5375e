"""belfry -s tells the running daemon what to do, whatever its conf file has
become, and without the secrets that it was started with."""
import subprocess

from harness import BUILD, channel, wait_until


def signal(b, name, *options):
    return subprocess.run(
        [BUILD / "belfry", "-c", b.conf_file, "-s", name, *options],
        capture_output=True, text=True, cwd=b.folder, timeout=60)


def test_signals_reach_the_daemon(belfry, receiver):
    conf = channel(receiver().url, more="secret env:HOOK_SECRET;")
    b = belfry(conf, environment={"HOOK_SECRET": "s"})
    assert signal(b, "reload").returncode == 0
    wait_until(lambda: "reconfigured" in b.log(), "the reload")
    b.configure(conf + "bogus;")
    assert signal(b, "quit").returncode == 0
    assert b.ended() == 0
    gone = signal(b, "quit")
    assert gone.returncode == 1 and "no running belfry" in gone.stderr


def test_reload_of_a_bad_conf_file_is_refused_to_who_asks_for_it(belfry):
    b = belfry()
    b.configure("channel webhook bad { }")
    bad = signal(b, "reload")
    assert bad.returncode == 1 and not bad.stdout
    assert f"belfry: {b.conf_file}:" in bad.stderr and '"url"' in bad.stderr
    assert "the running belfry goes on as it is" in bad.stderr
    b.configure("")
    assert signal(b, "reload").returncode == 0
    wait_until(lambda: "reconfigured" in b.log(), "the reload")
    assert b.log().count("reconfiguring") == 1
    # The daemon may have a variable that we don't: only it can tell.
    b.configure(channel("http://127.0.0.1:1/", more="secret env:NOT_HERE;"))
    unknown = signal(b, "reload")
    assert unknown.returncode == 0
    assert "NOT_HERE" in unknown.stderr and "says in its log" in unknown.stderr
    wait_until(lambda: "NOT_HERE" in b.log(), "the daemon's own answer")


def test_options(belfry):
    def run(*words):
        return subprocess.run([BUILD / "belfry", *words], timeout=60,
                              capture_output=True, text=True)

    for word in ("-h", "-?", "--help"):
        done = run(word)
        assert done.returncode == 0 and not done.stderr
        assert done.stdout.startswith("usage: belfry ")
        assert "starts the daemon" in done.stdout
    for word in ("-v", "--version"):
        assert run(word).stdout.startswith("belfry version: belfry/")
    for words, says in ((["-x"], "unknown option -x"),
                        (["--nosuch"], "unknown option --nosuch"),
                        (["-c"], "option -c needs a value"),
                        (["reload"], "did you mean -s reload?"),
                        (["start"], 'unexpected argument "start"\n')):
        done = run(*words)
        assert done.returncode == 1 and not done.stdout
        assert done.stderr.startswith(f"belfry: {says}" if says[0] in "uo"
                                      else "belfry: "), done
        assert says in done.stderr and "try: belfry -h" in done.stderr


def test_pid_file_is_found_as_the_daemon_finds_it(belfry):
    b = belfry(start=False)
    b.conf_file.write_text("daemon off;")
    named = signal(b, "stop", "-g", f"pid {b.folder}/other.pid;")
    assert f"{b.folder}/other.pid names none" in named.stderr
    b.conf_file.write_text("pid a b;")
    assert "expected one path" in signal(b, "stop").stderr
    unknown = signal(b, "restart")
    assert unknown.returncode == 1
    assert "expected stop, quit, reopen or reload" in unknown.stderr
