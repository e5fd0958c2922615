"""What happens to the cluster while the crowd buys, and the table of what came of it."""

import os
import re
import shutil
import signal
import subprocess
import time

from buyers import CATALOGUE, Acknowledged, Buyers
from cluster import ETCD, PATRONI, POSTGRES, PROJECT, Cluster
from judge import judge, longest_gap_s
from machines import WAIT_MAX_S, wait_for

SERVERS = 2
WARNING = "synchronous_standby_names"


def killed(cluster, buyers, leader):
    """PostgreSQL and Patroni at once, by SIGKILL; Patroni is started again once another node leads."""
    leader.kill(PATRONI, *POSTGRES)
    cluster.wait_for_leader_beside(leader)
    buyers.wait_for_more(100)
    cluster.start_patroni(leader)


def postgres_killed(cluster, buyers, leader):
    """PostgreSQL alone: Patroni, which lives, starts it again or has another node lead."""
    leader.kill(*POSTGRES)
    buyers.wait_for_more(100)


def machine_lost(cluster, buyers, leader):
    """Everything on it, etcd too, as when its power is lost; it comes back later."""
    leader.lose_power()
    cluster.wait_for_leader_beside(leader)
    buyers.wait_for_more(100)
    leader.start()
    cluster.start_etcd(leader)
    cluster.start_patroni(leader)


def cut_off(cluster, buyers, leader):
    leader.cut_off()
    cluster.wait_for_leader_beside(leader)
    buyers.wait_for_more(100)
    leader.reconnect()


def paused(cluster, buyers, leader):
    """PostgreSQL and Patroni stand still, and go on when another node leads."""
    leader.signal(signal.SIGSTOP, PATRONI, *POSTGRES)
    cluster.wait_for_leader_beside(leader)
    buyers.wait_for_more(100)
    leader.signal(signal.SIGCONT, PATRONI, *POSTGRES)


def patroni_paused(cluster, buyers, leader):
    """Its PostgreSQL takes writes for ever, as nobody tells it to stop: two nodes that can be written at once."""
    leader.signal(signal.SIGSTOP, PATRONI)
    cluster.wait_for_leader_beside(leader)
    buyers.wait_for_more(100)
    leader.signal(signal.SIGCONT, PATRONI)


def switched_over(cluster, buyers, leader):
    cluster.switch_over()


def etcd_lost(cluster, buyers, leader):
    """Two of its three members are killed; they come back half a minute later."""
    others = [machine for machine in cluster.machines.values() if machine is not leader]
    for machine in others:
        machine.kill(ETCD)
    time.sleep(30)
    for machine in others:
        cluster.start_etcd(machine)


def behind(cluster, buyers, leader):
    """The control: both standbys get nothing more, and nobody waits for them; then the leader is lost."""
    others = [machine for machine in cluster.machines.values() if machine is not leader]
    for machine in others:
        machine.signal(signal.SIGSTOP, "walreceiver")
    buyers.wait_for_more(200)
    leader.lose_power()
    for machine in others:
        # What it has in its socket is lost with it.
        machine.kill("walreceiver")
    cluster.wait_for_leader_beside(leader)
    buyers.wait_for_more(300)
    leader.start()
    cluster.start_etcd(leader)
    cluster.start_patroni(leader)


SCENARIOS = {
    "leader_killed": ("the leader's PostgreSQL and Patroni are killed", killed),
    "postgres_killed": ("the leader's PostgreSQL is killed", postgres_killed),
    "machine_lost": ("the leader's machine loses its power", machine_lost),
    "cut_off": ("the leader is cut off, and a server with it", cut_off),
    "paused": ("the leader stands still, and goes on", paused),
    "patroni_paused": ("the leader's Patroni stands still, its PostgreSQL does not", patroni_paused),
    "switchover": ("a switchover", switched_over),
    "etcd_lost": ("etcd has no majority for 30 s", etcd_lost),
    "control": ("the control: asynchronous standbys that are behind", behind),
}


class Server:
    """Listens on a Unix socket, which is reached from every network; `machine`: where it runs, else on one that nothing befalls."""

    def __init__(self, shop, name, machine=None):
        self.machine, self.socket, self.log = machine, shop / f"{name}.sock", shop / f"{name}.log"
        command = [shop.parent / "flashsale", "serve", "--listen", f"unix:{self.socket}"]
        command = machine.inside("root", "env", f"--chdir={shop}", *command) if machine else command
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(list(map(str, command)), cwd=shop, stdout=log, stderr=log)
        wait_for(f"{name} listens or has ended", lambda: "listening on" in self.log.read_text() or self.process.poll() is not None)
        assert self.process.poll() is None, self.log.read_text()

    def stop(self):
        if self.machine:
            self.machine.signal(signal.SIGTERM, "flashsale serve")
        else:
            self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(WAIT_MAX_S) == 0, f"see {self.log}"


class Sale:
    """A database that is a scenario's own, and a folder with its configuration."""

    def __init__(self, cluster, name):
        self.cluster, self.shop = cluster, cluster.folder / name
        self.shop.mkdir()
        for statement in ("drop database if exists shop with (force)", "create database shop owner flashsale"):
            cluster.ask(cluster.leader(), statement, "postgres")
        configuration = cluster.written("flash_sale.toml").replace("/etc/flashsale", str(cluster.folder))
        self.url = re.search('^db = "(.*)"$', configuration, re.MULTILINE)[1]
        (self.shop / "flash_sale.toml").write_text(f"{configuration}hold_ttl_s = 86400\norder_ttl_s = 0\nallow_open = true\n")
        (self.shop / "flash_sale.toml").chmod(0o600)
        status, printed = self.command("seed", "-", stdin=CATALOGUE)
        assert status == 0, printed

    def command(self, *arguments, stdin=""):
        """On the leader: reports read whatever host comes first, and a standby may be behind."""
        url = self.url.replace("@db1,db2,db3/", f"@{self.cluster.leader().name}/")
        ran = subprocess.run(
            [self.cluster.folder / "flashsale", *arguments], cwd=self.shop, env=os.environ | {"FLASHSALE_DB": url}, input=stdin, text=True, capture_output=True,
            timeout=WAIT_MAX_S,
        )
        return ran.returncode, ran.stdout + (ran.stderr if ran.returncode else "")


def happen(cluster, name, what, befall, seed):
    """Its row of the table, and whether it was as it should be."""
    sale, leader = Sale(cluster, f"{name}_{seed}"), cluster.leader()
    servers = [Server(sale.shop, f"server-{number}") for number in range(SERVERS)]
    if name == "cut_off":
        servers.append(Server(sale.shop, "server-beside-the-leader", leader))
    acknowledged = Acknowledged()
    with Buyers([server.socket for server in servers], acknowledged, seed) as buyers:
        buyers.wait_for_more(200)
        began = time.monotonic()
        befall(cluster, buyers, leader)
        buyers.wait_for_more(100)
        ended = time.monotonic()
        cluster.wait_until_whole()
        buyers.wait_for_more(100)
    for server in servers:
        server.stop()
    verdict = judge(sale.command, acknowledged)
    has_warned = all(WARNING in server.log.read_text() for server in servers)
    is_control = name == "control"
    is_right = has_warned and verdict.lost + verdict.given_twice > 0 if is_control else verdict.is_right()
    told = [len(getattr(acknowledged, kind)) for kind in ("holds", "orders", "payments")]
    refused = ", ".join(f"{count} {why}" for why, count in sorted(acknowledged.refused.items()))
    gap = longest_gap_s(acknowledged.times, began, ended)
    row = [what, *map(str, told), str(verdict.lost), str(verdict.given_twice), f"{gap:.1f} s", refused or "none"]
    print_row(row)
    if not is_right:
        print(f"BROKEN: {name}, seed {seed}: {verdict}, warned: {has_warned}, {acknowledged.contradicted}", flush=True)
    return row, is_right


def print_row(row):
    print(line_of(row), end="", flush=True)


def line_of(row):
    return "| " + " | ".join(row) + " |\n"


def run(folder, chosen, rounds):
    """The table, and whether everything was as it should be."""
    unknown = set(chosen) - set(SCENARIOS)
    assert not unknown, f"there are: {', '.join(SCENARIOS)}"
    chosen = chosen or list(SCENARIOS)
    # A build that goes on meanwhile changes nothing here.
    shutil.copy(PROJECT / "target/debug/flashsale", folder)
    cluster = Cluster(folder)
    head = ["what happens", "holds", "orders", "payments", "lost", "given twice", "without an answer", "asked again after"]
    rows, rights = [head, ["---"] * len(head)], []
    for row in rows:
        print_row(row)
    # The control is last: it has other settings.
    for seed, name in enumerate(sorted((name for name in chosen for _ in range(rounds)), key="control".__eq__), 1):
        if name == "control" and cluster.is_synchronous():
            make_asynchronous(cluster)
        row, is_right = happen(cluster, name, *SCENARIOS[name], seed)
        rows.append(row)
        rights.append(is_right)
    cluster.end()
    return "".join(map(line_of, rows)), all(rights)


def make_asynchronous(cluster):
    cluster.change({"synchronous_mode": False, "synchronous_mode_strict": False, "maximum_lag_on_failover": 1 << 40})
    leader = cluster.leader()
    wait_for("no commit waits", lambda: cluster.ask(leader, "show synchronous_standby_names", "postgres") == "")
    cluster.wait_until_whole()
