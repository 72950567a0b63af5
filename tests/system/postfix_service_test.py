"""Services of a real Postfix as sources: proxymap(8) and trivial-rewrite(8), for a user who may not enter private/."""

import os
import pwd
import tempfile
from concurrent.futures import ThreadPoolExecutor

import daemon
from child import Child, wait_until
from loopback import free_port
from postfix import Postfix
from world_test_case import WorldTestCase, build_directory

USER = "nobody"


class UnprivilegedVerifyd(daemon.Verifyd):
    """Runs as a user without rights in Postfix, except by these groups."""

    groups = ""

    def command(self, *arguments):
        user = pwd.getpwnam(USER)
        groups = [f"--groups={self.groups}"] if self.groups else ["--clear-groups"]
        for place, _, _ in os.walk(self.directory):
            os.chown(place, user.pw_uid, user.pw_gid)
        return ["/usr/bin/setpriv", f"--reuid={USER}", f"--regid={user.pw_gid}", *groups, *super().command(*arguments)]


class PostfixServiceTest(WorldTestCase):
    def setUp(self):
        super().setUp()
        self.directory = tempfile.mkdtemp(prefix="services", dir=self.world.directory)
        os.chmod(self.directory, 0o755)
        self.aliases = f"proxy:regexp:{self.directory}/config/aliases"
        self.port = free_port()
        self.start_postfix()
        self.addCleanup(lambda: self.postfix.close())

    def start_postfix(self):
        target = self.target("good.test")
        self.postfix = Postfix(
            self.directory,
            "services.test",
            {
                "virtual_alias_maps": self.aliases,
                "proxy_read_maps": "$virtual_alias_maps",
                "transport_maps": f"inline:{{ {{routed.test = smtp:[{target.address}]:{target.port}}} }}",
            },
            {("127.0.0.1", self.port): {}},
            tables={
                "config/aliases": "/^info([+].*)?@good[.]test$/ alice@good.test\n/^gone@good[.]test$/ nobody@good.test\n",
                "config/others": "/^info@good[.]test$/ alice@good.test\n",
            },
            more="verifyd-route unix n - n - - trivial-rewrite\n",
        )

    def daemon(self, groups="", **settings):
        directory = tempfile.mkdtemp(prefix="daemon", dir=self.world.directory)
        verifyd = UnprivilegedVerifyd(
            build_directory(),
            directory,
            {
                **daemon.settings_for(self.world, directory),
                "verify_domains": "good.test, routed.test",
                "unverified_recipient_reject_code": "550",
                "queue_directory": os.path.join(self.directory, "queue"),
                **settings,
            },
        )
        verifyd.groups = groups
        self.addCleanup(verifyd.stop)
        return verifyd.start()

    def passed_on(self, service):
        """Does the work of the units verifyd-postfix@: a socket of our user, behind which user postfix connects."""
        path = os.path.join(self.directory, service)
        proxy = Child(
            "systemd-socket-proxyd",
            [
                "/usr/bin/systemd-socket-activate", "-l", path,
                "/usr/bin/setpriv", "--reuid=postfix", "--regid=postfix", "--clear-groups",
                "/lib/systemd/systemd-socket-proxyd", self.postfix.private_socket(service),
            ],
            os.path.join(self.directory, "proxy.log"),
        )
        self.addCleanup(proxy.stop)
        proxy.wait_until(lambda: os.path.exists(path), 10, "listen")
        user = pwd.getpwnam(USER)
        os.chown(path, user.pw_uid, user.pw_gid)
        os.chmod(path, 0o600)
        return f"unix:{path}"

    def test_a_table_that_only_postfix_reads_is_asked_of_proxymap(self):
        verifyd = self.daemon(
            virtual_alias_maps=self.aliases, recipient_delimiter="+", postfix_proxymap_service=self.passed_on("proxymap")
        )
        self.assertEqual(self.ask(verifyd, "info@good.test"), "DUNNO")
        self.assertEqual(self.ask(verifyd, "info+news@good.test"), "DUNNO")
        self.assertEqual(set(self.target("good.test").recipients), {"alice@good.test"})
        self.assertRegex(self.ask(verifyd, "gone@good.test"), "^550 5.1.1 ")
        with ThreadPoolExecutor(20) as many:
            answers = list(many.map(lambda i: self.ask(verifyd, f"info+{i}@good.test"), range(40)))
        self.assertEqual(set(answers), {"DUNNO"})
        self.assertNotIn("ALARM", verifyd.log())

    def test_postfix_may_be_started_anew(self):
        verifyd = self.daemon(virtual_alias_maps=self.aliases, postfix_proxymap_service=self.passed_on("proxymap"))
        self.assertEqual(self.ask(verifyd, "info@good.test"), "DUNNO")
        self.postfix.close()
        self.assertEqual(self.ask(verifyd, "gone@good.test"), "DUNNO")
        verifyd.wait_for_log("ALARM: virtual_alias_maps: ")
        self.start_postfix()
        # Addresses that met our own fault are asked about again soon, others at once.
        self.assertEqual(self.ask(verifyd, "info+x@good.test"), "DUNNO")
        self.assertIn("alice@good.test", self.target("good.test").recipients)
        self.assertRegex(self.ask(verifyd, "nobody@good.test"), "^550 5.1.1 ")

    def test_a_table_that_postfix_does_not_look_up_for_others_is_an_alarm_that_names_proxy_read_maps(self):
        others = f"proxy:regexp:{self.directory}/config/others"
        verifyd = self.daemon(virtual_alias_maps=others, postfix_proxymap_service=self.passed_on("proxymap"))
        self.assertEqual(self.ask(verifyd, "info@good.test"), "DUNNO")
        verifyd.wait_for_log(f"ALARM: virtual_alias_maps: {others}: ")
        verifyd.wait_for_log("proxy_read_maps")

    def test_a_socket_that_we_may_not_enter_puts_nobody_off_and_is_told_to_nobody_outside(self):
        verifyd = self.daemon(virtual_alias_maps=self.aliases)
        self.assertEqual(self.ask(verifyd, "nobody@good.test"), "DUNNO")
        path = self.postfix.private_socket("proxymap")
        verifyd.wait_for_log(f"ALARM: virtual_alias_maps: {self.aliases}: {path}: Permission denied")
        verifyd.stop()
        verifyd = self.daemon(
            address_verify_route_service="unix:private/rewrite",
            decision_table="inline:{ route_broken = defer }",
            disclose_probe_details="yes",
        )
        self.assertRegex(self.ask(verifyd, "alice@good.test"), " unverified address: route broken$")
        verifyd.wait_for_log("private/rewrite: Permission denied")

    def test_no_right_to_the_socket_of_an_lmtp_server_is_our_trouble_and_not_that_of_the_domain(self):
        verifyd = self.daemon(
            address_verify_transport_maps="inline:{ {good.test = lmtp:unix:private/lmtp} }",
            disclose_probe_details="yes",
        )
        self.assertEqual(self.ask(verifyd, "alice@good.test"), "DUNNO")
        verifyd.wait_for_log("private/lmtp]: Permission denied; give the user of verifyd access to it")

    def test_a_second_trivial_rewrite_routes_for_a_user_of_group_postdrop(self):
        path = os.path.join(self.directory, "queue", "public", "verifyd-route")
        wait_until(lambda: os.path.exists(path), 10, "the socket of trivial-rewrite")
        verifyd = self.daemon(groups="postdrop", address_verify_route_service="unix:public/verifyd-route")
        self.assertEqual(self.ask(verifyd, "alice@routed.test"), "DUNNO")
        self.assertRegex(self.ask(verifyd, "nobody@routed.test"), "^550 5.1.1 ")
        self.assertNotIn("ALARM", verifyd.log())
