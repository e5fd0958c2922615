#!/usr/bin/env python3
"""Patroni fails over under load: three data nodes, each a machine of its own network namespace, and two servers of a sale.

    tests/patroni/run.py             everything: some ten minutes
    tests/patroni/run.py NAME ...    those
    tests/patroni/run.py --write     everything, and the figures into docs/scale-out.md

Needs root, for the namespaces, and installs Debian's etcd-server, iproute2 and postgresql where they are missing, and Patroni
below target/patroni. FLASHSALE_TEST_PATRONI=/usr/bin/patroni takes another one.
In turn the leader is killed, cut off, paused and relieved, and etcd loses its majority. After each, what was acknowledged is
there, no id was given twice, nothing is oversold, and `flashsale verify` finds the books right; the time in which nobody was
answered is told. The control is an asynchronous standby, where acknowledged holds are lost, and the judge finds it. Ends with 1
where a promise is broken, or where the control breaks none. FLASHSALE_TEST_ROUNDS has each one so many times."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PACKAGES = {"etcd": "etcd-server", "ip": "iproute2", "openssl": "openssl"}
PROJECT = pathlib.Path(__file__).resolve().parent.parent.parent
REQUIREMENTS = pathlib.Path(__file__).resolve().with_name("requirements.txt")
TOOLS = PROJECT / "target/patroni"
INSIDE = "INSIDE_OF_NAMESPACES"
SPACES = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]


def main():
    if INSIDE not in os.environ:
        install()
        subprocess.run(["cargo", "build", "-q", "--features", "postgres"], cwd=PROJECT, check=True)
        return subprocess.run(["unshare", *SPACES, sys.executable, __file__, *sys.argv[1:]], env=os.environ | {INSIDE: "1"}).returncode
    import scenarios

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="flashsale-patroni-"))
    folder.chmod(0o755)
    is_right = False
    try:
        chosen = [name for name in sys.argv[1:] if name != "--write"]
        table, is_right = scenarios.run(folder, chosen, int(os.environ.get("FLASHSALE_TEST_ROUNDS", "1")))
        if "--write" in sys.argv and is_right:
            write(table)
    finally:
        if is_right:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"logs are in {folder}")
    return 0 if is_right else 1


def write(table):
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=PROJECT, capture_output=True, text=True).stdout.strip()
    about = f"{time.strftime('%Y-%m-%d')}, {commit}, {os.cpu_count()} cores that other work shared; the debug build.\n\n"
    document = PROJECT / "docs/scale-out.md"
    place = re.compile(r"(<!-- patroni -->\n).*?(<!-- end of patroni -->\n)", re.DOTALL)
    document.write_text(place.sub(lambda found: f"{found[1]}\n{about}{table}\n{found[2]}", document.read_text()))


def install():
    missing = [package for program, package in PACKAGES.items() if shutil.which(program) is None]
    if not list(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        missing.append("postgresql")
    if subprocess.run(["/usr/bin/python3", "-c", "import ensurepip, venv"], stderr=subprocess.DEVNULL).returncode:
        missing.append("python3-venv")
    if missing:
        install_packages(missing)
    # As the user postgres, who sees nothing of a Python that is root's own.
    installed = TOOLS / "installed.txt"
    if not installed.exists() or installed.read_text() != REQUIREMENTS.read_text():
        subprocess.run(["/usr/bin/python3", "-m", "venv", "--clear", TOOLS], check=True)
        subprocess.run([TOOLS / "bin/pip", "install", "-q", "--disable-pip-version-check", "-r", REQUIREMENTS], check=True)
        installed.write_text(REQUIREMENTS.read_text())


def install_packages(missing):
    """Without starting services."""
    policy = pathlib.Path("/usr/sbin/policy-rc.d")
    is_ours = not policy.exists()
    if is_ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        apt = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], env=apt, check=True)
    finally:
        if is_ours:
            policy.unlink()


if __name__ == "__main__":
    sys.exit(main())
