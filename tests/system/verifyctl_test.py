"""The operator's tool against a running daemon."""

import json
import os
import pty
import signal
import subprocess

from world_test_case import WorldTestCase

DELIVERABLE, UNDELIVERABLE, NOT_CACHED, RISKY, UNKNOWN = 0, 1, 2, 3, 75


class VerifyctlTest(WorldTestCase):
    def setUp(self):
        super().setUp()
        self.daemon = self.started(unverified_recipient_reject_code=550)

    def ctl(self, *arguments, code=0):
        result = self.daemon.ctl(*arguments)
        self.assertEqual(result.returncode, code, f"{arguments}: {result.stdout}{result.stderr}")
        return result.stdout

    def test_verify_says_deliverable(self):
        self.assertIn("deliverable", self.ctl("verify", "alice@good.test", code=DELIVERABLE))

    def test_verify_says_undeliverable_and_why(self):
        output = self.ctl("verify", "nobody@good.test", code=UNDELIVERABLE)
        self.assertIn("undeliverable", output)
        self.assertIn("no_such_user", output)

    def test_verify_says_unknown(self):
        output = self.ctl("verify", "alice@blocks.test", code=UNKNOWN)
        self.assertIn("blocked_ip", output)

    def test_verify_of_several_addresses_says_each(self):
        result = self.daemon.ctl("verify", "alice@good.test", "nobody@good.test")
        self.assertIn("alice@good.test", result.stdout)
        self.assertIn("nobody@good.test", result.stdout)
        self.assertNotEqual(result.returncode, 0)

    def test_fresh_asks_again(self):
        self.ctl("verify", "alice@good.test")
        self.ctl("verify", "alice@good.test")
        self.assertEqual(self.target("good.test").commands["RCPT"], 1)
        self.ctl("verify", "--fresh", "alice@good.test")
        self.assertEqual(self.target("good.test").commands["RCPT"], 2)

    def test_trace_shows_the_dialogue(self):
        output = self.ctl("verify", "--fresh", "--trace", "nobody@good.test", code=UNDELIVERABLE)
        self.assertIn("RCPT TO:<nobody@good.test>", output)
        self.assertIn("550 5.1.1 <nobody@good.test>", output)

    def test_query_asks_the_cache_only(self):
        self.ctl("query", "alice@good.test", code=NOT_CACHED)
        self.assertEqual(self.target("good.test").sessions, 0)
        self.ctl("verify", "alice@good.test")
        self.assertIn("deliverable", self.ctl("query", "alice@good.test", code=DELIVERABLE))
        self.ctl("verify", "nobody@good.test", code=UNDELIVERABLE)
        self.ctl("query", "nobody@good.test", code=UNDELIVERABLE)

    def test_show_says_what_is_known_and_why(self):
        self.ctl("verify", "nobody@good.test", code=UNDELIVERABLE)
        output = self.ctl("show", "nobody@good.test")
        self.assertIn("no_such_user", output)
        self.assertIn("mx.good.test", output)

    def test_show_of_an_address_nothing_is_held_of_says_so(self):
        self.ctl("show", "nobody@good.test", code=NOT_CACHED)

    def test_the_socket_may_be_given_on_the_command_line(self):
        self.ctl("-s", self.daemon.settings["control_socket"], "stats")
        self.assertNotEqual(self.daemon.ctl("-s", f"{self.daemon.directory}/absent", "stats").returncode, 0)

    def test_delete_forgets(self):
        self.ctl("verify", "nobody@good.test", code=UNDELIVERABLE)
        self.target("good.test").users.add("nobody")
        self.ctl("delete", "nobody@good.test")
        self.ctl("query", "nobody@good.test", code=NOT_CACHED)
        self.assertEqual(self.ask(self.daemon, "nobody@good.test"), "DUNNO")

    def test_stats_are_watched_until_they_are_interrupted(self):
        child = subprocess.Popen(
            [self.daemon.ctl_program, "-c", self.daemon.config_path, "--json", "stats", "--watch"], stdout=subprocess.PIPE
        )
        first = json.loads(child.stdout.readline())
        self.ask(self.daemon, "alice@good.test")
        second = json.loads(child.stdout.readline())
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(timeout=10), 130)
        child.stdout.close()
        self.assertEqual(second["prober"]["probes"], first["prober"]["probes"] + 1)

    def test_colours_are_for_terminals(self):
        def output(**environment):
            leader, terminal = pty.openpty()
            with os.fdopen(leader, "rb", buffering=0) as reader:
                subprocess.run(
                    [self.daemon.ctl_program, "-c", self.daemon.config_path, "verify", "alice@good.test"],
                    stdout=terminal,
                    env={**os.environ, "TERM": "xterm", **environment},
                    timeout=30,
                    check=False,
                )
                os.close(terminal)
                return reader.read(10000).decode()

        self.assertIn("alice@good.test: \033[32mdeliverable\033[0m", output())
        self.assertNotIn("\033", output(NO_COLOR="1"))
        self.assertNotIn("\033", output(TERM="dumb"))
        self.assertNotIn("\033", self.daemon.ctl("verify", "alice@good.test").stdout)

    def test_stats_count(self):
        self.ask(self.daemon, "alice@good.test")
        self.assertRegex(self.ctl("stats"), r"\d")

    def test_config_shows_defaults_values_and_what_was_set(self):
        self.assertIn("positive_expire_time = 31d", self.ctl("config", "-d", "address_verify_positive_expire_time"))
        self.assertIn("unverified_recipient_reject_code = 550", self.ctl("config", "unverified_recipient_reject_code"))
        self.assertIn("unverified_recipient_reject_code = 450", self.ctl("config", "-d", "unverified_recipient_reject_code"))
        changed = self.ctl("config", "-n")
        self.assertIn("verify_domains = *", changed)
        self.assertNotIn("address_verify_positive_expire_time", changed)

    def test_reload_takes_new_settings(self):
        self.assertTrue(self.ask(self.daemon, "nobody@good.test").startswith("550"))
        self.daemon.settings["unverified_recipient_reject_code"] = 450
        self.daemon.write_config()
        self.ctl("reload")
        self.ask_until(self.daemon, "nobody@good.test", "DEFER_IF_PERMIT 4.1.1 ", 5)

    def test_reload_of_a_broken_file_fails_and_says_why(self):
        self.daemon.write_config("no_such_setting = 1\n")
        result = self.daemon.ctl("reload")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("no_such_setting", result.stdout + result.stderr)

    def test_json_is_json(self):
        self.ctl("verify", "nobody@good.test", code=UNDELIVERABLE)
        for verb in (("verify", "nobody@good.test"), ("query", "nobody@good.test"), ("show", "nobody@good.test"), ("stats",)):
            result = self.daemon.ctl("--json", *verb)
            for line in result.stdout.splitlines() if verb[0] == "verify" else [result.stdout]:
                json.loads(line)

    def test_without_a_daemon_it_says_so(self):
        self.daemon.stop()
        result = self.daemon.ctl("stats")
        self.assertNotIn(result.returncode, (DELIVERABLE, UNDELIVERABLE, NOT_CACHED, RISKY))
        self.assertIn(self.daemon.settings["control_socket"], result.stderr)

    def test_a_wrong_command_line_is_a_usage_error(self):
        self.ctl("no-such-verb", code=64)
        self.ctl("verify", code=64)
