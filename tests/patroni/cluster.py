"""Three data nodes with etcd and Patroni, configured by the files of deploy/patroni, as docs/scale-out.md sets them up."""

import json
import os
import pathlib
import secrets
import time
import urllib.request

from machines import Machine, make_bridge, run, wait_for

PROJECT = pathlib.Path(__file__).resolve().parent.parent.parent
FILES = PROJECT / "deploy/patroni"
NODES = ["db1", "db2", "db3"]
PLACES = [
    ("/etc/patroni", "postgres"),
    ("/var/lib/postgresql", "postgres"),
    ("/var/run/postgresql", "postgres"),
    ("/var/lib/etcd", "etcd"),
]
PATRONI_PROGRAM = os.environ.get("FLASHSALE_TEST_PATRONI", str(PROJECT / "target/patroni/bin/patroni"))
PATRONI = "bin/patroni"
POSTGRES = ("/bin/postgres ", "postgres: ")
ETCD = "bin/etcd"
LEADERS = ("leader", "master")


class Cluster:
    def __init__(self, folder):
        self.folder = folder
        self.passwords = {name: secrets.token_urlsafe(16) for name in ("PASSWORD_1", "PASSWORD_2", "PASSWORD_3", "PASSWORD")}
        make_bridge(NODES, folder / "hosts")
        self.make_authority()
        self.machines = {name: Machine(name, number, folder, PLACES) for number, name in enumerate(NODES, 1)}
        for machine in self.machines.values():
            self.configure(machine)
        for machine in self.machines.values():
            self.start_etcd(machine)
        for machine in self.machines.values():
            self.start_patroni(machine)
        self.wait_until_whole()
        self.ask(self.leader(), f"create role flashsale login password '{self.passwords['PASSWORD']}'", "postgres")

    def end(self):
        for machine in self.machines.values():
            machine.lose_power()

    def written(self, file, node=""):
        """The file as it stands in the project, with what is this node's own."""
        text = (FILES / file).read_text().replace("NODE", node)
        for name, password in self.passwords.items():
            text = text.replace(name, password)
        return text

    def make_authority(self):
        """As docs/postgresql.md has it."""
        names = "subjectAltName = DNS:{}\nbasicConstraints = CA:FALSE\n"
        new = ["openssl", "req", "-nodes", "-newkey", "rsa:2048"]
        root = ["-x509", "-days", "2", "-keyout", "root.key", "-out", "root.pem", "-subj", "/CN=our shop"]
        run(*new, *root, cwd=self.folder)
        for node in NODES:
            (self.folder / "names").write_text(names.format(node))
            run(*new, "-keyout", f"{node}.key", "-out", f"{node}.csr", "-subj", f"/CN={node}", cwd=self.folder)
            by = ["-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-extfile", "names"]
            run("openssl", "x509", "-req", "-in", f"{node}.csr", *by, "-days", "2", "-out", f"{node}.pem", cwd=self.folder)

    def configure(self, machine):
        etc = machine.kept("/etc/patroni")
        (etc / "config.yml").write_text(self.written("patroni.yml", machine.name))
        (etc / "root.pem").write_bytes((self.folder / "root.pem").read_bytes())
        for kind in ("key", "pem"):
            (etc / f"server.{kind}").write_bytes((self.folder / f"{machine.name}.{kind}").read_bytes())
        run("chmod", "-R", "go=", etc)
        run("chown", "-R", "postgres", etc)

    def start_etcd(self, machine):
        lines = self.written("etcd.env", machine.name).splitlines()
        settings = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
        machine.begin("etcd", "/usr/bin/etcd", log="etcd.log", **settings)

    def start_patroni(self, machine):
        machine.begin("postgres", PATRONI_PROGRAM, "/etc/patroni/config.yml", log="patroni.log")

    def ask(self, machine, sql, database="shop"):
        return machine.run("postgres", "psql", "-U", "postgres", "-h", "/var/run/postgresql", "-d", database, "-Atc", sql).strip()

    def members(self, asked=None):
        """By name, as one of the machines that can be reached sees them."""
        for machine in [asked] if asked else self.machines.values():
            try:
                with urllib.request.urlopen(f"http://{machine.address}:8008/cluster", timeout=3) as answer:
                    return {member["name"]: member for member in json.load(answer)["members"]}
            except (OSError, ValueError):
                continue
        return {}

    def leader_beside(self, *names):
        """Of the machines but these."""
        others = [machine for name, machine in self.machines.items() if name not in names]
        for machine in others:
            for member in self.members(machine).values():
                is_leader = member["role"] in LEADERS and member["state"] == "running"
                if is_leader and member["name"] not in names:
                    return self.machines[member["name"]]
        return None

    def leader(self):
        return wait_for("there is a leader", self.leader_beside)

    def wait_for_leader_beside(self, machine):
        return wait_for("another leader", lambda: self.leader_beside(machine.name))

    def is_whole(self):
        members = self.members().values()
        roles = sorted(member["role"] for member in members if member["state"] in ("running", "streaming"))
        leaders = [role for role in roles if role in LEADERS]
        wanted = 1 if self.is_synchronous() else 0
        is_level = all(member.get("lag", 0) == 0 for member in members)
        return len(roles) == 3 and len(leaders) == 1 and roles.count("sync_standby") == wanted and is_level

    def wait_until_whole(self):
        wait_for("a leader and two standbys that have all", self.is_whole)

    def change(self, settings):
        """The cluster's own, as `patronictl edit-config` does it."""
        wanted, kind = json.dumps(settings).encode(), {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://{self.machines['db1'].address}:8008/config", wanted, kind, method="PATCH")
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200, answer.read()

    def is_synchronous(self):
        for machine in self.machines.values():
            try:
                with urllib.request.urlopen(f"http://{machine.address}:8008/config", timeout=3) as answer:
                    return json.load(answer).get("synchronous_mode", False)
            except (OSError, ValueError):
                continue
        return True

    def switch_over(self):
        """To the synchronous standby, as `patronictl switchover` asks for it."""
        leader = self.leader()
        standby = next(name for name, member in self.members().items() if member["role"] == "sync_standby")
        wanted = json.dumps({"leader": leader.name, "candidate": standby}).encode()
        request = urllib.request.Request(f"http://{leader.address}:8008/switchover", wanted, {"Content-Type": "application/json"})
        began = time.monotonic()
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 200, answer.read()
        wait_for("the standby leads", lambda: self.leader_beside(leader.name))
        return time.monotonic() - began
