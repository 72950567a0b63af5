"""A fault of the cache never stops an answer: a known user is accepted, an unknown one refused, and a line of the log
names the fault."""

import os
import pwd
import random
import resource
import shutil
import subprocess
import sys
import time

from child import wait_until
from world_test_case import SOURCE, WorldTestCase

GOOD = "alice@good.test"
BAD = "nobody@good.test"

# Holds the write lock of an LMDB environment while it lives: prints "held" and waits to be killed.
WRITE_LOCK = """
import ctypes, sys, time
lmdb = ctypes.CDLL("liblmdb.so.0")
env, txn = ctypes.c_void_p(), ctypes.c_void_p()
assert lmdb.mdb_env_create(ctypes.byref(env)) == 0
lmdb.mdb_env_set_mapsize(env, ctypes.c_size_t(1 << 36))
lmdb.mdb_env_set_maxdbs(env, 8)
assert lmdb.mdb_env_open(env, sys.argv[1].encode(), 0x4000, 0o600) == 0
assert lmdb.mdb_txn_begin(env, None, 0, ctypes.byref(txn)) == 0
print("held", flush=True)
time.sleep(60)
"""


class StoreFaultTest(WorldTestCase):
    def store(self, verifyd):
        return os.path.join(verifyd.settings["data_directory"], "verify_cache.mdb")

    def prepared(self):
        return self.verifyd(unverified_recipient_reject_code=550)

    def assert_answers(self, verifyd, line=""):
        """Checks that none of twenty answers is wrong, and that the log has the line."""
        for _ in range(10):
            self.assertEqual(self.ask(verifyd, GOOD), "DUNNO")
            self.assertTrue(self.ask(verifyd, BAD).startswith("550"))
        if line:
            verifyd.wait_for_log(line)

    def with_some_records(self, verifyd):
        """A cache of some size, closed cleanly."""
        verifyd.start()
        with verifyd.policy() as client:
            for number in range(300):
                client.ask(f"known{number}@any.test")
        self.assert_answers(verifyd)
        verifyd.stop()

    def test_a_cache_of_a_newer_format_is_left_alone_by_the_daemon_and_by_every_tool(self):
        verifyd = self.prepared()
        self.with_some_records(verifyd)
        file = self.store(verifyd)
        with open(file, "rb") as old:
            newer = old.read().replace(b"verifyd cache format 1", b"verifyd cache format 2")
        with open(file, "wb") as new:
            new.write(newer)
        message = f"{file}: a cache of format 2; this version of verifyd knows format 1 only; it is left alone"
        for verb in (("list",), ("query", GOOD), ("check",), ("export",), ("compact",), ("purge", "--domain", "any.test")):
            result = verifyd.ctl(*verb)
            self.assertNotEqual(result.returncode, 0, verb)
            self.assertIn(message, result.stderr, verb)
        verifyd.start()
        self.assert_answers(verifyd, message)
        verifyd.stop()
        with open(file, "rb") as left:
            self.assertEqual(left.read(), newer)

    def test_a_cache_that_the_first_version_wrote_is_read(self):
        verifyd = self.prepared()
        verifyd.settings["address_verify_cache_cleanup_interval"] = "0"  # all its records expired long ago
        verifyd.write_config()
        shutil.copy(os.path.join(SOURCE, "tests", "cache", "data", "format1.mdb"), self.store(verifyd))
        before = verifyd.ctl("list").stdout
        self.assertRegex(before, r"@example\.com +deliverable")
        verifyd.start()
        self.assertEqual(verifyd.ctl("list").stdout, before)
        self.assert_answers(verifyd)

    def test_a_folder_that_can_not_be_made(self):
        verifyd = self.prepared()
        verifyd.settings["address_verify_map"] = f"lmdb:{verifyd.config_path}/cache"
        verifyd.write_config()
        verifyd.start()
        self.assert_answers(verifyd, "can not be used, answers are kept in memory only")

    def test_a_file_of_somebody_else(self):
        verifyd = self.prepared()
        with open(self.store(verifyd), "wb") as file:
            file.write(b"#!/bin/sh\n" * 1000)
        verifyd.start()
        self.assert_answers(verifyd, "it is left alone")
        with open(self.store(verifyd), "rb") as file:
            self.assertEqual(file.read(), b"#!/bin/sh\n" * 1000)

    def as_nobody(self, mode, owner):
        verifyd = self.prepared()
        self.with_some_records(verifyd)
        account = pwd.getpwnam("nobody")
        os.chmod(self.world.directory, 0o755)
        for path in (verifyd.directory, verifyd.settings["data_directory"]):
            os.chown(path, account.pw_uid, account.pw_gid)
        for name in os.listdir(verifyd.settings["data_directory"]):
            path = os.path.join(verifyd.settings["data_directory"], name)
            os.chown(path, pwd.getpwnam(owner).pw_uid, account.pw_gid)
            os.chmod(path, mode)
        verifyd.arguments = ["--user", "nobody"]
        return verifyd.start()

    def test_a_file_that_may_only_be_read(self):
        verifyd = self.as_nobody(0o400, "nobody")
        self.assert_answers(verifyd, "verify_cache.mdb: cannot open: Permission denied")

    def test_a_file_of_another_owner(self):
        verifyd = self.as_nobody(0o600, "root")
        self.assert_answers(verifyd, "verify_cache.mdb: cannot open: Permission denied")

    def test_a_full_disk(self):
        verifyd = self.prepared()
        self.with_some_records(verifyd)
        size = os.path.getsize(self.store(verifyd))
        # Files can not grow any more, as on a full disk. The log is small enough.
        verifyd.settings["log_decisions"] = "none"
        verifyd.write_config()
        verifyd.start()
        resource.prlimit(verifyd.child.pid, resource.RLIMIT_FSIZE, (size, size))
        with verifyd.policy() as client:
            for number in range(300):
                self.assertEqual(client.ask(f"more{number}@any.test")[0], "DUNNO")
        self.assert_answers(verifyd, "changes not written, they live in memory only")
        with verifyd.policy() as client:
            self.assertEqual(client.ask("more7@any.test")[0], "DUNNO")

    def test_a_writer_that_is_held_up_by_another_process(self):
        verifyd = self.prepared()
        self.with_some_records(verifyd)
        verifyd.start()
        with subprocess.Popen(
            [sys.executable, "-c", WRITE_LOCK, self.store(verifyd)], stdout=subprocess.PIPE, text=True
        ) as holder:
            try:
                self.assertEqual(holder.stdout.readline(), "held\n")
                self.ask(verifyd, "fresh@any.test")
                start = time.monotonic()
                self.assert_answers(verifyd)
                self.assertEqual(self.ask(verifyd, "fresh@any.test"), "DUNNO")
                self.assertLess(time.monotonic() - start, 5, "nobody waits for the writer")
            finally:
                holder.kill()
        wait_until(lambda: '"uncommitted":0' in verifyd.ctl("--json", "stats").stdout, 10, "what waited is committed")

    def supervised(self, verifyd):
        """Starts it again, as systemd does. Returns the seconds until it answers."""
        start = time.monotonic()
        verifyd.kill()
        verifyd.start()
        self.assertEqual(self.ask(verifyd, GOOD), "DUNNO")
        return time.monotonic() - start

    def test_damaged_pages_are_set_aside_at_the_start_after_an_unclean_end(self):
        verifyd = self.prepared()
        self.with_some_records(verifyd)
        verifyd.start()
        verifyd.kill()
        rubbish = random.Random(7)
        with open(self.store(verifyd), "r+b") as file:
            for page in range(2, os.path.getsize(self.store(verifyd)) // 4096):
                file.seek(page * 4096)
                file.write(rubbish.randbytes(4096))
        start = time.monotonic()
        verifyd.start()
        self.assert_answers(verifyd, "it is set aside as")
        self.assertLess(time.monotonic() - start, 5)
        names = os.listdir(verifyd.settings["data_directory"])
        self.assertEqual(len([name for name in names if ".damaged-" in name]), 1, names)

    def test_a_file_that_is_cut_while_it_is_open_ends_one_daemon_and_the_next_answers(self):
        verifyd = self.prepared()
        self.with_some_records(verifyd)
        verifyd.start()
        os.truncate(self.store(verifyd), 8192)
        with verifyd.policy() as client:
            try:
                for number in range(300):
                    if client.ask(f"known{number}@any.test")[0] is None:
                        break
            except OSError:
                pass
        seconds = self.supervised(verifyd)
        self.assertLess(seconds, 5, "2 s are promised; this machine may be slow")
        self.assert_answers(verifyd)

    def test_an_unclean_end_of_a_sound_cache_loses_nothing(self):
        verifyd = self.prepared()
        self.with_some_records(verifyd)
        verifyd.start()
        asked = self.target("any.test").commands["RCPT"]
        self.supervised(verifyd)
        with verifyd.policy() as client:
            for number in range(300):
                self.assertEqual(client.ask(f"known{number}@any.test")[0], "DUNNO")
        self.assertEqual(self.target("any.test").commands["RCPT"], asked)

    def test_two_daemons_share_one_file_and_one_of_them_cleans(self):
        first = self.prepared().start()
        second = self.verifyd(
            unverified_recipient_reject_code=550,
            address_verify_map=f"lmdb:{first.settings['data_directory']}/verify_cache",
            address_verify_cache_cleanup_interval=0,
            policy_listen=f"inet:{self.world.block.address(77)}:10099",
        ).start()
        self.assert_answers(first)
        time.sleep(0.2)
        asked = self.target("good.test").commands["RCPT"]
        self.assert_answers(second)
        self.assertEqual(self.target("good.test").commands["RCPT"], asked, "the other one has asked")
        second.kill()
        self.assert_answers(first)
        second.start()
        self.assert_answers(second)

    def test_check_cache_says_what_is_the_matter(self):
        verifyd = self.prepared()
        self.with_some_records(verifyd)
        good = subprocess.run([verifyd.program, "--check-cache", self.store(verifyd)], capture_output=True, check=False)
        self.assertEqual((good.returncode, good.stderr), (0, b""))
