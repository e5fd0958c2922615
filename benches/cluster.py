"""PostgreSQL itself, in a folder of its own and as a user of its own, with and without a standby that commits wait for."""

import os
import pathlib
import shutil
import signal
import subprocess
import time

from process import TICKS_A_SECOND, WAIT_MAX_S

NOBODY = 65534
# Debian's own, but for the size of the log: a checkpoint in one measurement and none in the next would be compared.
SETTINGS = ["listen_addresses=", "max_connections=200", "max_wal_size=8GB", "checkpoint_timeout=1h"]


def programs():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    assert found, "PostgreSQL is not here; Debian's package is called postgresql"
    return found[-1].parent


def as_nobody(*command):
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return list(command)
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]


class Cluster:
    def __init__(self, folder, follows=None, synchronous=False):
        self.folder, self.programs = folder, programs()
        folder.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        settings = list(SETTINGS)
        if follows is None:
            self.run("initdb", "-A", "trust", "-U", "flashsale", "-E", "UTF8", "--locale=C", "-D", folder / "data")
        else:
            copy = ["-U", "flashsale", "-R", "-X", "stream", "-c", "fast", "-h", follows.folder, "-D", folder / "data"]
            self.run("pg_basebackup", *copy)
            settings.append(f"primary_conninfo=host={follows.folder} user=flashsale application_name=standby")
        flags = [part for setting in settings for part in ("-c", setting)]
        command = as_nobody(self.programs / "postgres", "-D", folder / "data", "-k", folder, *flags)
        self.process = subprocess.Popen(command, stdout=open(folder / "log", "w"), stderr=subprocess.STDOUT, cwd=folder)
        self.wait(lambda: subprocess.run([self.programs / "pg_isready", "-q", "-h", folder]).returncode == 0)
        if synchronous:
            self.standby = Cluster(folder.with_name(folder.name + "-standby"), follows=self)
            self.ask("alter system set synchronous_standby_names = 'standby'")
            self.ask("select pg_reload_conf()")
            self.wait(lambda: self.ask("select count(*) from pg_stat_replication where sync_state = 'sync'") == "1")

    def wait(self, is_so):
        deadline = time.monotonic() + WAIT_MAX_S
        while not is_so():
            assert time.monotonic() < deadline and self.process.poll() is None, f"see {self.folder}/log"
            time.sleep(0.05)

    def run(self, program, *arguments):
        command = as_nobody(self.programs / program, *map(str, arguments))
        return subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True).stdout

    def ask(self, sql):
        return self.run("psql", "-U", "flashsale", "-h", self.folder, "-d", "postgres", "-Atc", sql).strip()

    def url(self):
        return f"postgres://flashsale@{str(self.folder).replace('/', '%2F')}/postgres"

    def socket(self):
        return self.folder / ".s.PGSQL.5432"

    def cpu_s(self):
        """Of all its processes, those that have ended too."""
        ticks = 0
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                number, fields = stat.read_text().split(" (", 1)
            except FileNotFoundError:
                continue
            fields = fields.rsplit(") ", 1)[1].split()
            if int(number) == self.process.pid:
                ticks += sum(map(int, fields[11:15]))
            elif int(fields[1]) == self.process.pid:
                ticks += sum(map(int, fields[11:13]))
        return ticks / TICKS_A_SECOND

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(WAIT_MAX_S)
        if hasattr(self, "standby"):
            self.standby.stop()
        shutil.rmtree(self.folder)
