"""verifyctl doctor against a real name server and real sockets."""

import json
import os
import re
import shutil
import time

import postfix
from loopback import SMTP_PORT
from mail_world import ACCEPTS, LISTED, UNNAMED, WELL
from world_test_case import WorldTestCase


class DoctorTest(WorldTestCase):
    def patient(self, **settings):
        """A daemon, not started, with which all is well except `settings`."""
        well = {
            "myhostname": "well.test",
            "address_verify_sender": "alice@well.test",
            "unverified_recipient_reject_code": 550,
            "inet_protocols": "ipv4",
        }
        return self.verifyd(**{**well, **settings})

    def examine(self, verifyd, *arguments, address=WELL, code=0):
        """{name: {state, found, ...}}"""
        address = self.world.block.address(address)
        if "--reach" not in arguments:
            arguments = ("--reach", "good.test", *arguments)
        result = verifyd.ctl("--json", "doctor", "--address", address, "--dnsbl", "bl.test", *arguments)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return {line["name"]: line for line in map(json.loads, result.stdout.splitlines())}

    def assert_shows(self, examination, state, found):
        self.assertEqual(examination["state"], state, examination)
        self.assertIn(found, examination["found"])

    def test_where_all_is_well_nothing_is_to_be_mended(self):
        found = self.examine(self.patient())
        # The clock, the disk and a Postfix of this machine are not what is tested.
        states = {name: line["state"] for name, line in found.items() if name not in ("clock", "disk", "postfix")}
        self.assert_shows(found["daemon"], "not_examined", "the daemon is not running")
        del states["daemon"]
        names = "helo ptr spf sender dnsbl port25 resolver verify_domains reject_code cache".split()
        self.assertEqual(states, dict.fromkeys(names, "ok"), found)

    def test_an_address_whose_name_does_not_lead_back(self):
        found = self.examine(self.patient(), address=UNNAMED, code=1)
        self.assert_shows(found["ptr"], "bad", "elsewhere.test does not lead back to it")
        self.assert_shows(found["helo"], "bad", "well.test leads to")
        self.assert_shows(found["spf"], "bad", 'fail: "-all" of well.test')

    def test_a_sender_domain_without_spf(self):
        found = self.examine(self.patient(address_verify_sender="alice@good.test"))
        self.assert_shows(found["spf"], "warning", "good.test has no SPF record")
        self.assertIn(f"ip4:{self.world.block.address(WELL)} -all", found["spf"]["remedy"])

    def test_an_address_on_a_blocklist(self):
        found = self.examine(self.patient(), address=LISTED, code=1)
        self.assert_shows(found["dnsbl"], "bad", "listed in bl.test (127.0.0.4): listed for the doctor")

    def test_a_sender_that_is_refused(self):
        found = self.examine(self.patient(address_verify_sender="nobody@well.test"), code=1)
        self.assert_shows(found["sender"], "bad", "refused: host mx.good.test[")
        self.assertIn("  address_verify_sender = nobody@well.test", found["sender"]["remedy"])

    def test_the_printed_snippet_makes_postfix_accept_the_sender(self):
        directory = os.path.join(self.world.directory, "doctor-postfix")
        address = self.world.block.address(ACCEPTS)
        server = postfix.recipient_table_target(directory, address, SMTP_PORT, "accepts.test", ())
        self.addCleanup(server.close)
        verifyd = self.patient(address_verify_sender="probe@accepts.test", address_verify_sender_ttl="1237s")
        found = self.examine(verifyd, code=1)
        self.assert_shows(found["sender"], "bad", "refused: host mx.accepts.test[")
        snippet = re.findall(r"^  (\w+ = .*)$", found["sender"]["remedy"], re.MULTILINE)
        self.assertEqual(len(snippet), 2)
        # Every client gets a new smtpd, which reads it.
        with open(os.path.join(directory, "config", "main.cf"), "a", encoding="ascii") as file:
            file.writelines(f"{line}\n" for line in snippet)
        found = self.examine(verifyd)
        self.assert_shows(found["sender"], "ok", "accepts probe")

    def test_a_port_that_leads_nowhere(self):
        self.target("down.test").close()
        found = self.examine(self.patient(), "--reach", "down.test", code=1)
        self.assert_shows(found["port25"], "bad", "Connection refused")
        found = self.examine(self.patient(), "--reach", "down.test", "--reach", "good.test")
        self.assert_shows(found["port25"], "warning", "not reached: connect to mx.down.test[")

    def test_no_domains_to_verify(self):
        verifyd = self.patient(verify_domains="")
        self.assert_shows(self.examine(verifyd, code=1)["verify_domains"], "bad", "nothing is verified")
        self.assertIn("verify_domains", verifyd.run("--check").stderr)

    def test_a_week_without_contradiction_is_enough(self):
        verifyd = self.patient(unverified_recipient_reject_code=450)
        self.assert_shows(self.examine(verifyd)["reject_code"], "not_examined", "no daemon")
        verifyd.start()
        self.ask(verifyd, "nobody@good.test")
        self.assert_shows(self.examine(verifyd)["reject_code"], "ok", "no record of a whole week")
        verifyd.stop()
        folder = os.path.join(verifyd.settings["data_directory"], "decisions")
        (name,) = os.listdir(folder)
        before = time.strftime("%Y-%m-%dT%HZ.json", time.gmtime(time.time() - 9 * 86400))
        shutil.copy2(os.path.join(folder, name), os.path.join(folder, before))
        verifyd.start()
        found = self.examine(verifyd)["reject_code"]
        self.assert_shows(found, "warning", "nothing speaks against what was refused within the last week (1)")
        self.assertIn("unverified_recipient_reject_code = 550", found["remedy"])

    def test_what_is_printed_for_people(self):
        address = self.world.block.address(WELL)
        result = self.patient().ctl("doctor", "--address", address, "--dnsbl", "bl.test", "--reach", "good.test")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertRegex(result.stdout, r"(?m)^ok +ptr 127\.\d+\.\d+\.30 +well\.test$")
        self.assertRegex(result.stdout, r"(?m)^ok +sender +mx\.good\.test\[.*\] accepts alice@well\.test$")

    def test_wrong_usage_is_told(self):
        for option, value in (("--address", "here"), ("--dnsbl", "a..b"), ("--reach", "-.-.")):
            result = self.patient().ctl("doctor", option, value)
            self.assertEqual(result.returncode, 64, result.stdout)
            self.assertIn(option, result.stderr)

    def test_the_short_form_of_check_looks_at_names(self):
        checked = self.patient(myhostname="localhost", address_verify_sender="probe@localhost").run("--check")
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertIn("helo: localhost is not a fully qualified name", checked.stderr)
        self.assertIn("sender: probe@localhost: localhost is not a fully qualified name", checked.stderr)
        self.assertNotIn("helo:", self.patient().run("--check").stderr)

    def test_a_domain_that_leads_back_to_us_was_said_to_be_well(self):
        # any.test has this address in the name server of this world, and verifyd takes it for its own.
        address = self.target("any.test").address
        verifyd = self.patient(verify_domains="any.test", inet_interfaces=address, smtp_tcp_port="25")
        self.assert_shows(self.examine(verifyd, code=1)["domain"], "bad", "its mail leads back to this machine")

    def test_each_domain_is_asked_for_its_postmaster(self):
        verifyd = self.patient(verify_domains="good.test slow.test absent.test")
        result = verifyd.ctl("doctor", "--address", self.world.block.address(WELL), "--dnsbl", "bl.test", "--reach", "good.test")
        self.assertRegex(result.stdout, r"(?m)^ok +domain good\.test +postmaster is accepted at mx\.good\.test\[")
        self.assertRegex(result.stdout, r"(?m)^warning +domain slow\.test +postmaster is refused at mx\.slow\.test\[")
        self.assertRegex(result.stdout, r"(?m)^bad +domain absent\.test +no_such_domain")
        self.assertEqual(result.returncode, 1)

    def test_a_cache_of_root_in_the_folder_of_the_service_was_said_to_be_well(self):
        verifyd = self.patient()
        data = verifyd.settings["data_directory"]
        verifyd.start()
        verifyd.stop()
        shutil.chown(data, "daemon", "daemon")
        self.assert_shows(self.examine(verifyd, code=1)["cache"], "bad", "to root, the folder to daemon")
        self.assertIn("belong to root", verifyd.run("--check").stderr)

    def test_what_the_daemon_complains_of_is_told(self):
        verifyd = self.patient().start()
        self.assert_shows(self.examine(verifyd)["daemon"], "ok", "nothing to complain of")
        verifyd.write_config("nonsense = 1\n")
        verifyd.reload()
        verifyd.wait_for_log("the settings of before stay in force")
        verifyd.write_config()
        self.assert_shows(self.examine(verifyd)["daemon"], "warning", "the last reload failed")
