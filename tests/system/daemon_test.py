"""The daemon's life: start, reload, stop, death, and what it remembers over them."""

import itertools
import os
import pwd
import signal
import socket
import stat
import threading
import time

from child import accepts_connections, wait_until
from policy_client import request_text
from world_test_case import WorldTestCase


class CacheTest(WorldTestCase):
    def test_a_restart_keeps_the_cache(self):
        verifyd = self.started(unverified_recipient_reject_code=550)
        before = [self.ask(verifyd, name) for name in ("alice@good.test", "nobody@good.test")]
        self.assertEqual(verifyd.stop(), 0)
        self.target("good.test").close()
        verifyd.start()
        self.assertEqual([self.ask(verifyd, name) for name in ("alice@good.test", "nobody@good.test")], before)

    def test_after_kill_9_under_load_what_was_answered_from_the_cache_is_still_there(self):
        verifyd = self.started()
        known = [f"known{number}@any.test" for number in range(100)]
        with verifyd.policy() as client:
            for name in known:
                self.assertEqual(client.ask(name)[0], "DUNNO")
        asked = self.target("any.test").commands["RCPT"]
        time.sleep(0.5)  # more than the linger of a group commit
        with verifyd.policy() as client:
            for name in known:
                self.assertEqual(client.ask(name)[0], "DUNNO")
        self.assertEqual(self.target("any.test").commands["RCPT"], asked, "answered from the cache")

        answers = []

        def load(thread):
            try:
                with verifyd.policy() as client:
                    for number in range(10000):
                        if client.ask(f"load{thread}-{number}@any.test")[0] is None:
                            return
                        answers.append(number)
            except OSError:
                pass

        threads = [threading.Thread(target=load, args=(thread,)) for thread in range(4)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(answers) > 200, 20, "load")
        verifyd.kill()
        for thread in threads:
            thread.join(20)

        self.target("any.test").close()
        verifyd.start()
        with verifyd.policy() as client:
            self.assertEqual([client.ask(name)[0] for name in known], ["DUNNO"] * len(known))

    def test_a_damaged_cache_does_not_stop_mail(self):
        verifyd = self.started()
        self.ask(verifyd, "alice@good.test")
        verifyd.stop()
        for folder, _, names in os.walk(verifyd.settings["data_directory"]):
            for name in names:
                with open(os.path.join(folder, name), "r+b") as file:
                    file.truncate(100)
        verifyd.start()
        self.assertEqual(self.ask(verifyd, "alice@good.test"), "DUNNO")


class ReloadTest(WorldTestCase):
    def test_hup_takes_new_settings(self):
        verifyd = self.started()
        self.assertTrue(self.ask(verifyd, "nobody@good.test").startswith(("450", "DEFER_IF_PERMIT 4.1.1")))
        verifyd.settings["unverified_recipient_reject_code"] = 550
        verifyd.write_config()
        verifyd.reload()
        self.ask_until(verifyd, "nobody@good.test", "550 5.1.1 ", 5)

    def test_hup_with_a_broken_file_keeps_the_old_settings(self):
        verifyd = self.started(unverified_recipient_reject_code=550)
        self.assertTrue(self.ask(verifyd, "nobody@good.test").startswith("550 "))
        verifyd.write_config("unverified_recipient_reject_code = 450\nno_such_setting = 1\n")
        verifyd.reload()
        verifyd.wait_for_log("no_such_setting")
        self.assertTrue(self.ask(verifyd, "nobody@good.test").startswith("550 "))
        self.assertIsNone(verifyd.child.exit_code)


class TableTest(WorldTestCase):
    def test_a_changed_table_is_read_without_a_reload_and_a_broken_one_does_no_harm(self):
        target = self.target("any.test")
        verifyd = self.routed(
            f"table.test smtp:[{target.address}]:{target.port}", unverified_recipient_reject_code=550
        )
        table = os.path.join(verifyd.directory, "transport")
        new_names = (f"new{number}@table.test" for number in itertools.count())

        def change(line):
            with open(table + ".new", "w", encoding="ascii") as file:
                file.write(line + "\n")
            os.replace(table + ".new", table)

        self.assertEqual(self.ask(verifyd, next(new_names)), "DUNNO")
        verifyd.write_config("half_edited\n")
        change("table.test error:5.1.1 gone")
        wait_until(
            lambda: self.ask(verifyd, next(new_names)).startswith("550 5.1.1 "), 15, "a table that is read again"
        )
        self.assertIn(f"tables read again: {table}\n", verifyd.log())

        change("table.test nonsense")
        verifyd.wait_for_log(f"{table}:1: ", 15)
        self.assertIn("what was read before stays in force", verifyd.log())
        self.assertTrue(self.ask(verifyd, next(new_names)).startswith("550 5.1.1 "))
        self.assertIsNone(verifyd.child.exit_code)


class StopTest(WorldTestCase):
    def test_reloads_under_load_lose_no_client(self):
        verifyd = self.started(unverified_recipient_reject_code=550)
        wrong = []

        def load(thread):
            with verifyd.policy() as client:
                for number in range(200):
                    name = "nobody@good.test" if number % 2 else f"known{thread}-{number}@any.test"
                    action = client.ask(name)[0]
                    if action is None or not action.startswith("550" if number % 2 else "DUNNO"):
                        wrong.append((name, action))

        threads = [threading.Thread(target=load, args=(thread,)) for thread in range(8)]
        for thread in threads:
            thread.start()
        for _ in range(10):
            verifyd.reload()
            time.sleep(0.02)
        for thread in threads:
            thread.join(60)
        self.assertEqual(wrong, [])
        self.assertIn("the new settings are in force", verifyd.log())

    def test_sigterm_answers_the_waiting_first(self):
        verifyd = self.started(address_verify_poll_count=2, address_verify_poll_delay="8s")
        client = verifyd.policy()
        self.addCleanup(client.close)
        target = self.target("slow.test")
        client.send(request_text("alice@slow.test"))
        wait_until(lambda: target.commands["RCPT"] == 1, 5, "a probe in the air")
        verifyd.child.signal(signal.SIGTERM)
        answer = client.receive()
        self.assertIsNotNone(answer, "no answer before the end")
        self.assertTrue(answer.startswith(("DUNNO", "DEFER_IF_PERMIT 4.1.1 unverified address: ")), answer)
        self.assertEqual(verifyd.child.wait(20), 0)
        self.assertTrue(verifyd.notify.has_said("STOPPING=1"))

    def test_sigterm_stops_an_idle_daemon_with_idle_clients_at_once(self):
        verifyd = self.started()
        with verifyd.policy() as client:
            client.ask("alice@good.test")
            start = time.monotonic()
            verifyd.child.signal(signal.SIGTERM)
            self.assertEqual(verifyd.child.wait(20), 0)
        self.assertLess(time.monotonic() - start, 5)


class StartTest(WorldTestCase):
    def test_check_accepts_a_good_file(self):
        result = self.verifyd().run("--check")
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_check_warns_when_nothing_would_be_verified(self):
        result = self.verifyd(verify_domains="").run("--check")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("verify_domains", result.stdout + result.stderr)

    def test_check_hints_that_known_bad_addresses_are_only_deferred(self):
        result = self.verifyd().run("--check")
        self.assertIn("unverified_recipient_reject_code", result.stdout + result.stderr)

    def test_an_unknown_setting_is_an_error_that_names_the_nearest(self):
        for arguments in ((), ("--check",)):
            result = self.verifyd(unverified_recipent_reject_code=550).run(*arguments)
            self.assertEqual(result.returncode, 78, result.stderr)
            self.assertIn("unverified_recipent_reject_code", result.stderr)
            self.assertIn("unverified_recipient_reject_code", result.stderr)

    def test_a_value_out_of_range_is_an_error(self):
        result = self.verifyd(unverified_recipient_reject_code=123).run("--check")
        self.assertEqual(result.returncode, 78, result.stderr)
        self.assertIn("unverified_recipient_reject_code", result.stderr)

    def test_a_missing_file_is_an_error_that_names_it(self):
        verifyd = self.verifyd()
        os.remove(verifyd.config_path)
        result = verifyd.run()
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(verifyd.config_path, result.stderr)

    def test_an_option_wins_over_the_file(self):
        verifyd = self.verifyd(arguments=("-o", "unverified_recipient_reject_code=550")).start()
        self.assertTrue(self.ask(verifyd, "nobody@good.test").startswith("550 "))

    def test_a_socket_in_use_is_an_error_that_names_it(self):
        self.started()
        result = self.verifyd().run()
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(self.world.policy_endpoint, result.stderr)

    def test_user_drops_privileges(self):
        verifyd = self.verifyd(arguments=("--user", "nobody"))
        account = pwd.getpwnam("nobody")
        os.chmod(self.world.directory, 0o755)
        for path in (verifyd.directory, verifyd.settings["data_directory"]):
            os.chown(path, account.pw_uid, account.pw_gid)
        verifyd.start()
        self.assertEqual(self.ask(verifyd, "alice@good.test"), "DUNNO")
        self.assertEqual(os.stat(f"/proc/{verifyd.child.pid}").st_uid, account.pw_uid)
        with open(f"/proc/{verifyd.child.pid}/status", encoding="ascii") as status:
            self.assertIn("CapEff:\t0000000000000000", status.read())

    def test_a_socket_from_systemd_is_served(self):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
            listener.bind((self.world.block.address(1), 0))
            listener.listen()
            verifyd = self.verifyd()
            verifyd.start(listener)
            with verifyd.policy(listener.getsockname()) as client:
                self.assertEqual(client.ask("alice@good.test")[0], "DUNNO")

    def test_systemd_is_told_of_start_and_stop(self):
        verifyd = self.started()
        notify = verifyd.notify
        self.assertTrue(accepts_connections(*self.world.policy_endpoint.split(":")[:1], 10090))
        verifyd.child.signal(signal.SIGTERM)
        verifyd.child.wait(20)
        self.assertTrue(notify.has_said("STOPPING=1"))

    def test_the_control_socket_is_not_for_everybody(self):
        verifyd = self.started()
        mode = stat.S_IMODE(os.stat(verifyd.settings["control_socket"]).st_mode)
        self.assertEqual(mode & 0o007, 0)
