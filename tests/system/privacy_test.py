"""A daemon that may keep no addresses in clear."""

import glob
import json
import os
import stat

from world_test_case import WorldTestCase


class PrivacyTest(WorldTestCase):
    def kept(self, verifyd):
        """All bytes that the daemon has left on disk, except its log and settings."""
        files = glob.glob(os.path.join(verifyd.settings["data_directory"], "**"), recursive=True)
        return b"".join(open(path, "rb").read() for path in files if os.path.isfile(path))

    def test_addresses_are_kept_as_hashes_and_answers_stay(self):
        verifyd = self.started(
            address_verify_cache_privacy="hashed", log_address="hashed", unverified_recipient_reject_code=550
        )
        self.assertEqual(self.ask(verifyd, "alice@good.test"), "DUNNO")
        self.assertTrue(self.ask(verifyd, "stranger@good.test").startswith("550"))
        rows = verifyd.ctl("list").stdout
        self.assertRegex(rows, r"#[0-9a-f]{32}@good.test +deliverable")
        self.assertRegex(rows, r"#[0-9a-f]{32}@good.test +undeliverable +no_such_user")
        self.assertEqual(verifyd.ctl("set", "friend@good.test", "deliverable").returncode, 0)
        logged = verifyd.log()
        verifyd.stop()
        kept = self.kept(verifyd)
        for name in (b"alice", b"stranger", b"friend"):
            self.assertNotIn(name, kept)
            self.assertNotIn(name.decode(), logged)
        key = os.path.join(verifyd.settings["data_directory"], "verify_cache.key")
        self.assertEqual(stat.S_IMODE(os.stat(key).st_mode), 0o600)

        verifyd.start()
        sessions = self.target("good.test").sessions
        self.assertEqual(self.ask(verifyd, "alice@good.test"), "DUNNO")
        self.assertTrue(self.ask(verifyd, "stranger@good.test").startswith("550"))
        self.assertEqual(self.target("good.test").sessions, sessions, "what was known is known")
        shown = json.loads(verifyd.ctl("--json", "show", "alice@good.test").stdout)
        self.assertEqual(shown["record"]["finding"]["status"], "deliverable")

    def test_tools_without_a_daemon_find_what_is_hashed(self):
        verifyd = self.started(address_verify_cache_privacy="hashed")
        self.ask(verifyd, "alice@good.test")
        verifyd.stop()
        shown = json.loads(verifyd.ctl("--json", "query", "alice@good.test").stdout)
        self.assertEqual(shown["status"], "deliverable")
        purged = verifyd.ctl("purge", "--status", "deliverable")
        self.assertIn("deleted 1 of 1", purged.stdout, purged.stderr)

    def test_a_key_that_others_may_read_is_not_used_and_mail_flows_all_the_same(self):
        verifyd = self.verifyd(address_verify_cache_privacy="hashed", log_address="hashed")
        key = os.path.join(verifyd.settings["data_directory"], "verify_cache.key")
        with open(key, "wb") as file:
            file.write(bytes(32))
        os.chmod(key, 0o644)
        verifyd.start()
        self.assertEqual(self.ask(verifyd, "alice@good.test"), "DUNNO")
        self.assertIn("mode 0644, expected 0600", verifyd.log())
        self.assertIn("answers are kept in memory only", verifyd.log())
        self.assertNotIn("alice", verifyd.log())
        verifyd.stop()
        self.assertNotIn(b"alice", self.kept(verifyd))
