"""The log lines for which administrators grep."""

import os
import re
import subprocess

from world_test_case import SOURCE, WorldTestCase


class LogTest(WorldTestCase):
    def lines_of(self, **settings):
        verifyd = self.started(unverified_recipient_reject_code=550, **settings)
        for name in ("alice@good.test", "nobody@good.test", "nobody@good.test"):
            self.ask(verifyd, name)
        verifyd.child.stop()
        return verifyd.log().splitlines()

    def test_a_decision_is_one_line_with_fields_in_a_fixed_order(self):
        lines = [line for line in self.lines_of() if "action=" in line]
        self.assertEqual(len(lines), 3)
        self.assertRegex(
            lines[0],
            r"action=dunno .*result=deliverable .*cache=miss .*client_address=127\.0\.0\.1 "
            r"sender=<someone@client\.test> recipient=<alice@good\.test> instance=123\.456\.[0-9a-f]+\.0 queue_id= wait=\d",
        )
        self.assertRegex(lines[1], r"action=reject code=550 dsn=5\.1\.1 result=undeliverable .*cache=miss ")
        self.assertRegex(lines[2], r"action=reject code=550 dsn=5\.1\.1 result=undeliverable .*cache=hit age=\d+s ")

    def test_a_probe_is_one_line_with_the_words_of_postfix(self):
        lines = [line for line in self.lines_of() if "probe: " in line]
        self.assertEqual(len(lines), 2)
        address = self.target("good.test").address
        self.assertRegex(
            lines[0],
            rf"probe: to=<alice@good\.test>, relay=mx\.good\.test\[{address}\](:\d+)?, delay=[\d.]+, "
            r"delays=[\d./]+, dsn=2\.1\.5, status=deliverable.* \(250 2\.1\.5 Ok\)$",
        )
        self.assertRegex(lines[1], r"dsn=5\.1\.1, status=undeliverable.* \(host mx\.good\.test\[")

    def test_log_address_says_how_much_of_an_address_is_logged(self):
        domain = "\n".join(self.lines_of(log_address="domain"))
        self.assertIn("recipient=<*@good.test>", domain)
        self.assertIn("probe: to=<*@good.test>", domain)
        self.assertNotIn("alice", domain)
        self.assertNotIn("nobody", domain)
        self.assertNotIn("someone", domain)
        hashed = "\n".join(self.lines_of(log_address="hashed"))
        self.assertNotIn("alice", hashed)
        self.assertNotIn("nobody", hashed)
        names = re.findall(r"recipient=<(#[0-9a-f]{32})@good\.test>", hashed)
        self.assertEqual(len(names), 3)
        self.assertEqual(names[1], names[2])
        self.assertNotEqual(names[0], names[1])

    def test_log_decisions_chooses(self):
        self.assertEqual(len([line for line in self.lines_of(log_decisions="refused") if "action=" in line]), 2)
        self.assertEqual(len([line for line in self.lines_of(log_decisions="none") if "action=" in line]), 0)

    def test_the_logcheck_rules_know_the_lines(self):
        rules = os.path.join(SOURCE, "packaging", "logcheck", "verifyd")
        lines = [line for line in self.lines_of() if "action=" in line or "probe: " in line or "cache lmdb" in line]
        text = "".join(f"Nov 23 09:18:02 gateway verifyd[123]: {line}\n" for line in lines)
        unknown = subprocess.run(["grep", "-v", "-E", "-f", rules], input=text, capture_output=True, text=True)
        self.assertEqual(unknown.stdout, "")
