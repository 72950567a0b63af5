"""The daemon's record of what it has decided: report, refusal ids, replay."""

import json
import os
import re
import resource

from world_test_case import WorldTestCase


def refused_line(recipient, sender="ann@client.test"):
    return (
        f"Nov 25 13:00:00 gw postfix/smtpd[12]: NOQUEUE: reject: RCPT from mx.client.test[192.0.2.1]: 550 5.1.1 "
        f"<{recipient}>: Recipient address rejected: x; from=<{sender}> to=<{recipient}> proto=ESMTP helo=<h>\n"
    )


def delivered_lines(queue_id, recipient):
    return (
        f"Nov 25 13:00:00 gw postfix/smtpd[12]: {queue_id}: client=mx.client.test[192.0.2.1]\n"
        f"Nov 25 13:00:00 gw postfix/qmgr[3]: {queue_id}: from=<ann@client.test>, size=900, nrcpt=1 (queue active)\n"
        f"Nov 25 13:00:01 gw postfix/smtp[4]: {queue_id}: to=<{recipient}>, relay=mx[192.0.2.2]:25, delay=1, "
        f"delays=0/0/0/1, dsn=2.0.0, status=sent (250 Ok)\n"
        f"Nov 25 13:00:01 gw postfix/qmgr[3]: {queue_id}: removed\n"
    )


class ReportTest(WorldTestCase):
    def ctl(self, verifyd, *arguments, text="", code=0):
        result = verifyd.ctl(*arguments, text=text)
        self.assertEqual(result.returncode, code, f"{arguments}: {result.stdout}{result.stderr}")
        return result.stdout

    def report(self, verifyd, *arguments, text=""):
        return json.loads(self.ctl(verifyd, "--json", *arguments, text=text))

    def test_a_report_tells_what_was_refused_and_why(self):
        verifyd = self.started(unverified_recipient_reject_code=550)
        for recipient in ("alice@good.test", "nobody@good.test", "nobody@good.test"):
            self.ask(verifyd, recipient)
        report = self.report(verifyd, "report")
        self.assertEqual(report["decisions"], 3)
        self.assertEqual((report["totals"]["dunno"], report["totals"]["reject"]), (1, 2))
        self.assertEqual(report["reasons"][0]["reason"], "no_such_user")
        self.assertIn("550 5.1.1", report["reasons"][0]["samples"][0]["reply"])
        self.assertEqual(report["domains"][0]["domain"], "good.test")
        self.assertEqual((report["addresses"][0]["address"], report["addresses"][0]["refused"]), ("nobody@good.test", 2))
        text = self.ctl(verifyd, "report", "--since", "2h")
        self.assertIn("2  rejected", text)
        self.assertIn("nobody@good.test: host mx.good.test[", text)

    def test_top_names_who_is_asked_about_and_refused_most(self):
        verifyd = self.started(unverified_recipient_reject_code=550)
        for recipient in ("alice@good.test", "alice@good.test", "nobody@good.test", "alice@good.test", "bob@good.test"):
            self.ask(verifyd, recipient)
        top = self.report(verifyd, "top", "-n", "2")
        self.assertEqual([(entry["address"], entry["asked"]) for entry in top["asked"]],
                         [("alice@good.test", 3), ("bob@good.test", 1)])
        self.assertEqual([(entry["address"], entry["refused"]) for entry in top["refused"]], [("nobody@good.test", 1)])
        text = self.ctl(verifyd, "top")
        self.assertRegex(text, r"addresses asked about most\n +3  alice@good.test\n")
        self.assertRegex(text, r"addresses refused or deferred most\n +1  nobody@good.test  no_such_user\n")

    def test_a_dry_run_is_reported_as_what_it_would_have_refused(self):
        verifyd = self.started(unverified_recipient_reject_code=550, dry_run="yes")
        self.ask(verifyd, "nobody@good.test")
        self.assertEqual(self.report(verifyd, "report")["totals"]["would_reject"], 1)

    def test_a_dry_run_with_450_did_not_say_what_550_would_reject(self):
        verifyd = self.started(dry_run="yes")
        self.ask(verifyd, "nobody@good.test")
        self.ask(verifyd, "alice@busy.test")
        self.assertEqual(self.report(verifyd, "report")["totals"]["would_defer"], 2)
        self.assertRegex(self.ctl(verifyd, "report"), "(?m)^ +1  of the deferred are known not to exist: code 550 rejects them$")

    def test_the_record_outlives_the_daemon(self):
        verifyd = self.started(unverified_recipient_reject_code=550)
        self.ask(verifyd, "nobody@good.test")
        verifyd.stop()
        folder = os.path.join(verifyd.settings["data_directory"], "decisions")
        (name,) = os.listdir(folder)
        self.assertRegex(name, r"^\d{4}-\d\d-\d\dT\d\dZ\.json$")
        with open(os.path.join(folder, "2020-01-01T00Z.json"), "w", encoding="ascii") as file:
            file.write("{broken")
        verifyd.start()
        self.assertEqual(self.report(verifyd, "report")["totals"]["reject"], 1)

    def test_a_refusal_is_shown_by_its_id(self):
        verifyd = self.started(unverified_recipient_reject_code=550, refusal_id="yes")
        action = self.ask(verifyd, "nobody@good.test")
        refusal_id = re.search(r" \(id ([A-Z2-9]{8})\)$", action).group(1)
        verifyd.wait_for_log(f" id={refusal_id}")
        self.assertEqual(self.ask(verifyd, "alice@good.test"), "DUNNO")
        text = self.ctl(verifyd, "show", refusal_id)
        self.assertIn("nobody@good.test", text)
        self.assertIn("someone@client.test", text)
        self.assertIn("no_such_user", text)
        self.assertIn("RCPT", text)
        self.assertRegex(text, r"> RCPT TO:<nobody@good\.test>\n(.*\n)*.*< 550 5\.1\.1 ")
        command = re.search(r"verifyctl (set nobody@good.test deliverable --for 7d)", text).group(1)
        self.ctl(verifyd, *command.split())
        self.assertEqual(self.ask(verifyd, "nobody@good.test"), "DUNNO")
        self.assertEqual(verifyd.ctl("show", "AAAAAAAA").returncode, 2)

    def test_an_id_is_in_what_the_client_of_postfix_sees(self):
        self.world.gateway  # starts it: it asks the daemon at the world's endpoint
        self.started(unverified_recipient_reject_code=550, refusal_id="yes")
        code, text, _ = self.rcpt("nobody@good.test")
        self.assertEqual(code, 550)
        self.assertRegex(text, r"\(id [A-Z2-9]{8}\)$")

    def test_a_replay_without_probes_asks_nobody(self):
        verifyd = self.started(unverified_recipient_reject_code=550)
        self.ask(verifyd, "nobody@good.test")
        sessions = self.target("good.test").sessions
        log = refused_line("nobody@good.test") + delivered_lines("4bXz", "alice@good.test") + "noise\n"
        report = self.report(verifyd, "replay", "-", text=log)
        self.assertEqual(report["requests"], 2)
        self.assertEqual((report["totals"]["reject"], report["totals"]["not_known"]), (1, 1))
        self.assertEqual(self.target("good.test").sessions, sessions)
        self.assertEqual(self.report(verifyd, "report")["decisions"], 1)

    def test_a_replay_with_probes_finds_out(self):
        verifyd = self.started(unverified_recipient_reject_code=550)
        path = os.path.join(verifyd.directory, "mail.log")
        with open(path, "w", encoding="ascii") as file:
            file.write(refused_line("nobody@good.test") + delivered_lines("4bXz", "alice@good.test"))
        report = self.report(verifyd, "replay", "--probe", path)
        self.assertEqual((report["totals"]["reject"], report["totals"]["dunno"]), (1, 1))
        self.assertIn("1  rejected", self.ctl(verifyd, "replay", path))

    def test_a_log_that_is_not_there_is_told_so(self):
        verifyd = self.started()
        self.assertEqual(verifyd.ctl("replay", "/nonexistent").returncode, 66)

    def test_a_replay_of_many_lines_takes_no_more_memory(self):
        verifyd = self.started(unverified_recipient_reject_code=550)
        path = os.path.join(verifyd.directory, "mail.log")

        def replay(lines):
            with open(path, "w", encoding="ascii") as file:
                file.writelines(refused_line(f"user{number}@d{number % 5000}.test") for number in range(lines))
            report = self.report(verifyd, "replay", path)
            self.assertEqual(report["requests"], lines)
            with open(f"/proc/{verifyd.child.pid}/status", encoding="ascii") as status:
                daemon = int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1))
            return daemon, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss

        before = replay(20000)
        after = replay(1000000)
        self.assertLess(after[0] - before[0], 8192, "KiB of the daemon")
        self.assertLess(after[1] - before[1], 8192, "KiB of verifyctl")
