"""The npm packages that tests use, installed once for each build: kept, by
versions. As a program it prints their folder."""
import shutil
import subprocess

import harness

SOURCE = harness.SOURCE / "tests/npm"


def packages():
    """Installs what is missing and returns the folder."""
    folder = harness.BUILD / "tests-npm"
    wanted = (SOURCE / "package.json").read_text()
    kept = folder / "package.json"
    if not (folder / "installed").exists() or kept.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        kept.write_text(wanted)
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund",
             "--no-package-lock", "--ignore-scripts"], cwd=folder,
            capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
        (folder / "installed").touch()
    return folder


if __name__ == "__main__":
    print(packages())
