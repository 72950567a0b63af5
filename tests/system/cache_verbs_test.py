"""The cache as a whole, through the operator's tool, beside a running daemon and without it."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import time

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

    def test_clean_says_what_is_left(self):
        self.assertEqual(self.ctl("clean"), "3 records and 1 domains before, 3 and 1 now\n")
        self.assertEqual(len(self.listed()), 3)
        self.daemon.wait_for_log("full cleanup: retained=")

    def test_export_as_csv_is_csv(self):
        rows = list(csv.DictReader(io.StringIO(self.ctl("export", "--format", "csv"))))
        self.assertEqual([row["address"] for row in rows], ["alice@good.test", "bob@good.test", "nobody@good.test"])
        self.assertEqual(rows[2]["reason"], "no_such_user")

    def test_export_as_json_lines_is_json(self):
        lines = self.ctl("export", "--domain", "good.test").splitlines()
        self.assertEqual(json.loads(lines[2])["record"]["finding"]["status"], "undeliverable")


class ImportTest(WorldTestCase):
    """Imports what Debian's Postfix has written."""

    ENTRIES = (
        "alice@good.test\t0:0:{now}:250 2.1.5 Ok\n"
        "nobody@good.test\t2:0:{now}:host mx.good.test[192.0.2.1] said: 550 5.1.1 <nobody@good.test>: User unknown "
        "(in reply to RCPT TO command)\n"
        "carol@good.test\t2:0:{now}:host mx.good.test[192.0.2.1] said: 554 5.7.1 Client host [192.0.2.9] blocked using "
        "zen.spamhaus.org (in reply to RCPT TO command)\n"
    )

    def setUp(self):
        super().setUp()
        self.daemon = self.started(unverified_recipient_reject_code=550)

    def test_a_btree_cache_printed_by_postmap_is_taken_in(self):
        path = os.path.join(self.daemon.directory, "verify_cache")
        with open(path, "w", encoding="ascii") as file:
            file.write(self.ENTRIES.format(now=int(time.time())))
        config = os.path.join(self.world.gateway.directory, "config")
        subprocess.run(["postmap", "-c", config, f"btree:{path}"], check=True)
        printed = subprocess.run(["postmap", "-c", config, "-s", f"btree:{path}"], check=True, capture_output=True, text=True)
        result = self.daemon.ctl("import", "-", text=printed.stdout)
        self.assertEqual((result.returncode, result.stdout), (0, "imported 3 of 3 entries\n"), result.stderr)
        self.assertEqual(self.ask(self.daemon, "alice@good.test"), "DUNNO")
        self.assertTrue(self.ask(self.daemon, "nobody@good.test").startswith("550"))
        self.assertEqual(self.target("good.test").sessions, 0, "what is imported need not be asked about")
        shown = json.loads(self.daemon.ctl("--json", "show", "carol@good.test").stdout)
        self.assertEqual(shown["record"]["finding"]["reason"], "blocked_ip")
        self.assertEqual(shown["record"]["finding"]["status"], "unknown")

    def test_what_a_live_verify_8_has_found_out_is_taken_in(self):
        self.daemon.stop()
        asked = self.routed(
            f"stock.test verify:unix:{self.world.stock.private_socket('verify')}", address_verify_poll_count=5
        )
        # Not the addresses of stock_postfix_test, because it uses the same verify(8), which remembers.
        self.ask(asked, "bob@stock.test")
        self.ask(asked, "stranger@stock.test")
        asked.stop()
        self.daemon.start()
        data = os.path.join(self.world.stock.directory, "data")
        copy = os.path.join(self.daemon.directory, "copy")
        shutil.copy(os.path.join(data, "verify_cache.db"), f"{copy}.db")
        config = os.path.join(self.world.stock.directory, "config")
        printed = subprocess.run(["postmap", "-c", config, "-s", f"btree:{copy}"], check=True, capture_output=True, text=True)
        result = self.daemon.ctl("import", "-", text=printed.stdout)
        self.assertEqual(result.returncode, 0, result.stderr + printed.stdout)
        rows = self.daemon.ctl("list", "--domain", "stock.test").stdout
        self.assertRegex(rows, r"bob@stock.test +deliverable")
        self.assertRegex(rows, r"stranger@stock.test +undeliverable +no_such_user")

    def test_under_a_dictionary_attack_the_cache_keeps_its_bound_and_its_positives(self):
        self.daemon.stop()
        self.daemon.settings["address_verify_cache_max_entries"] = "1000"
        self.daemon.write_config()
        self.daemon.start()
        users = "".join("user%d@good.test\t0:0:%d:250 Ok\n" % (i, time.time()) for i in range(500))
        refused = "host mx.good.test[192.0.2.1] said: 550 5.1.1 User unknown (in reply to RCPT TO command)"
        guesses = "".join(f"guess{i}@good.test\t2:0:{int(time.time())}:{refused}\n" for i in range(5000))
        self.assertEqual(self.daemon.ctl("import", "-", text=users).returncode, 0)
        self.assertEqual(self.daemon.ctl("import", "-", text=guesses).returncode, 0)
        self.daemon.ctl("clean")
        cache = json.loads(self.daemon.ctl("--json", "stats").stdout)["cache"]
        self.assertEqual(cache["records"], 1000)
        self.assertEqual(cache["evicted"], 4500)
        rows = self.daemon.ctl("list", "--status", "deliverable").stdout
        self.assertEqual(rows.count("user"), 500, rows)
        self.assertIn("is full: what is needed least is forgotten", self.daemon.log())

    def test_an_interrupted_import_has_taken_in_what_it_says_and_is_taken_up_by_doing_it_again(self):
        lines = [b"user%d@good.test\t0:0:%d:250 Ok\n" % (i, time.time()) for i in range(20000)]
        child = subprocess.Popen(
            [self.daemon.ctl_program, "-c", self.daemon.config_path, "--json", "import", "-"],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for line in lines[:5000]:
            child.stdin.write(line)
        child.send_signal(signal.SIGINT)
        try:
            for line in lines[5000:]:
                child.stdin.write(line)
        except BrokenPipeError:
            pass
        output, errors = child.communicate(timeout=20)
        self.assertEqual(child.returncode, 130, errors)
        self.assertIn(b"the same command goes on", errors)
        taken = json.loads(output)["imported"]
        self.assertLess(taken, 20000)
        result = self.daemon.ctl("--json", "import", "-", text=b"".join(lines).decode())
        again = json.loads(result.stdout)
        self.assertEqual((again["imported"], again["older"]), (20000 - taken, taken))

    def test_an_interrupted_export_ends_at_a_whole_line(self):
        lines = "".join(f"user{i}@good.test\t0:0:{int(time.time())}:250 Ok\n" for i in range(20000))
        self.assertEqual(self.daemon.ctl("import", "-", text=lines).returncode, 0)
        child = subprocess.Popen(
            [self.daemon.ctl_program, "-c", self.daemon.config_path, "export"],
            bufsize=0,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        # It waits until its output is read, so it can not have ended before the signal.
        first = child.stdout.readline()
        child.send_signal(signal.SIGINT)
        rest, errors = child.communicate(timeout=20)
        self.assertEqual(child.returncode, 130)
        self.assertIn(b"stopped after", errors)
        exported = [json.loads(line) for line in (first + rest).splitlines()]
        self.assertLess(len(exported), 20000)
        self.assertTrue((first + rest).endswith(b"\n"))


class StoreTest(WorldTestCase):
    """Verbs that use the whole file."""

    def setUp(self):
        super().setUp()
        self.daemon = self.started(unverified_recipient_reject_code=550)
        self.daemon.ctl("verify", "alice@good.test", "nobody@good.test")
        self.backup = os.path.join(self.daemon.directory, "backup")

    def ctl(self, *arguments, code=0):
        result = self.daemon.ctl(*arguments)
        self.assertEqual(result.returncode, code, f"{arguments}: {result.stdout}{result.stderr}")
        return result.stdout + result.stderr

    def test_a_backup_of_a_running_daemon_is_restored_when_it_has_ended(self):
        self.ctl("backup", self.backup)
        self.ctl("purge", "--older", "0s")
        self.assertIn("stop verifyd first", self.ctl("restore", self.backup, code=69))
        self.daemon.stop()
        self.assertIn("2 records", self.ctl("restore", self.backup))
        self.daemon.start()
        self.assertTrue(self.ask(self.daemon, "nobody@good.test").startswith("550"))
        self.assertEqual(self.target("good.test").commands["RCPT"], 2, "it is not asked again")

    def test_check_finds_a_running_daemon_s_cache_sound(self):
        child = subprocess.Popen(
            [self.daemon.ctl_program, "-c", self.daemon.config_path, "import", "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        child.stdin.write(b"".join(b"user%d@good.test\t0:0:%d:250 Ok\n" % (i, time.time()) for i in range(20000)))
        # The daemon writes to it meanwhile.
        for _ in range(5):
            self.assertIn("sound", self.ctl("check"))
        child.stdin.close()
        self.assertEqual(child.wait(20), 0)
        self.assertIn(": sound", self.ctl("check"))

    def test_compact_gives_back_what_is_free(self):
        self.assertIn("stop verifyd first", self.ctl("compact", code=69))
        self.daemon.stop()
        self.assertIn("now", self.ctl("compact"))
        self.assertIn("sound", self.ctl("check"))
        self.daemon.start()
        self.assertEqual(self.ask(self.daemon, "alice@good.test"), "DUNNO")
