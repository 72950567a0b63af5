"""The cache as a whole, through the operator's tool, beside a running daemon and without it."""

import csv
import io
import json
import os

from world_test_case import WorldTestCase


class CacheVerbsTest(WorldTestCase):
    def setUp(self):
        super().setUp()
        self.daemon = self.started(unverified_recipient_reject_code=550)
        self.daemon.ctl("verify", "alice@good.test", "nobody@good.test", "bob@good.test")

    def ctl(self, *arguments, code=0, text="", daemon=None):
        result = (daemon or self.daemon).ctl(*arguments, text=text)
        self.assertEqual(result.returncode, code, f"{arguments}: {result.stdout}{result.stderr}")
        return result.stdout

    def listed(self, *arguments, daemon=None):
        rows = self.ctl("list", *arguments, daemon=daemon).splitlines()
        return [row.split()[0] for row in rows[1:]]

    def test_list_shows_what_is_held_as_it_was_just_learned(self):
        self.assertEqual(self.listed(), ["alice@good.test", "bob@good.test", "nobody@good.test"])
        self.assertEqual(self.listed("--reason", "no_such_user"), ["nobody@good.test"])
        self.assertEqual(self.listed("--status", "deliverable", "--mx", "mx.good.test"), ["alice@good.test", "bob@good.test"])
        self.assertEqual(self.listed("--domain", "elsewhere.test"), [])

    def test_what_is_purged_is_asked_about_anew(self):
        self.assertEqual(self.ctl("purge", "--status", "undeliverable", "--dry-run"), "would delete 1 of 3 records\n")
        self.assertTrue(self.ask(self.daemon, "nobody@good.test").startswith("550"))
        self.target("good.test").users.add("nobody")
        self.assertEqual(self.ctl("purge", "--status", "undeliverable"), "deleted 1 of 3 records\n")
        self.assertEqual(self.ask(self.daemon, "nobody@good.test"), "DUNNO")

    def test_list_and_purge_need_no_daemon(self):
        self.daemon.stop()
        self.assertEqual(self.listed("--domain", ".test"), ["alice@good.test", "bob@good.test", "nobody@good.test"])
        self.assertEqual(self.ctl("purge", "--older", "0s"), "deleted 3 of 3 records\n")
        self.assertEqual(self.listed(), [])

    def test_a_cache_that_a_daemon_has_open_is_not_changed_behind_its_back(self):
        result = self.daemon.ctl("-s", f"{self.daemon.directory}/absent", "purge", "--older", "0s")
        self.assertEqual(result.returncode, 69)
        self.assertIn(f"process {self.daemon.child.pid} has it open", result.stderr)
        self.assertEqual(len(self.listed()), 3)

    def test_export_as_csv_is_csv(self):
        rows = list(csv.DictReader(io.StringIO(self.ctl("export", "--format", "csv"))))
        self.assertEqual([row["address"] for row in rows], ["alice@good.test", "bob@good.test", "nobody@good.test"])
        self.assertEqual(rows[2]["reason"], "no_such_user")

    def test_export_as_json_lines_is_json(self):
        lines = self.ctl("export", "--domain", "good.test").splitlines()
        self.assertEqual(json.loads(lines[2])["record"]["finding"]["status"], "undeliverable")
