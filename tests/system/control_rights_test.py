"""Rights at the control socket: the kernel says which user has connected."""

import json
import os
import subprocess
import sys

from world_test_case import WorldTestCase

# The last ids before those that user name spaces use; no user has them.
STRANGER = 64998
GROUP = 64999

# Asks as another user: method, path, socket. Prints status and body.
ASK = """
import http.client, socket, sys
method, path, at = sys.argv[1:]
connection = http.client.HTTPConnection("verifyd", timeout=10)
connection.sock = socket.socket(socket.AF_UNIX)
connection.sock.connect(at)
connection.request(method, path, headers={"Content-Length": "0"})
answer = connection.getresponse()
print(answer.status, answer.read().decode())
"""


class ControlRightsTest(WorldTestCase):
    def setUp(self):
        super().setUp()
        self.daemon = self.verifyd()
        for folder in (self.world.directory, self.daemon.directory):
            before = os.stat(folder).st_mode & 0o7777
            os.chmod(folder, before | 0o011)
            self.addCleanup(os.chmod, folder, before)
        self.daemon.start()
        self.socket = self.daemon.settings["control_socket"]

    def ask(self, method, path, user, group, more_groups=()):
        asked = subprocess.run(
            [sys.executable, "-B", "-c", ASK, method, path, self.socket],
            user=user,
            group=group,
            extra_groups=list(more_groups),
            cwd="/",
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        if asked.returncode != 0:
            return asked.stderr.strip().splitlines()[-1], None
        status, body = asked.stdout.split(" ", 1)
        return int(status), json.loads(body)

    def test_whom_only_a_wider_mode_lets_in_may_look_and_not_change(self):
        os.chmod(self.socket, 0o666)
        self.assertEqual(self.ask("GET", "/v1/stats", STRANGER, STRANGER)[0], 200)
        status, refused = self.ask("POST", "/v1/reload", STRANGER, STRANGER)
        self.assertEqual(status, 403)
        self.assertEqual(refused, {"error": "this needs the right to change, you may only look"})
        self.assertEqual(self.ask("DELETE", "/v1/record?address=alice@good.test", STRANGER, STRANGER)[0], 403)

    def test_the_sockets_group_may_change(self):
        os.chown(self.socket, -1, GROUP)
        self.assertEqual(self.ask("POST", "/v1/reload", STRANGER, GROUP)[0], 200)
        self.assertEqual(self.ask("POST", "/v1/reload", STRANGER, STRANGER, [GROUP])[0], 200)

    def test_nobody_else_is_let_in_by_the_mode_that_it_has(self):
        self.assertRegex(self.ask("GET", "/v1/stats", STRANGER, STRANGER)[0], "PermissionError")

    def test_root_may_change(self):
        os.chown(self.socket, -1, GROUP)
        self.assertEqual(self.ask("POST", "/v1/reload", 0, 0)[0], 200)
