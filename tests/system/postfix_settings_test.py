"""Settings taken from Postfix: Debian's postconf, a main.cf and a master.cf, and probes that go where these say."""

import os
import subprocess
import tempfile

import postfix
from world_test_case import WorldTestCase

# An editor writes for a moment, and there are two waits of 5 s.
TAKEN_UP = 25


class PostfixSettingsTest(WorldTestCase):
    def setUp(self):
        super().setUp()
        self.folder = tempfile.mkdtemp(prefix="postfix_settings", dir=self.world.directory)
        os.chmod(self.folder, 0o755)
        self.good = self.target("good.test")
        self.at_good = f"[{self.good.address}]:{self.world.smtp_port}"
        self.write("master.cf", postfix.INTERNAL_SERVICES)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        """Replaces the file by a new one, as an editor does."""
        with open(self.path("new"), "w", encoding="ascii") as file:
            file.write(text)
        os.rename(self.path("new"), self.path(name))

    def write_main_cf(self, **settings):
        everything = {"compatibility_level": "3.6", "myhostname": "gw.box.tld", "inet_protocols": "ipv4", **settings}
        self.write("main.cf", "".join(f"{name} = {value}\n" for name, value in everything.items()))

    def taking(self, **settings):
        """A daemon without settings of its own for routes, domains and names."""
        verifyd = self.verifyd(postfix_config_directory=self.folder, **settings)
        for name in ("verify_domains", "myhostname", "myorigin"):
            if name not in settings:
                del verifyd.settings[name]
        verifyd.write_config()
        return verifyd

    def test_routes_aliases_domains_and_names_need_not_be_said_twice(self):
        self.write("transport", f"routed.test smtp:{self.at_good}\n")
        self.write("relay", "# ours\nrouted.test, other.test\n")
        self.write("aliases", "sales@routed.test alice@routed.test\ngone@routed.test nobody@routed.test\n")
        self.write_main_cf(
            relay_domains=self.path("relay"),
            transport_maps="hash:$config_directory/transport",
            virtual_alias_maps="texthash:$config_directory/aliases",
        )
        verifyd = self.taking(unverified_recipient_reject_code=550).start()
        self.assertEqual(self.ask(verifyd, "alice@routed.test"), "DUNNO")
        self.assertEqual(self.ask(verifyd, "sales@routed.test"), "DUNNO")
        self.assertRegex(self.ask(verifyd, "gone@routed.test"), "^550 5.1.1 .*User unknown")
        self.assertEqual(self.good.helos, {"gw.box.tld"})
        self.assertEqual(set(self.good.senders), {"double-bounce@gw.box.tld"})

    def test_config_says_where_each_value_comes_from(self):
        self.write("transport", "")
        self.write_main_cf(relay_domains="customer.test", transport_maps="hash:$config_directory/transport")
        verifyd = self.taking(relay_domains="ours.test", smtp_helo_name="$myhostname")
        shown = verifyd.ctl("config").stdout
        line = list(verifyd.settings).index("relay_domains") + 1
        self.assertIn(f"# {verifyd.config_path}:{line}\nrelay_domains = ours.test\n", shown)
        self.assertIn(f"# {self.path('main.cf')}:5\ntransport_maps = hash:{self.folder}/transport\n", shown)
        self.assertIn(f"# {self.path('main.cf')}:2\nmyhostname = gw.box.tld\n", shown)
        self.assertIn("# default of Postfix\nmynetworks = 127.0.0.1/32", shown)
        self.assertIn("\naddress_verify_transport_maps = $transport_maps\n", shown)
        as_json = verifyd.ctl("--json", "config", "transport_maps", "dry_run").stdout
        self.assertIn(f'"source":"{self.path("main.cf")}:5"', as_json.replace("\\/", "/"))
        self.assertIn('"source":"default"', as_json)
        # The output is a valid settings file.
        verifyd.write_config(shown)
        checked = verifyd.run("--check")
        self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_a_transport_of_master_cf_says_the_name_that_its_option_says(self):
        self.write(
            "master.cf",
            postfix.INTERNAL_SERVICES
            + "direct_smtp unix -       -       n       -       -       smtp\n"
            + "  -o smtp_helo_name=nat.box.tld -o { syslog_name = postfix/$service_name }\n"
            + "braced    unix  -       -       n       -       -       smtp -o { smtp_helo_name = braced.box.tld }\n",
        )
        self.write(
            "direct", f"braced.test braced:{self.at_good}\nplain.test smtp:{self.at_good}\n"
            f"direct.test direct_smtp:{self.at_good}\n"
        )
        self.write_main_cf(
            relay_domains="direct.test plain.test braced.test",
            address_verify_transport_maps="texthash:$config_directory/direct",
            address_verify_default_transport="direct_smtp",
        )
        verifyd = self.taking().start()
        for domain, helo in (
            ("plain.test", "gw.box.tld"),
            ("direct.test", "nat.box.tld"),
            ("braced.test", "braced.box.tld"),
        ):
            self.good.helos.clear()
            self.assertEqual(self.ask(verifyd, f"alice@{domain}"), "DUNNO")
            self.assertEqual(self.good.helos, {helo})
        shown = verifyd.ctl("destinations").stdout
        self.assertIn(f"{self.at_good}/direct_smtp", shown)
        # A domain that is in none of the classes goes by the default transport.
        self.good.helos.clear()
        verified = verifyd.ctl("verify", "alice@good.test")
        self.assertIn("not in verify_domains", verified.stdout + verified.stderr)
        verifyd.settings["verify_domains"] = "*"
        verifyd.write_config()
        verifyd.ctl("reload")
        self.assertEqual(self.ask(verifyd, "alice@good.test"), "DUNNO")
        self.assertEqual(self.good.helos, {"nat.box.tld"})

    def test_a_changed_main_cf_is_taken_up_without_a_reload(self):
        self.write_main_cf(relay_domains="good.test")
        verifyd = self.taking(unverified_recipient_reject_code=550).start()
        self.assertEqual(self.ask(verifyd, "nobody@routed.test"), "DUNNO")
        self.write("transport", f"routed.test smtp:{self.at_good}\n")
        self.write_main_cf(relay_domains="good.test routed.test", transport_maps="hash:$config_directory/transport")
        verifyd.wait_for_log(f"tables read again: {self.path('main.cf')}", TAKEN_UP)
        self.assertRegex(self.ask(verifyd, "nobody@routed.test"), "^550 5.1.1 ")

    def test_without_a_main_cf_the_daemon_runs_and_takes_it_up_when_it_is_there(self):
        verifyd = self.taking(verify_domains="good.test", myhostname="gateway.test").start()
        verifyd.wait_for_log(f"postfix_config_directory = {self.folder}: nothing can be taken from Postfix")
        self.assertEqual(self.ask(verifyd, "alice@good.test"), "DUNNO")
        checked = verifyd.run("--check")
        self.assertEqual(checked.returncode, 0)
        self.assertIn("No such file or directory", checked.stderr)
        self.write("transport", f"routed.test smtp:{self.at_good}\n")
        self.write_main_cf(transport_maps="hash:$config_directory/transport")
        verifyd.wait_for_log("tables read again", TAKEN_UP)
        self.assertRegex(self.ask(verifyd, "nobody@routed.test"), "^DEFER_IF_PERMIT 4.1.1 ")

    def test_a_main_cf_that_breaks_changes_nothing_and_is_told(self):
        self.write("transport", f"routed.test smtp:{self.at_good}\n")
        self.write_main_cf(relay_domains="routed.test", transport_maps="hash:$config_directory/transport")
        verifyd = self.taking().start()
        self.assertEqual(self.ask(verifyd, "alice@routed.test"), "DUNNO")
        self.write("main.cf", "relay_domains = routed.test\nthis is no parameter\n")
        reloaded = verifyd.ctl("reload")
        self.assertEqual(reloaded.returncode, 0, reloaded.stderr)
        verifyd.wait_for_log("what was taken before stays in force")
        self.assertRegex(self.ask(verifyd, "nobody@routed.test"), "^DEFER_IF_PERMIT 4.1.1 ")

    def test_what_verifyd_can_not_use_is_a_warning_that_names_main_cf(self):
        self.write_main_cf(
            relay_domains="good.test",
            smtp_tls_security_level="odd",
            mynetworks="hash:/etc/postfix/networks",
            inet_interfaces="$myhostname, localhost",
        )
        verifyd = self.taking()
        checked = verifyd.run("--check")
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertIn(f"{self.path('main.cf')}:5: smtp_tls_security_level = odd", checked.stderr)
        self.assertIn(f"{self.path('main.cf')}:6: mynetworks", checked.stderr)
        self.assertEqual(self.ask(verifyd.start(), "alice@good.test"), "DUNNO")

    def test_a_table_of_main_cf_that_can_not_be_read_puts_no_mail_off(self):
        self.write_main_cf(relay_domains="good.test", virtual_alias_maps="mysql:/etc/postfix/aliases.cf")
        verifyd = self.taking()
        self.assertEqual(verifyd.run("--check").returncode, 0)
        verifyd.start()
        verifyd.wait_for_log("virtual_alias_maps: mysql:/etc/postfix/aliases.cf")
        self.assertEqual(self.ask(verifyd, "nobody@good.test"), "DUNNO")

    def test_every_name_of_postconf_is_known(self):
        defaults = subprocess.run(["/usr/sbin/postconf", "-d"], capture_output=True, text=True, timeout=20, check=True)
        ours = {line.split(" =")[0] for line in self.verifyd().ctl("config", "-d").stdout.splitlines()}
        names = [line.split(" =")[0] for line in defaults.stdout.splitlines()]
        self.assertGreater(len(names), 900)
        pasted = "".join(f"{name} = 1\n" for name in names if name not in ours)
        verifyd = self.verifyd()
        verifyd.write_config(pasted)
        checked = verifyd.run("--check")
        self.assertEqual(checked.returncode, 0, checked.stderr[-2000:])
        told = checked.stderr.count("is a Postfix parameter that has no meaning here")
        self.assertEqual(told, len([name for name in names if name not in ours]))

    def test_relay_domains_may_be_a_file_which_is_read_again_when_it_changes(self):
        self.write("relay", "# ours\nother.test\n")
        verifyd = self.started(verify_domains="$relay_domains", relay_domains=self.path("relay"))
        self.assertEqual(self.ask(verifyd, "nobody@good.test"), "DUNNO")
        self.write("relay", "# ours\nother.test !bad.good.test good.test\n")
        verifyd.wait_for_log("tables read again", TAKEN_UP)
        self.assertRegex(self.ask(verifyd, "nobody@good.test"), "^DEFER_IF_PERMIT 4.1.1 ")

    def test_check_tells_all_errors_at_once_each_with_file_and_line(self):
        verifyd = self.verifyd()
        verifyd.write_config(
            "relay_domain = a.test\ndry_run = maybe\ntransport_maps = hash:/nonexistent\nno setting\n"
            "recipient_restrictions = permit_all\npolicy_listen = inet:0.0.0.0:1\n"
        )
        checked = verifyd.run("--check")
        self.assertEqual(checked.returncode, 78)
        for line in range(1, 7):
            self.assertIn(f"verifyd.cf:{line}: ", checked.stderr)

    def test_a_settings_file_that_is_none_is_an_error_with_its_reason(self):
        for path, why in (("/", "it is a folder"), ("/nonexistent", "No such file"), ("/bin/true", "it is no text")):
            verifyd = self.verifyd()
            verifyd.config_path = path
            checked = verifyd.run("--check")
            self.assertEqual(checked.returncode, 78)
            self.assertIn(f"can not read settings file {path}: {why}", checked.stderr)
            shown = verifyd.ctl("config")
            self.assertEqual(shown.returncode, 78)
            self.assertIn(why, shown.stderr)
