"""Learning from the log of a real Postfix that delivers mail."""

import json
import os
import signal
import subprocess

from child import wait_until
from world_test_case import WorldTestCase

MESSAGE = "From: someone@client.test\nSubject: a test\n\nhello\n"


class LearnTest(WorldTestCase):
    def setUp(self):
        super().setUp()
        self.daemon = self.started(unverified_recipient_reject_code=550)

    def delivered(self, *recipients, flags=()):
        """Sends mails to them, and waits until they are delivered, or not. Returns the log of that."""
        self.world.sender.sendmail("someone@client.test", recipients, MESSAGE, *flags)
        for recipient in recipients:
            self.world.sender.wait_for_log(rf"smtp\[.*(orig_)?to=<{recipient}>.*status=", seconds=20)
        return self.world.sender.log()

    def ctl(self, *arguments, text="", code=0):
        result = self.daemon.ctl("--json", *arguments, text=text)
        self.assertEqual(result.returncode, code, f"{arguments}: {result.stdout}{result.stderr}")
        return json.loads(result.stdout)

    def probes(self):
        return self.ctl("stats")["prober"]["probes"]

    def test_who_was_delivered_to_and_who_was_refused_is_answered_without_a_probe(self):
        log = self.delivered("carol@table.test", "nobody@table.test")
        counts = self.ctl("learn", "-", text=log)
        self.assertEqual((counts["deliveries"], counts["learned"]), (2, 2), log)
        self.assertEqual(self.ask(self.daemon, "carol@table.test"), "DUNNO")
        self.assertRegex(self.ask(self.daemon, "nobody@table.test"), "^550 .*User unknown in relay recipient table")
        self.assertEqual(self.probes(), 0)
        shown = self.daemon.ctl("show", "carol@table.test").stdout
        self.assertRegex(shown, "learned from +a mail log")

    def test_the_log_file_may_be_read_again_and_again(self):
        self.delivered("carol@table.test")
        self.assertGreaterEqual(self.ctl("learn", self.world.sender.log_path)["learned"], 1)
        again = self.ctl("learn", self.world.sender.log_path)
        self.assertEqual(again["learned"], 0, again)
        self.assertGreaterEqual(again["older"], 1)

    def test_neither_a_content_filter_nor_an_alias_teaches_anything(self):
        log = self.delivered("frank@table.test", "info@table.test")
        self.assertIn("orig_to=<info@table.test>", log)
        counts = self.ctl("learn", "-", text=log)
        self.assertEqual((counts["deliveries"], counts["elsewhere"], counts["learned"]), (1, 1, 0), log)
        for user in ("frank", "info", "dave"):
            self.assertEqual(self.daemon.ctl("query", f"{user}@table.test").returncode, 2, user)

    def test_probes_of_postfix_teach_as_deliveries_do(self):
        log = self.delivered("carol@table.test", "nobody@table.test", flags=("-bv",))
        self.assertRegex(log, "status=deliverable")
        self.assertRegex(log, "status=undeliverable")
        self.assertEqual(self.ctl("learn", "-", text=log)["learned"], 2, log)
        self.assertEqual(self.daemon.ctl("query", "carol@table.test").returncode, 0)
        self.assertEqual(self.daemon.ctl("query", "nobody@table.test").returncode, 1)

    def test_without_a_daemon_nothing_is_learned(self):
        self.daemon.stop()
        result = self.daemon.ctl("learn", "-", text=self.delivered("carol@table.test"))
        self.assertEqual(result.returncode, 69)
        self.assertIn("the daemon is not running", result.stderr)

    def test_a_log_that_is_followed_teaches_as_it_grows_and_when_it_is_rotated(self):
        log = self.delivered("carol@table.test", "nobody@table.test").splitlines(keepends=True)
        path = os.path.join(self.daemon.directory, "followed")

        def write(user):
            with open(path, "a", encoding="utf-8") as file:
                file.writelines(line for line in log if f"to=<{user}@table.test>" in line)

        def wait_until_known(user, code):
            known = lambda: self.daemon.ctl("query", f"{user}@table.test").returncode == code
            wait_until(known, 10, f"know of {user}")

        write("somebody else")
        command = [self.daemon.ctl_program, "-c", self.daemon.config_path, "learn", "--follow", path]
        follower = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(follower.communicate)
        self.addCleanup(follower.kill)
        write("carol")
        wait_until_known("carol", 0)
        os.rename(path, f"{path}.1")
        write("nobody")
        wait_until_known("nobody", 1)
        follower.send_signal(signal.SIGINT)
        out, err = follower.communicate(timeout=10)
        self.assertEqual(follower.returncode, 130, err)
        self.assertIn("learned 2 of 2 deliveries in 2 lines", out)
