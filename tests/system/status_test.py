"""Service and status of verifyd: with settings that can not be used, sockets that can not be opened, for monitoring,
and after a start by hand as root."""

import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time

from child import Child, wait_until
from lookup_client import LineClient, SocketmapClient, TcpTableClient, lookup_settings
from milter_client import MilterClient
from policy_client import PolicyClient
from verify_client import VerifyClient, query
from world_test_case import SOURCE, WorldTestCase

BROKEN = "relay_domain = example.com\n"
TYPO = 'unknown setting "relay_domain"; did you mean "relay_domains"?'


class BrokenSettingsCase(WorldTestCase):
    def break_settings(self, verifyd):
        """Makes one name wrong, and leaves all else unchanged."""
        good = "".join(f"{name} = {value}\n" for name, value in verifyd.settings.items())
        verifyd.write_config(good + BROKEN)
        return f"{verifyd.config_path}:{len(verifyd.settings) + 1}: {TYPO}"

    def status(self, verifyd, *more):
        return verifyd.ctl("-s", verifyd.settings["control_socket"], *more, "status")

    def tell(self, verifyd, *arguments):
        return verifyd.ctl("-s", verifyd.settings["control_socket"], *arguments)

    def listener(self, directory):
        """A UNIX socket as a service manager holds it."""
        path = os.path.join(directory, "held")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(listener.close)
        listener.bind(path)
        listener.listen(1024)
        return listener, path


class UnitSocketTest(BrokenSettingsCase):
    """The sockets of packaging/systemd, held as systemd holds them, with settings that can not be used."""

    def unit(self, name):
        with open(os.path.join(SOURCE, "packaging", "systemd", name), encoding="ascii") as file:
            return dict(re.findall(r"^(\w+)=(.*)$", file.read(), re.MULTILINE))

    def held(self, name, address):
        """systemd-socket-activate with the unit's socket; it starts verifyd when a client connects."""
        verifyd = self.verifyd()
        self.break_settings(verifyd)
        log = os.path.join(verifyd.directory, "activated")
        command = ["systemd-socket-activate", "-l", address, f"--fdname={self.unit(name)['FileDescriptorName']}"]
        child = Child("verifyd", [*command, *verifyd.command()], log)
        self.addCleanup(child.stop)
        child.wait_until(lambda: "Listening on" in child.output(), 10, "listen")
        return child

    def test_a_policy_question_is_answered_within_two_seconds(self):
        host, port = self.world.block.address(1), int(self.unit("verifyd.socket")["ListenStream"].rpartition(":")[2])
        child = self.held("verifyd.socket", f"{host}:{port}")
        start = time.monotonic()
        with PolicyClient((host, port)) as client:
            self.assertEqual(client.ask("nobody@good.test")[0], "DUNNO")
        self.assertLess(time.monotonic() - start, 2)
        child.wait_until(lambda: TYPO in child.output(), 5, "say what is wrong")

    def test_a_question_to_verify_is_answered_within_two_seconds(self):
        path = os.path.join(self.world.directory, os.path.basename(self.unit("verifyd-verify.socket")["ListenStream"]))
        child = self.held("verifyd-verify.socket", path)
        self.addCleanup(os.unlink, path)
        start = time.monotonic()
        with VerifyClient(path) as client:
            self.assertEqual(client.ask("nobody@good.test")[0], 0, "deliverable")
        self.assertLess(time.monotonic() - start, 2)
        child.wait_until(lambda: TYPO in child.output(), 5, "say what is wrong")


class StopgapTest(BrokenSettingsCase):
    """There are no previous settings."""

    def every_door(self, **settings):
        verifyd = self.verifyd(**lookup_settings(self.world), **settings)
        verifyd.settings["milter_listen"] = f"inet:{self.world.milter_endpoint}"
        verifyd.settings["verify_listen"] = f"unix:{verifyd.directory}/verify"
        return verifyd

    def endpoint(self, verifyd, door):
        host, port = verifyd.settings[f"{door}_listen"].removeprefix("inet:").rsplit(":", 1)
        return host, int(port)

    def answers(self, verifyd):
        """The answer of each door about an unknown user."""
        answers = {}
        with verifyd.policy() as client:
            answers["policy"] = client.ask("nobody@good.test")[0]
        with VerifyClient(verifyd.settings["verify_listen"].removeprefix("unix:")) as client:
            client.send(query("nobody@good.test"))
            answers["verify"] = client.receive()["recipient_status"]
        with MilterClient(self.endpoint(verifyd, "milter")) as client:
            answers["milter"] = client.ask("nobody@good.test")
        for name in ("verify", "relay_recipients"):
            with SocketmapClient(self.endpoint(verifyd, "socketmap"), name) as client:
                answers[f"socketmap {name}"] = client.ask("nobody@good.test")
        with TcpTableClient(self.endpoint(verifyd, "tcp_table")) as client:
            answers["tcp_table"] = client.ask("nobody@good.test")
        with LineClient(self.endpoint(verifyd, "line")) as client:
            answers["line"] = client.ask("nobody@good.test")
        return answers

    def test_every_door_lets_mail_through(self):
        verifyd = self.every_door()
        self.break_settings(verifyd)
        verifyd.start()
        answers = self.answers(verifyd)
        self.assertEqual(answers["policy"], "DUNNO")
        self.assertEqual(answers["verify"], "0", "deliverable")
        self.assertEqual(answers["milter"], "continue")
        self.assertEqual(answers["socketmap verify"], "NOTFOUND ")
        self.assertEqual(answers["socketmap relay_recipients"], "OK OK")
        self.assertRegex(answers["tcp_table"], "^500 ")
        self.assertEqual(answers["line"], "unknown")
        self.assertEqual(self.target("good.test").commands["RCPT"], 0, "nothing is verified")

    def test_every_door_defers_where_internal_error_action_says_so(self):
        verifyd = self.every_door(internal_error_action="defer")
        self.break_settings(verifyd)
        verifyd.start()
        answers = self.answers(verifyd)
        self.assertEqual(answers["policy"], "DEFER_IF_PERMIT 4.3.0 address verification problem")
        self.assertEqual(answers["verify"], "1")
        self.assertRegex(answers["milter"], "^450 4.3.0 ")
        self.assertRegex(answers["socketmap verify"], "^TEMP ")
        self.assertRegex(answers["tcp_table"], "^400 ")
        self.assertRegex(answers["line"], "^defer 450 ")

    def test_status_is_critical_names_the_line_and_a_reload_is_all_it_takes(self):
        verifyd = self.verifyd(unverified_recipient_reject_code="550")
        wrong = self.break_settings(verifyd)
        verifyd.start()
        verifyd.wait_for_log(f"error: settings can not be used: {wrong}")
        verifyd.wait_for_log("ALARM: NOTHING IS VERIFIED")
        wait_until(lambda: any(wrong in line for line in verifyd.notify.said), 5, "the error in STATUS=")
        status = self.status(verifyd)
        self.assertEqual(status.returncode, 2, status)
        self.assertRegex(status.stdout, f"^verifyd CRITICAL - nothing is verified: .*{re.escape(wrong)}")
        # A pin that would be forgotten is not accepted.
        self.assertEqual(self.tell(verifyd, "set", "joe@good.test", "deliverable").returncode, 69)
        again = self.tell(verifyd, "reload")
        self.assertEqual(again.returncode, 78)
        self.assertIn(wrong, again.stderr)
        verifyd.write_config()
        self.assertEqual(self.tell(verifyd, "reload").stdout, "reloaded\n")
        verifyd.wait_for_log(f"every domain, settings {verifyd.config_path}\n", 20)
        self.ask_until(verifyd, "nobody@good.test", "550 5.1.1")
        status = self.status(verifyd)
        self.assertEqual((status.returncode, status.stdout[:10]), (0, "verifyd OK"), status)
        self.assertEqual(verifyd.stop(), 0)
        self.assertTrue(os.path.exists(os.path.join(verifyd.settings["data_directory"], "settings.good")))

    def test_a_mended_file_is_read_by_itself_while_the_socket_is_held(self):
        verifyd = self.verifyd(unverified_recipient_reject_code="550")
        listener, path = self.listener(verifyd.directory)
        self.break_settings(verifyd)
        verifyd.start(listener, "verify")
        with VerifyClient(path) as client:
            self.assertEqual(client.ask("nobody@good.test")[0], 0)
        verifyd.write_config()
        verifyd.wait_for_log("the settings are right again", 20)
        verifyd.wait_for_log(f"every domain, settings {verifyd.config_path}\n", 5)
        with VerifyClient(path) as client:
            self.assertEqual(client.ask("nobody@good.test")[0], 2)

    def test_hangups_while_it_begins_anew_do_not_end_it(self):
        verifyd = self.verifyd()
        self.break_settings(verifyd)
        verifyd.start()
        verifyd.write_config()
        for _ in range(20):
            verifyd.reload()
            time.sleep(0.05)
        verifyd.wait_for_log(f"every domain, settings {verifyd.config_path}\n", 20)
        self.assertEqual(self.ask(verifyd, "alice@good.test"), "DUNNO")
        self.assertEqual(verifyd.stop(), 0)

    def test_sigterm_ends_it(self):
        verifyd = self.verifyd()
        self.break_settings(verifyd)
        verifyd.start()
        self.assertEqual(verifyd.stop(), 0)

    def test_without_a_service_manager_it_is_the_end(self):
        verifyd = self.verifyd()
        wrong = self.break_settings(verifyd)
        ended = verifyd.run()
        self.assertEqual(ended.returncode, 78)
        self.assertIn(wrong, ended.stderr)


class LastGoodSettingsTest(BrokenSettingsCase):
    def test_with_the_settings_of_before_mail_is_verified_as_before(self):
        verifyd = self.verifyd(unverified_recipient_reject_code="550").start()
        self.ask_until(verifyd, "nobody@good.test", "550 5.1.1")
        self.assertEqual(verifyd.stop(), 0)
        kept = os.path.join(verifyd.settings["data_directory"], "settings.good")
        self.assertEqual(os.stat(kept).st_mode & 0o777, 0o600)
        wrong = self.break_settings(verifyd)
        verifyd.start()
        verifyd.wait_for_log(f"settings can not be used: {wrong}")
        verifyd.wait_for_log("the settings that were in force before are used instead")
        self.assertRegex(self.ask(verifyd, "nobody@good.test"), "^550 5.1.1")
        status = self.status(verifyd)
        self.assertEqual(status.returncode, 1)
        self.assertRegex(status.stdout, f"^verifyd WARNING - .*those of before are in force: {re.escape(wrong)}")
        # Once the file is right, settings that otherwise need a restart are in force, too.
        verifyd.settings["control_socket"] += "2"
        verifyd.settings["unverified_recipient_reject_code"] = "551"
        verifyd.write_config()
        verifyd.reload()
        wait_until(lambda: os.path.exists(verifyd.settings["control_socket"]), 10, "the new control socket")
        self.ask_until(verifyd, "nobody@good.test", "551 5.1.1")
        self.assertEqual(self.status(verifyd).returncode, 0)

    def test_mended_settings_stay_in_force_when_a_table_changes(self):
        verifyd = self.verifyd(unverified_recipient_reject_code="550")
        table = os.path.join(verifyd.directory, "domains")
        with open(table, "w", encoding="ascii") as file:
            file.write("good.test x\n")
        verifyd.settings["verify_domains"] = f"texthash:{table}"
        verifyd.write_config()
        verifyd.start()
        self.ask_until(verifyd, "nobody@good.test", "550 5.1.1")
        self.assertEqual(verifyd.stop(), 0)
        self.break_settings(verifyd)
        verifyd.start()
        verifyd.settings["unverified_recipient_reject_code"] = "551"
        verifyd.write_config()
        verifyd.wait_for_log("the new settings are in force", 20)
        with open(table, "a", encoding="ascii") as file:
            file.write("other.test x\n")
        verifyd.wait_for_log("tables read again", 20)
        self.ask_until(verifyd, "nobody@good.test", "551 5.1.1")
        self.assertEqual(self.status(verifyd).returncode, 0)

    def test_options_of_the_command_line_are_kept_with_them(self):
        verifyd = self.verifyd(arguments=("-o", "unverified_recipient_reject_code=552")).start()
        self.assertEqual(verifyd.stop(), 0)
        self.break_settings(verifyd)
        verifyd.start()
        self.ask_until(verifyd, "nobody@good.test", "552 5.1.1")

    def test_a_file_that_is_gone_leaves_the_doors_open_until_it_is_back(self):
        verifyd = self.verifyd(unverified_recipient_reject_code="550")
        rules = os.path.join(verifyd.directory, "rules")
        shutil.copy(os.path.join(SOURCE, "classifier", "rules.txt"), rules)
        verifyd.settings["classifier_rules"] = rules
        verifyd.write_config()
        verifyd.start()
        self.assertEqual(verifyd.stop(), 0)
        os.rename(rules, rules + ".away")
        verifyd.start()
        self.assertEqual(self.ask(verifyd, "nobody@good.test"), "DUNNO")
        self.assertEqual(self.status(verifyd).returncode, 2)
        self.assertIn(rules, self.status(verifyd).stdout)
        os.rename(rules + ".away", rules)
        self.assertEqual(self.tell(verifyd, "reload").returncode, 0)
        verifyd.wait_for_log(f"every domain, settings {verifyd.config_path}\n", 20)
        self.ask_until(verifyd, "nobody@good.test", "550 5.1.1")


class SocketsTest(BrokenSettingsCase):
    def test_a_port_in_use_does_not_close_the_door_that_the_service_manager_holds(self):
        verifyd = self.verifyd()
        listener, path = self.listener(verifyd.directory)
        host, port = verifyd.settings["policy_listen"].removeprefix("inet:").rsplit(":", 1)
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind((host, int(port)))
            other.listen()
            verifyd.start(listener, "verify")
            with VerifyClient(path) as client:
                self.assertEqual(client.ask("alice@good.test")[0], 0)
            status = self.status(verifyd)
            self.assertEqual(status.returncode, 2)
            self.assertIn("policy is not served: policy_listen: can not bind", status.stdout)
        verifyd.wait_for_log("it is tried again every minute")

    def test_a_port_in_use_is_the_end_where_nothing_is_held(self):
        verifyd = self.verifyd()
        host, port = verifyd.settings["policy_listen"].removeprefix("inet:").rsplit(":", 1)
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind((host, int(port)))
            other.listen()
            self.assertEqual(verifyd.run().returncode, 69)

    def test_the_log_says_that_a_held_socket_takes_the_place_of_policy_listen(self):
        verifyd = self.verifyd()
        listener, path = self.listener(verifyd.directory)
        verifyd.start(listener, "policy")
        policy = verifyd.settings["policy_listen"]
        verifyd.wait_for_log(f"policy_listen ({policy}) is not served: the service manager has given unix:{path}")

    def test_the_log_says_that_the_name_of_a_held_socket_is_unknown(self):
        verifyd = self.verifyd()
        listener, path = self.listener(verifyd.directory)
        verifyd.start(listener, "polcy")
        verifyd.wait_for_log(
            'inherited socket 3 is called "polcy" (FileDescriptorName=), expected one of control, policy, verify, milter, '
            "socketmap, tcp_table, line: it is served as policy\n",
        )
        with PolicyClient(path) as client:
            self.assertEqual(client.ask("alice@good.test")[0], "DUNNO")


class SelfTest(BrokenSettingsCase):
    def test_the_start_says_in_one_line_what_there_is(self):
        verifyd = self.started(verify_domains="good.test any.test", dry_run="yes")
        version = verifyd.run("--version").stdout.split()[-1]
        data = verifyd.settings["data_directory"]
        self.assertIn(
            f"verifyd {version}: policy inet:{self.world.policy_endpoint}, cache lmdb:{data}/verify_cache (0 records), "
            f"2 domains, settings {verifyd.config_path}\n",
            verifyd.log(),
        )
        verifyd.wait_for_log("dry run: nothing is refused")
        status = self.status(verifyd)
        self.assertEqual(status.returncode, 0)
        self.assertIn("dry run: nothing is refused", status.stdout)
        self.assertLessEqual(len(status.stdout.splitlines()), 24, status.stdout)

    def test_status_counts_records_and_is_json_where_that_is_wanted(self):
        verifyd = self.started()
        self.assertEqual(verifyd.ctl("verify", "alice@good.test").returncode, 0)
        wait_until(lambda: json.loads(self.status(verifyd, "--json").stdout)["cache"]["records"] == 1, 5, "a record")
        self.assertEqual(json.loads(self.status(verifyd, "--json").stdout)["level"], 0)

    def test_status_is_critical_where_nobody_answers(self):
        verifyd = self.verifyd()
        status = self.status(verifyd)
        self.assertEqual(status.returncode, 2)
        self.assertRegex(status.stdout, "^verifyd CRITICAL - ")

    def test_a_reload_says_what_needs_a_restart(self):
        verifyd = self.started()
        verifyd.settings["milter_listen"] = f"inet:{self.world.milter_endpoint}"
        verifyd.write_config()
        self.assertEqual(verifyd.ctl("reload").stdout, "reloaded\nmilter_listen takes effect after a restart only\n")
        verifyd.wait_for_log("reload: milter_listen takes effect after a restart only")
        self.assertEqual(self.status(verifyd).returncode, 1)

    def test_a_failed_reload_is_seen(self):
        verifyd = self.started()
        wrong = self.break_settings(verifyd)
        failed = self.tell(verifyd, "reload")
        self.assertEqual((failed.returncode, failed.stderr), (78, f"verifyctl: {wrong}\n"))
        status = self.status(verifyd)
        self.assertEqual(status.returncode, 1)
        self.assertIn("the last reload failed", status.stdout)


class ByHandTest(BrokenSettingsCase):
    """verifyd is started as root, but the service has another user."""

    SERVICE = "daemon"

    def test_a_start_by_hand_as_root_made_a_cache_that_the_service_could_not_use(self):
        verifyd = self.verifyd()
        os.chmod(verifyd.directory, 0o755)
        data = verifyd.settings["data_directory"]
        shutil.chown(data, self.SERVICE, self.SERVICE)
        verifyd.settings["control_socket"] = os.path.join(verifyd.directory, "run", "control")
        verifyd.write_config()
        verifyd.start()
        verifyd.wait_for_log(f"started as root: goes on as user {self.SERVICE}, who has {data}")
        self.assertEqual(verifyd.ctl("verify", "alice@good.test").returncode, 0)
        self.assertEqual(self.ask(verifyd, "alice@good.test"), "DUNNO")
        self.assertEqual(verifyd.stop(), 0)
        owner = pwd.getpwnam(self.SERVICE).pw_uid
        made = [os.path.join(folder, name) for folder, _, names in os.walk(data) for name in names]
        self.assertTrue(made)
        self.assertEqual([path for path in made if os.stat(path).st_uid != owner], [])
        # A start as the service, which has that user from the beginning.
        service = [*verifyd.command("--user", self.SERVICE)]
        log = os.path.join(verifyd.directory, "service")
        child = Child("verifyd", service, log)
        self.addCleanup(child.stop)
        child.wait_until(lambda: "ready" in child.output(), 20, "ready")
        self.assertIn("verify_cache (1 record)", child.output())

    def test_root_who_has_the_folder_stays_root(self):
        verifyd = self.started()
        verifyd.wait_for_log("runs as root, which is not needed")


class FullDiskTest(BrokenSettingsCase):
    def small_disk(self, path):
        os.makedirs(path, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", path], check=True, timeout=10)
        self.addCleanup(subprocess.run, ["umount", "-l", path], check=False, timeout=10)

    def test_an_import_that_fills_the_disk_says_how_many_were_stored_and_that_the_disk_is_full(self):
        verifyd = self.verifyd()
        data = verifyd.settings["data_directory"]
        self.small_disk(data)
        verifyd.start()
        entries = "".join(
            f"user{number}@good.test\t0:0:{int(time.time())}:250 2.1.5 Ok, and so many words that the disk is soon full\n"
            for number in range(20000)
        )
        done = verifyd.ctl("import", "-", text=entries)
        self.assertNotEqual(done.returncode, 0)
        full = f"No space left on device: the disk of {data} is full"
        self.assertIn(full, done.stderr)
        verifyd.wait_for_log(full)
        said = int(re.match(r"imported (\d+) of \d+ entries", done.stdout)[1])
        status = json.loads(self.status(verifyd, "--json").stdout)
        self.assertEqual(said, status["cache"]["records"])
        self.assertEqual(status["level"], 1)
        self.assertIn(full, status["summary"])
        self.assertEqual(self.ask(verifyd, "alice@good.test"), "DUNNO", "mail goes on")
