"""A thousand hostile servers at a time: each is left in time, and mail for others is verified as fast as before."""

import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
import unittest

import daemon
from hostile_target import WAYS, HostileTargets
from loopback import SMTP_PORT, AddressBlock
from name_server import NameServer
from smtp_target import SmtpTarget, TargetLoop

SERVERS = 1000
PROBE_SECONDS = 12


class HostileTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="verifyd-hostile-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        block = AddressBlock()
        self.addCleanup(block.close)
        zone = ["good IN MX 10 mx.good", f"mx.good IN A {block.address(2)}"]
        for number in range(SERVERS):
            zone.append(f"h{number} IN MX 10 mx.h{number}")
            zone.append(f"mx.h{number} IN A {block.address(10 + number % len(WAYS))}")
        names = NameServer(os.path.join(self.folder, "names"), block.address(1), zone)
        self.addCleanup(names.close)
        loop = TargetLoop()
        self.addCleanup(loop.close)
        self.good = SmtpTarget(loop, "mx.good.test", block.address(2), SMTP_PORT)
        self.addCleanup(self.good.close)
        self.hostile = HostileTargets(loop, [block.address(10 + way) for way in range(len(WAYS))], SMTP_PORT)
        self.addCleanup(self.hostile.close)
        folder = os.path.join(self.folder, "verifyd")
        self.verifyd = daemon.Verifyd(
            os.environ["VERIFYD_BUILD"],
            folder,
            {
                "policy_listen": f"inet:{block.address(3)}:10090",
                "control_socket": os.path.join(folder, "control"),
                "data_directory": os.path.join(folder, "data"),
                "dns_servers": names.endpoint,
                "smtp_tcp_port": str(SMTP_PORT),
                "myhostname": "gateway.test",
                "verify_domains": "*",
                "probe_permit_networks": block.network,
                "address_verify_probe_time_limit": f"{PROBE_SECONDS}s",
                # All are at a few addresses, whose limits would not allow more than this.
                "probe_public_concurrency_limit": str(SERVERS),
                "probe_public_session_rate": "0",
            },
        ).start()
        self.addCleanup(self.verifyd.stop)

    def waits_for_good(self, name, count):
        """The seconds that each new address of the good server takes, one after the other."""
        waits = []
        with self.verifyd.policy() as client:
            for number in range(count):
                action, seconds = client.ask(f"{name}{number}@good.test")
                self.assertEqual(action, "DUNNO")
                waits.append(seconds)
        return waits

    def test_a_thousand_are_left_in_time_and_others_keep_their_speed(self):
        alone = statistics.median(self.waits_for_good("alone", 20))
        asked = "".join(f"joe@h{number}.test\n" for number in range(SERVERS))
        begin = time.monotonic()
        asker = subprocess.Popen(
            [self.verifyd.ctl_program, "-c", self.verifyd.config_path, "--json", "verify", "-"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        asker.stdin.write(asked)
        asker.stdin.close()
        asker.stdin = None
        time.sleep(2)
        waits = self.waits_for_good("beside", 50)
        answers = [json.loads(line) for line in asker.communicate(timeout=50)[0].splitlines()]
        took = time.monotonic() - begin
        self.assertEqual(len(answers), SERVERS)
        self.assertEqual({answer["status"] for answer in answers}, {"unknown"})
        # Each question waits for its probe; some of the first hundred make room for others.
        self.assertLess(took, 3 * PROBE_SECONDS)
        self.assertGreater(self.hostile.most_sessions, SERVERS // 4)
        # On a busy machine single ones may be late.
        self.assertLess(statistics.median(waits), max(10 * alone, 0.1), f"alone {alone:.4f} s")
        with open(f"/proc/{self.verifyd.child.pid}/status", encoding="ascii") as status:
            resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
        self.assertLess(resident, 300 << 10, "KiB: what floods is not kept")


if __name__ == "__main__":
    unittest.main()
