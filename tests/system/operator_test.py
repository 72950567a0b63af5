"""Traps for an operator: notes shown to clients, wrong files, rights, a terminal, a full disk."""

import gzip
import os
import pty
import pwd
import select
import subprocess
import time

from world_test_case import WorldTestCase

DELIVERABLE, UNDELIVERABLE, NOT_CACHED, RISKY, UNKNOWN = 0, 1, 2, 3, 75
USAGE, DATA, NO_INPUT, UNAVAILABLE, OUTPUT, NO_PERMISSION, CONFIGURATION = 64, 65, 66, 69, 74, 77, 78


class OperatorTest(WorldTestCase):
    def setUp(self):
        super().setUp()
        self.daemon = self.started(unverified_recipient_reject_code=550)

    def ctl(self, *arguments, code=0, text=""):
        result = self.daemon.ctl(*arguments, text=text, seconds=20)
        self.assertEqual(result.returncode, code, f"{arguments}: {result.stdout}{result.stderr}")
        return result.stdout + result.stderr

    def path(self, name, content):
        path = os.path.join(self.daemon.directory, name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def on_a_terminal(self, *arguments, text=""):
        """The output of verifyctl on a terminal, with its standard error."""
        leader, terminal = pty.openpty()
        with os.fdopen(leader, "rb", buffering=0) as reader:
            child = subprocess.Popen([self.daemon.ctl_program, "-c", self.daemon.config_path, *arguments], stdin=subprocess.PIPE,
                                     stdout=terminal, stderr=terminal, env={**os.environ, "TERM": "xterm"})
            child.stdin.write(text.encode())
            child.stdin.close()
            os.close(terminal)
            shown = b""
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                if not select.select([reader], [], [], 0.2)[0]:
                    continue
                try:
                    more = reader.read(65536)
                except OSError:  # the other end is closed
                    break
                if not more:
                    break
                shown += more
            child.wait(timeout=10)
        return shown.decode()

    def test_the_why_of_a_hold_was_told_to_the_client(self):
        self.ctl("hold", "@good.test", "--why", "customer has not paid")
        said = self.ask(self.daemon, "new@good.test")
        self.assertIn("verification of good.test is on hold", said)
        self.assertNotIn("paid", said)
        self.ctl("set", "joe@good.test", "undeliverable", "--why", "left after a dispute")
        self.assertEqual(self.ask(self.daemon, "joe@good.test"), "550 5.1.1 undeliverable address: set by the operator")
        self.ctl("set", "joe@good.test", "undeliverable", "--why", "write to info@", "--tell")
        self.assertEqual(self.ask(self.daemon, "joe@good.test"), "550 5.1.1 undeliverable address: write to info@")

    def test_a_hold_of_a_destination_is_seen_at_once_and_outlives_a_restart(self):
        self.ctl("verify", "alice@good.test")
        self.ctl("hold", "mx.good.test", "--why", "disks")
        self.assertIn("on hold", self.ctl("destinations", "mx.good.test").split("\n")[0])
        self.assertIn("mx.good.test: on hold (disks)", self.ctl("pins"))
        self.daemon.stop()
        self.daemon.start()
        self.assertIn("mx.good.test: on hold (disks)", self.ctl("pins"))
        self.ctl("release", "mx.good.test")
        self.assertEqual(self.ctl("pins"), "")

    def test_the_operators_word_knows_no_case(self):
        self.assertTrue(self.ask(self.daemon, "Nobody@good.test").startswith("550 "))
        self.assertIn("Nobody@good.test: undeliverable", self.ctl("query", "nobody@good.test", code=UNDELIVERABLE))
        self.assertIn("also as Nobody@good.test", self.ctl("delete", "nobody@good.test"))
        self.ctl("set", "nobody@GOOD.test", "deliverable")
        self.assertEqual(self.ask(self.daemon, "NOBODY@good.test"), "DUNNO")
        self.assertEqual(self.ask(self.daemon, "noBody@good.test"), "DUNNO")
        self.ctl("unset", "Nobody@good.test")
        # The server is asked with the case of the question.
        self.ctl("verify", "NoBody@good.test", code=UNDELIVERABLE)
        self.assertIn("RCPT TO:<NoBody@good.test>", self.ctl("verify", "--trace", "NoBody@good.test", code=UNDELIVERABLE))

    def test_a_folder_in_place_of_a_file_hung_or_aborted(self):
        for arguments in (("replay", "/"), ("learn", "/"), ("learn", "--follow", "/"), ("import", "/"), ("restore", "/"),
                          ("classify", "--rules", "/")):
            self.assertIn("/: found a folder, expected a file", self.ctl(*arguments, code=NO_INPUT))

    def test_a_compressed_log_had_no_decisions(self):
        path = self.path("mail.log.2.gz", gzip.compress(b"Nov 25 20:00:01 gw postfix/smtpd[7]: connect from x[192.0.2.1]\n"))
        for verb in ("replay", "learn"):
            self.assertIn(f"zcat {path} | verifyctl {verb} -", self.ctl(verb, path, code=DATA))
        other = self.path("random", bytes(1 + i * i % 255 for i in range(3000)).replace(b"\x1f", b"x"))
        self.assertRegex(self.ctl("replay", other, code=DATA), r"no line of Postfix in \d+ lines")

    def test_a_pipe_is_read_as_a_file_is(self):
        self.ctl("verify", "alice@good.test")
        exported = self.ctl("export", "--format", "postfix")
        done = subprocess.run(["bash", "-c", f"{self.daemon.ctl_program} -c {self.daemon.config_path} import <(printf %s '{exported}')"],
                              capture_output=True, text=True, timeout=20, check=False)
        self.assertIn("of 1 entries", done.stdout, done.stderr)

    def test_who_has_no_rights_is_told_so(self):
        self.daemon.stop()
        nobody = pwd.getpwnam("nobody")
        data = self.daemon.settings["data_directory"]
        os.chmod(self.daemon.directory, 0o755)
        os.chmod(self.world.directory, 0o755)

        def as_nobody(*arguments):
            return subprocess.run([self.daemon.ctl_program, "-c", self.daemon.config_path, *arguments], capture_output=True, text=True,
                                  timeout=20, check=False, user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[])

        for mode in (0o700, 0o755):  # it may not enter the folder, or not read the file in it
            os.chmod(data, mode)
            for arguments in (("check",), ("backup", "/tmp/no-rights-backup"), ("query", "alice@good.test"), ("list",), ("compact",)):
                result = as_nobody(*arguments)
                self.assertEqual(result.returncode, NO_PERMISSION, f"{mode:o} {arguments}: {result.stderr}")
                self.assertIn("Permission denied", result.stderr)
        log = self.path("closed.log", b"")
        os.chmod(log, 0o600)
        self.assertEqual(as_nobody("replay", log).returncode, NO_PERMISSION)

    def test_a_full_disk_behind_standard_output_is_said_by_every_verb(self):
        self.ctl("verify", "alice@good.test")
        for arguments in (("verify", "alice@good.test"), ("query", "alice@good.test"), ("show", "alice@good.test"), ("stats",),
                          ("report",), ("config",), ("list",), ("pins", "--json"), ("destinations",), ("help",), ("--version",)):
            with open("/dev/full", "w", encoding="ascii") as full:
                done = subprocess.run([self.daemon.ctl_program, "-c", self.daemon.config_path, *arguments], stdout=full,
                                      stderr=subprocess.PIPE, text=True, timeout=20, check=False)
            self.assertEqual(done.returncode, OUTPUT, arguments)
            self.assertIn("verifyctl: the output can not be written", done.stderr)

    def test_a_wrong_settings_file_locked_the_operator_out(self):
        with open(self.daemon.config_path, "a", encoding="ascii") as file:
            file.write("relay_domain = foo.test\n")
        shown = self.ctl("verify", "alice@good.test")
        self.assertIn("alice@good.test: deliverable", shown)
        self.assertIn("verifyctl: warning: ", shown)
        self.assertIn("unknown setting \"relay_domain\"", shown)
        self.ctl("set", "alice@good.test", "deliverable")
        self.ctl("reload", code=CONFIGURATION)

    def test_without_the_daemon_only_verifyctl_speaks(self):
        self.daemon.stop()
        shown = self.ctl("set", "alice@good.test", "deliverable")
        self.assertIn("verifyctl: the daemon is not running", shown)
        self.assertNotIn("verifyd: ", shown)

    def test_check_cache_says_what_it_has_found(self):
        cache = os.path.join(self.daemon.settings["data_directory"], "verify_cache.mdb")
        self.ctl("verify", "alice@good.test")
        self.daemon.stop()
        sound = self.daemon.run("--check-cache", cache)
        self.assertEqual((sound.returncode, sound.stdout), (0, f"{cache}: sound\n"), sound.stderr)
        for path, code in (("/nonexistent", NO_INPUT), ("/", NO_INPUT), (self.path("junk", os.urandom(65536)), DATA)):
            result = self.daemon.run("--check-cache", path)
            self.assertEqual(result.returncode, code, path)
            self.assertIn(f"verifyd: {path}: ", result.stderr)

    def test_both_programs_say_their_name_with_their_version(self):
        self.assertRegex(self.daemon.run("--version").stdout, r"^verifyd \d+\.\d+\.\d+\n$")
        self.assertRegex(self.ctl("--version"), r"^verifyctl \d+\.\d+\.\d+\n$")

    def test_progress_is_shown_on_a_terminal_and_gone_before_each_result(self):
        self.world.reset()
        shown = self.on_a_terminal("verify", "-", text="".join(f"user{i}@slow.test\nalice@good.test\n" for i in range(3)))
        self.assertIn("alice@good.test: ", shown)
        # A result is at the beginning of its line, whatever was shown there before.
        for line in shown.replace("\r\n", "\n").split("\n"):
            if "@good.test: " in line:
                self.assertRegex(line.split("\033[K")[-1], r"^alice@good\.test: ")

    def test_a_backup_is_reported_on_a_line_of_its_own(self):
        self.ctl("verify", "alice@good.test")
        shown = self.on_a_terminal("backup", os.path.join(self.daemon.directory, "copy"))
        self.assertRegex(shown.replace("\r\n", "\n").split("\033[K")[-1], r"^\S+/copy: \d+\.\d KiB\n$")

    def test_values_of_options_that_are_none_are_wrong_usage(self):
        for arguments in (("list", "--status", "bogus"), ("purge", "--dry-run"), ("report", "--since", "soon"),
                          ("set", "alice@good.test", "maybe"), ("verfy", "alice@good.test")):
            self.assertTrue(self.ctl(*arguments, code=USAGE).startswith("verifyctl: "))
        self.assertIn("only 31d are kept", self.ctl("report", "--since", "40d"))

    def test_stats_and_report_fit_their_screens(self):
        for recipient in ("alice@good.test", "nobody@good.test", f"{'x' * 60}@good.test"):
            self.ask(self.daemon, recipient)
        stats = self.ctl("stats").splitlines()
        self.assertLessEqual(len(stats), 24)
        for line in stats + self.ctl("report").splitlines():
            self.assertLessEqual(len(line), 100, line)
