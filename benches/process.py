"""A server that is measured, and commands that are timed."""

import os
import resource
import signal
import subprocess
import time

WAIT_MAX_S = 600
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


class Server:
    """Listens once it is made. Its log goes to a file, as a service's does."""

    def __init__(self, log, command, **environment):
        began = time.monotonic()
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=open(log, "w"), text=True, env={**os.environ, **environment}
        )
        line = self.process.stdout.readline()
        assert "listening on" in line, f"{command} does not listen: see {log}"
        self.ready_s = time.monotonic() - began
        self.address = line.split()[-1]

    def cpu_s(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            user, system = stat.read().rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / TICKS_A_SECOND

    def resident_mib(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024

    def wait_until_idle(self):
        """Until it has hardly worked for half a second: what is overdue was swept, and the log is in the database."""
        before, deadline = -1.0, time.monotonic() + WAIT_MAX_S
        while self.cpu_s() - before > 0.02:
            assert time.monotonic() < deadline, "the server comes to rest"
            before = self.cpu_s()
            time.sleep(0.5)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(WAIT_MAX_S) in (0, -signal.SIGTERM), "the server ends in peace"


def timed(command, **environment):
    """The command's output, how long it took, its processor time in seconds, and its peak of memory in MiB."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{command} failed:\n{output}"
    return output, time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def raise_descriptor_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
