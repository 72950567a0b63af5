"""Tests GATEWAY RECIPES of verifyd(8), each with a real Postfix. Its files are written as the page says, with
addresses of the test's world in place of the page's.
"""

import itertools
import os

from child import Child, accepts_connections, wait_until
from examples import recipe, settings_in
from gateway_world import DOVECOT, GATE, PATTERNS, GatewayTestCase
from loopback import SMTP_PORT

PORT = 2711
VERIFYD_CF = "/etc/verifyd/verifyd.cf"
RUN = "/run/verifyd-postfix"  # folder to which units pass sockets of Postfix on
EXCHANGE = "Exchange and Microsoft 365 behind the gateway"
EDGE_SAYS = "550 5.4.1 Recipient address rejected: Access denied. [MX.eop-EUR02.prod.protection.outlook.com]"
EXCHANGE_SAYS = "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"

_gateways = itertools.count()


class RecipesTest(GatewayTestCase):
    def setUp(self):
        super().setUp()
        self.name = f"gate{next(_gateways)}"  # short, because it is a part of the paths of sockets

    def follow(self, heading, replace=(), without=(), chrooted=False, **settings):
        """A gateway and a daemon as in the recipe; `replace`: words of the page that are different here.

        `without`: files of the recipe that are left unchanged. `settings`: other settings that an administrator has in
        main.cf.
        """
        place = os.path.join(self.world.directory, self.name)
        files = {
            path: self.replaced(text, [("/etc/postfix", place), ("/var/spool/postfix", f"{place}/queue"), *replace])
            for path, text in recipe(heading).items()
            if path not in without
        }
        main_cf = {
            "smtpd_recipient_restrictions": "reject_unauth_destination, check_policy_service "
            f"{{ inet:{self.world.policy_endpoint}, timeout=15s, default_action=DUNNO }}",
            "unverified_recipient_reject_code": "550",
            **settings,
            **settings_in(files.pop("/etc/postfix/main.cf", "")),
        }
        verifyd_cf = settings_in(files.pop(VERIFYD_CF, ""))
        tables = {os.path.basename(path): text for path, text in files.items() if path.startswith("/etc/postfix/")}
        address = self.world.block.address(GATE)
        service = f"{address}:{PORT} inet n - {'y' if chrooted else 'n'} - - smtpd\n"
        self.gateway = self.world.postfix(
            self.name, main_cf, {}, tables, more=service, hashed=[table for table in tables if table == "transport"]
        )
        self.addCleanup(self.gateway.close)
        wait_until(lambda: accepts_connections(address, PORT), 20, "the gateway listens")
        os.makedirs(f"{place}/queue/verifyd", exist_ok=True)
        return self.verifyd(self.gateway, **verifyd_cf)

    def replaced(self, text, pairs):
        for old, new in pairs:
            text = text.replace(old, new)
        return text

    def passed_on(self, private):
        """The path at which the unit verifyd-postfix@.service makes this socket of Postfix available."""
        path = os.path.join(self.world.directory, f"{self.name}.passed")
        proxy = ["/usr/bin/systemd-socket-activate", "-l", path, "/lib/systemd/systemd-socket-proxyd", private]
        child = Child("systemd-socket-activate", proxy, f"{path}-output", env={"PATH": "/usr/bin:/bin"})
        self.addCleanup(child.stop)
        child.wait_until(lambda: os.path.exists(path), 10, "listen")
        return path

    def at(self, name):
        """The place of a server of the world, as a route names it."""
        server = self.world.servers[name]
        return f"[{server.address}]:{server.port}"

    def assert_codes(self, codes):
        answers = {recipient: self.rcpt(recipient, PORT) for recipient in codes}
        wrong = {recipient: answer for recipient, answer in answers.items() if answer[0] != codes[recipient]}
        self.assertEqual(wrong, {})

    def test_the_gateway_is_its_own_mx(self):
        replace = [("example.com", "routed.test"), ("[192.0.2.10]", self.at("inside"))]
        self.follow("The gateway is its own MX", replace)
        self.assert_codes({"alice@routed.test": 250, "nobody@routed.test": 550})

    def test_a_domain_of_the_gateway_that_nothing_routes_puts_nobody_off(self):
        replace = [("example.com\n", "routed.test, own.test\n"), ("example.com", "routed.test"), ("[192.0.2.10]", self.at("inside"))]
        verifyd = self.follow("The gateway is its own MX", replace)
        self.assert_codes({"anybody@own.test": 250, "alice@routed.test": 250, "nobody@routed.test": 550})
        self.assertRegex(verifyd.log(), "ALARM.*own.test")

    def test_mail_goes_out_by_a_relayhost(self):
        heading, replace = "Mail goes out by a relayhost", [("[192.0.2.20]", self.at("anybody"))]
        self.follow(heading, replace, relay_domains="byname.test")
        self.assert_codes({"alice@byname.test": 250, "nobody@byname.test": 550})
        self.assertEqual(self.world.servers["anybody"].sessions, 0)

    def test_a_backup_mx_takes_mail_while_the_primary_is_down(self):
        self.follow("Backup MX", [("example.net", "backup.test")])
        self.assert_codes({"alice@backup.test": 250, "nobody@backup.test": 550})
        self.world.servers["primary"].close()
        self.assert_codes({"somebody@backup.test": 250, "alice@backup.test": 250})
        self.world.servers["primary"].open()

    def test_without_the_word_a_backup_mx_puts_off_whom_it_does_not_know(self):
        self.follow("Backup MX", [("example.net", "backup.test")], without=(VERIFYD_CF,))
        self.world.servers["primary"].close()
        self.assert_codes({"somebody@backup.test": 450})
        self.world.servers["primary"].open()

    def test_dovecot_by_lmtp(self):
        self.world.dovecot
        endpoint = f"{self.world.block.address(DOVECOT)}:{SMTP_PORT}"
        replace = [("example.org", "boxes.test"), ("127.0.0.1:24", endpoint)]
        self.follow("Dovecot by LMTP", replace, without=(VERIFYD_CF,))
        self.assert_codes({"jack@boxes.test": 250, "nobody@boxes.test": 550})

    def test_dovecot_by_a_socket_that_is_passed_on(self):
        passed_on = self.passed_on(self.world.dovecot.unix_socket)
        private = f"lmtp:unix:{self.world.dovecot.unix_socket}"
        replace = [("example.org", "boxes.test"), ("lmtp:inet:127.0.0.1:24", private), (f"{RUN}/dovecot-lmtp", passed_on)]
        self.follow("Dovecot by LMTP", replace)
        self.assert_codes({"jack@boxes.test": 250, "nobody@boxes.test": 550})

    def behind(self, without=(VERIFYD_CF,)):
        replace = [("example.com", "routed.test"), ("[example-com.mail.protection.outlook.com]", self.at("inside"))]
        transports = {"transport_maps": f"hash:{self.world.directory}/{self.name}/transport"}
        return self.follow(EXCHANGE, replace, without=without, relay_domains="routed.test", **transports)

    def test_microsoft_365_refuses_by_directory_based_edge_blocking(self):
        self.world.servers["inside"].unknown_reply = EDGE_SAYS
        self.behind()
        self.assert_codes({"alice@routed.test": 250, "nobody@routed.test": 550})

    def test_an_edge_that_takes_everybody_is_named(self):
        self.world.servers["inside"].users = None
        verifyd = self.behind()
        self.assert_codes({"alice@routed.test": 250, "nobody@routed.test": 250})
        wait_until(lambda: "routed.test" in verifyd.ctl("domains").stdout, 10, "routed.test among the domains")
        self.assertIn("catch_all", verifyd.ctl("query", "nobody@routed.test").stdout)

    def test_an_exchange_server_that_says_it_at_data_is_asked_there(self):
        server = self.world.servers["inside"]
        server.refuses_at_data = True
        server.unknown_reply = EXCHANGE_SAYS
        self.behind(without=())
        self.assert_codes({"alice@routed.test": 250, "nobody@routed.test": 550})

    def test_words_about_the_gateway_refuse_nobody(self):
        self.world.servers["inside"].replies["RCPT"] = "550 5.7.606 Access denied, banned sending IP [192.0.2.1]"
        self.behind()
        self.assert_codes({"alice@routed.test": 450})

    def test_tables_in_mysql_pgsql_or_ldap(self):
        """regexp replaces them, because verifyd does not read it, either, and it needs no server."""
        place = os.path.join(self.world.directory, self.name)
        os.makedirs(place)
        with open(f"{place}/aliases.cf", "w", encoding="ascii") as file:
            file.write(PATTERNS)
        with open(f"{place}/routes", "w", encoding="ascii") as file:
            file.write(f"routed.test smtp:{self.at('inside')}\n")
        self.follow(
            "Tables in mysql, pgsql or ldap",
            [("mysql:", "regexp:"), (f"{RUN}/proxymap", self.passed_on(f"{place}/queue/private/proxymap"))],
            relay_domains="routed.test",
            transport_maps=f"texthash:{place}/routes",
            virtual_alias_domains="aliases.test",
        )
        self.assert_codes({"sales-7@aliases.test": 250, "ex-boss@aliases.test": 550})

    def test_an_smtpd_that_is_chrooted(self):
        self.follow(
            "Chrooted smtpd",
            chrooted=True,
            relay_domains="byname.test",
        )
        self.assert_codes({"alice@byname.test": 250, "nobody@byname.test": 550})
