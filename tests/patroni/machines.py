"""Machines that are namespaces: an address on one bridge, a process tree that can lose its power, and folders of their own.

All of it lives in namespaces of this process: nothing of the host's network is touched, and nothing stays."""

import os
import pathlib
import signal
import subprocess
import time

WAIT_MAX_S = 300
NETWORK = "10.0.0"
# As a machine's first process it also buries whatever has lost its parent.
FIRST_PROCESS = "while :; do sleep 3600 & wait $!; done"


def wait_for(what, is_so, seconds_max=WAIT_MAX_S):
    deadline = time.monotonic() + seconds_max
    while not (found := is_so()):
        assert time.monotonic() < deadline, f"not within {seconds_max} s: {what}"
        time.sleep(0.1)
    return found


def make_bridge(names, hosts):
    """Of this process's own network; the names are known to it, and to every machine."""
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "bridge", "type", "bridge")
    run("ip", "address", "add", f"{NETWORK}.1/24", "dev", "bridge")
    run("ip", "link", "set", "bridge", "up")
    lines = [f"{NETWORK}.{10 + number} {name}" for number, name in enumerate(names, 1)]
    hosts.write_text("\n".join(["127.0.0.1 localhost", *lines, ""]))
    run("mount", "--bind", hosts, "/etc/hosts")


def run(*command, **how):
    how = {"check": True, "capture_output": True, "text": True, "timeout": WAIT_MAX_S} | how
    try:
        return subprocess.run([str(part) for part in command], **how).stdout
    except subprocess.CalledProcessError as error:
        raise AssertionError(f"{command}: {error.stdout}{error.stderr}") from error


class Machine:
    def __init__(self, name, number, folder, places):
        """`places`: (folder on this machine, its owner), each empty at first and kept when the power is lost."""
        self.name, self.folder, self.places, self.entered = name, folder, places, []
        self.address = f"{NETWORK}.{10 + number}"
        for place, owner in places:
            kept = self.kept(place)
            kept.mkdir(parents=True, mode=0o700)
            run("chown", owner, kept)
        self.start()

    def kept(self, place):
        return self.folder / self.name / place.strip("/").replace("/", "_")

    def start(self):
        mounts = [f"mount --bind '{self.kept(place)}' {place}" for place, _ in self.places]
        script = " && ".join([*mounts, f"hostname {self.name}", "echo ready", FIRST_PROCESS])
        spaces = ["--net", "--mount", "--pid", "--uts", "--fork", "--kill-child", "--mount-proc"]
        self.outer = subprocess.Popen(["unshare", *spaces, "bash", "-c", script], stdout=subprocess.PIPE, text=True)
        assert self.outer.stdout.readline() == "ready\n", f"{self.name} does not start"
        children = pathlib.Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children")
        self.first_process = int(children.read_text())
        self.space = os.readlink(f"/proc/{self.first_process}/ns/pid")
        run("ip", "link", "add", self.name, "type", "veth", "peer", "name", "eth0", "netns", self.first_process)
        run("ip", "link", "set", self.name, "master", "bridge", "up")
        self.run("root", "ip", "link", "set", "lo", "up")
        self.run("root", "ip", "address", "add", f"{self.address}/24", "dev", "eth0")
        self.run("root", "ip", "link", "set", "eth0", "up")

    def inside(self, user, *command):
        enter = ["nsenter", "--target", str(self.first_process), "--net", "--mount", "--pid", "--uts"]
        return [*enter, "setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--reset-env", *map(str, command)]

    def run(self, user, *command, **how):
        return run(*self.inside(user, *command), **how)

    def begin(self, user, *command, log, **environment):
        """A process that goes on, with a log that is continued."""
        settings = [f"{name}={value}" for name, value in environment.items()]
        command = ["env", "--chdir=/", "LC_ALL=C.UTF-8", *settings, *map(str, command)]
        with open(self.folder / self.name / log, "a") as output:
            how = {"stdout": output, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
            self.entered.append(subprocess.Popen(self.inside(user, *command), **how))

    def processes(self, *programs):
        """Numbers of those that run one of these programs here; of all but the first process without a name."""
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(entry / "ns/pid") != self.space or int(entry.name) == self.first_process:
                    continue
                command = (entry / "cmdline").read_text().replace("\0", " ")
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            if command and (not programs or any(program in command for program in programs)):
                found.append(int(entry.name))
        return found

    def signal(self, which, *programs):
        """Until nobody is left who could have made another process meanwhile."""
        seen = set()
        while new := set(self.processes(*programs)) - seen:
            for process in new:
                try:
                    os.kill(process, which)
                except ProcessLookupError:
                    pass
            seen |= new
        return len(seen)

    def kill(self, *programs):
        assert self.signal(signal.SIGKILL, *programs), f"{programs} do not run on {self.name}"

    def lose_power(self):
        """All that runs on it ends at once, and its files stay; `start` brings it back."""
        self.outer.kill()
        self.outer.wait()
        # `nsenter` stops with the process that it has begun, and does not go on with it; nothing ends before it has noticed.
        for process in self.entered:
            process.send_signal(signal.SIGCONT)
            process.wait(WAIT_MAX_S)
        self.entered = []
        # This process is the first one of its namespace, and so the parent of processes that have lost theirs.
        os.waitpid(self.first_process, 0)

    def cut_off(self):
        run("ip", "link", "set", self.name, "down")

    def reconnect(self):
        run("ip", "link", "set", self.name, "up")
