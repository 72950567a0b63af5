"""Our own faults defer no recipient. The log says what to repair; after that, addresses are asked about at once."""

import os

from child import wait_until
from world_test_case import WorldTestCase


class OwnFaultTest(WorldTestCase):
    def own(self, **settings):
        """A daemon for which the MX of good.test is this machine, as on a gateway that is the MX of its relay domains."""
        verifyd = self.verifyd(
            verify_domains="good.test",
            smtp_tcp_port=25,
            proxy_interfaces=self.target("good.test").address,
            unverified_recipient_reject_code=550,
            **settings,
        )
        return verifyd

    def test_an_own_domain_whose_mx_is_this_machine_is_let_pass_and_the_log_names_the_cure(self):
        verifyd = self.own().start()
        self.assertEqual(self.rcpt("alice@good.test")[0], 250)
        self.assertEqual(self.rcpt("nobody@good.test")[0], 250)
        verifyd.wait_for_log(
            f"ALARM: good.test is asked at its MX mx.good.test[{self.target('good.test').address}], which is this machine:"
            " give it a line in transport_maps; where Postfix has one, set postfix_config_directory"
        )
        self.assertEqual(verifyd.log().count("ALARM"), 1, "once an hour is enough")
        self.assertEqual(self.target("good.test").recipients, [])

    def test_a_route_that_is_mended_by_a_restart_is_asked_at_once(self):
        target = self.target("good.test")
        wrong = "inline:{ {good.test = error:5.1.1 nobody is known here} }"
        verifyd = self.own(address_verify_transport_maps=wrong).start()
        self.assertRegex(self.ask(verifyd, "alice@good.test"), "^550 ")
        self.assertEqual(verifyd.stop(), 0)
        verifyd.start()
        self.assertRegex(self.ask(verifyd, "alice@good.test"), "^550 ", "nothing has changed")
        self.assertEqual(verifyd.stop(), 0)
        verifyd.settings["address_verify_transport_maps"] = (
            f"inline:{{ {{good.test = smtp:[{target.address}]:{target.port}}} }}"
        )
        verifyd.write_config()
        verifyd.start()
        self.assertEqual(self.ask(verifyd, "alice@good.test"), "DUNNO")

    def test_a_route_that_is_given_by_a_reload_is_asked_at_once(self):
        verifyd = self.own().start()
        self.assertEqual(self.ask(verifyd, "nobody@good.test"), "DUNNO")
        target = self.target("good.test")
        verifyd.settings["address_verify_transport_maps"] = (
            f"inline:{{ {{good.test = smtp:[{target.address}]:{target.port}}} }}"
        )
        verifyd.write_config()
        verifyd.ctl("reload")
        self.assertRegex(self.ask(verifyd, "nobody@good.test"), "^550 5.1.1 undeliverable address: ")
        self.assertEqual(self.ask(verifyd, "alice@good.test"), "DUNNO")

    def test_a_changed_table_drops_what_was_refused_by_way_of_the_old_route(self):
        good, down = self.target("good.test"), self.target("down.test")
        verifyd = self.routed(
            f"moved.test smtp:[{good.address}]:{good.port}",
            verify_domains="moved.test",
            unverified_recipient_reject_code=550,
            address_verify_catch_all="no",
        )
        # An address that only one of the two servers knows.
        self.assertEqual(self.ask(verifyd, "alice@moved.test"), "DUNNO")
        before = self.ask(verifyd, "nobody@moved.test")
        self.assertRegex(before, "^550 ")
        table = os.path.join(verifyd.directory, "transport")
        with open(f"{table}.new", "w", encoding="ascii") as file:
            file.write(f"moved.test smtp:[{down.address}]:{down.port}\n")
        os.rename(f"{table}.new", table)
        verifyd.wait_for_log("routes have changed: ", seconds=20)
        asked = len(down.recipients)
        self.ask(verifyd, "nobody@moved.test")
        self.assertGreater(len(down.recipients), asked, "the new server was asked at once")

    def test_a_foreign_domain_whose_mx_is_this_machine_is_a_finding_without_an_alarm(self):
        verifyd = self.own()
        verifyd.settings["verify_domains"] = "*"
        verifyd.write_config()
        verifyd.start()
        self.assertEqual(
            self.ask(verifyd, "alice@good.test"),
            "550 5.1.1 undeliverable address: mail for good.test loops back to myself",
        )
        self.assertNotIn("ALARM", verifyd.log())

    def test_a_released_destination_answers_at_once(self):
        verifyd = self.started(verify_domains="good.test")
        self.assertEqual(self.ask(verifyd, "alice@good.test"), "DUNNO")
        wait_until(lambda: verifyd.ctl("hold", "mx.good.test").returncode == 0, 5, "a hold of a known destination")
        self.assertRegex(self.ask(verifyd, "bob@good.test"), "verification of good.test is on hold$")
        self.assertEqual(verifyd.ctl("release", "mx.good.test").returncode, 0)
        self.assertNotIn("hold", self.ask(verifyd, "bob@good.test"))
