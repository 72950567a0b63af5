"""The Debian package on a bare Debian: installed, started as its unit says, upgraded, removed, purged; and checked by
lintian and blhc.

The programs are those of the tested build (run.py --build), which has the release preset.
"""

import functools
import glob
import os
import re
import subprocess
import sys
import tempfile
import unittest

FOLDER = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(FOLDER))
sys.path += [FOLDER, os.path.join(SOURCE, "tests", "system")]

import bare_debian  # noqa: E402
import daemon  # noqa: E402
from policy_client import PolicyClient  # noqa: E402
from service import Service  # noqa: E402
from world_test_case import build_directory, shared_world  # noqa: E402

SETTINGS = "/etc/verifyd/verifyd.cf"
CACHE = "/var/lib/verifyd/verify_cache.mdb"
CHANGED_DEFAULT = "\n# A line that the next version brings.\n"


def run(*command, seconds=300, **options):
    """Runs a command on this machine. Returns its output and errors together."""
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        **options,
    )


@functools.cache
def temporary_folder():
    return tempfile.TemporaryDirectory(prefix="verifyd-package")


def new_folder(name):
    return os.path.join(tempfile.mkdtemp(dir=temporary_folder().name), name)


@functools.cache
def package():
    """The .deb of HEAD, with the programs of the build."""
    done = subprocess.run(
        [os.path.join(SOURCE, "scripts", "package")],
        env={**os.environ, "VERIFYD_BUILD": build_directory(), "DEB_BUILD_OPTIONS": "noautodbgsym"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        timeout=300,
        check=True,
    )
    return os.path.join(SOURCE, done.stdout.strip())


@functools.cache
def next_package():
    """The same with a higher version, and with other defaults in the settings file."""
    folder = new_folder("content")
    run("dpkg-deb", "--raw-extract", package(), folder, check=True)
    control = os.path.join(folder, "DEBIAN", "control")
    with open(control, encoding="utf-8") as file:
        text = re.sub(r"^Version: .*$", r"\g<0>.1", file.read(), flags=re.MULTILINE)
    with open(control, "w", encoding="utf-8") as file:
        file.write(text)
    with open(folder + SETTINGS, "a", encoding="utf-8") as file:
        file.write(CHANGED_DEFAULT)
    done = run("dpkg-deb", "-Zgzip", "--build", folder, f"{folder}.deb")
    assert done.returncode == 0, done.stdout
    return f"{folder}.deb"


@functools.cache
def debian():
    """A Debian with the package, installed as README says."""
    made = bare_debian.make(new_folder("debian"))
    made.install(package())
    return made


class PackageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.status_before = run("git", "-C", SOURCE, "status", "--porcelain").stdout
        package()

    def test_lintian_has_nothing_to_say(self):
        done = run("lintian", "--profile", "debian", "--allow-root", "--fail-on", "error,warning", package())
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_blhc_has_nothing_to_say_about_the_commands_of_the_build(self):
        commands = run("ninja", "-C", build_directory(), "-t", "commands", "programs").stdout
        self.assertIn("clang++-16", commands)
        log = new_folder("commands")
        with open(log, "w", encoding="utf-8") as file:
            # blhc reads from the first line that begins so, and knows neither clang's name nor -g with a number.
            file.write("dpkg-buildpackage: these are its commands\n")
            file.write(commands.replace("clang++-16", "g++").replace(" -g1 ", " -g "))
        done = run("blhc", "--all", log)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_the_programs_are_independent_of_their_place_and_bound_at_the_start(self):
        folder = new_folder("programs")
        run("dpkg-deb", "--extract", package(), folder, check=True)
        for program in ("usr/sbin/verifyd", "usr/bin/verifyctl", "usr/sbin/verifyd-opensmtpd-filter"):
            with self.subTest(program):
                shown = run("readelf", "--wide", "--dynamic", "--segments", os.path.join(folder, program)).stdout
                self.assertRegex(shown, r"\(FLAGS_1\) +Flags:.*\bNOW\b.*\bPIE\b")
                self.assertIn("GNU_RELRO", shown)
                self.assertNotRegex(shown, r"(?m)^ +GNU_STACK.*E")

    def test_the_package_is_built_with_what_install_packages_installs(self):
        with open(os.path.join(SOURCE, "debian", "control"), encoding="utf-8") as file:
            field = re.search(r"^Build-Depends:(.*?)^\S", file.read(), re.MULTILINE | re.DOTALL).group(1)
        named = {re.sub(r" *\(.*\)", "", part.strip()) for part in field.split(",")}
        listed = run(os.path.join(SOURCE, "scripts", "install-packages"), "--list", "build").stdout.split()
        self.assertEqual({name for name in named if "debhelper" not in name and not name.startswith("dh-")}, set(listed))

    def test_the_working_tree_is_as_it_was(self):
        self.assertEqual(run("git", "-C", SOURCE, "status", "--porcelain").stdout, self.status_before)


class InstalledTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        debian()
        next_package()
        shared_world()

    def setUp(self):
        self.world = shared_world()
        self.world.reset()
        self.debian = debian()
        self.addCleanup(self._put_in_anew)

    def _put_in_anew(self):
        self.debian.must("dpkg", "--purge", "verifyd")
        self.debian.put_in(package())

    def set(self, **settings):
        with open(self.debian.path(SETTINGS), "a", encoding="utf-8") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())

    def in_the_world(self):
        """The service, with settings that lead it into the mail world of the tests."""
        settings = daemon.settings_for(self.world, "")
        for name in ("control_socket", "data_directory"):  # their defaults
            del settings[name]
        self.set(**settings)
        service = Service(self.debian, "verifyd.service")
        self.addCleanup(service.stop)
        return service

    def ask(self, address):
        host, port = self.world.policy_endpoint.split(":")
        with PolicyClient((host, int(port))) as client:
            return client.ask(address)[0]

    def known(self):
        """The addresses in the cache of the stopped or running daemon."""
        return sorted(line.split()[0] for line in self.debian.must("verifyctl", "list").splitlines() if "@" in line)

    def exists(self, path):
        return os.path.lexists(self.debian.path(path))

    def test_a_bare_machine_has_a_user_and_a_service_that_is_enabled_and_no_socket_is(self):
        self.assertIn("/var/lib/verifyd", self.debian.must("getent", "passwd", "verifyd"))
        wanted = glob.glob(self.debian.path("/etc/systemd/system/*.wants/*verifyd*"))
        self.assertEqual([os.path.basename(path) for path in wanted], ["verifyd.service"])
        self.assertIn("settings are valid", self.debian.must("verifyd", "--check"))
        self.assertTrue(self.exists("/usr/share/verifyd/rules.txt"))
        judged = self.debian.must(
            "sh", "-c", r"printf 'rcpt\t550 5.1.1 User unknown\n' | verifyctl classify --rules /usr/share/verifyd/rules.txt"
        )
        self.assertIn("no_such_user", judged)

    def test_started_as_the_unit_says_it_answers_as_its_user_and_remembers(self):
        service = self.in_the_world().start()
        self.assertEqual(self.ask("alice@good.test"), "DUNNO")
        self.assertRegex(self.ask("nobody@good.test"), "^DEFER_IF_PERMIT 4.1.1 unverified address: .*User unknown")
        self.assertEqual(service.stop(), 0)
        owner = self.debian.must("stat", "--format=%U:%G %a", CACHE).strip()
        self.assertEqual(owner.split()[0], "verifyd:verifyd")
        service.start()
        self.assertEqual(self.known(), ["alice@good.test", "nobody@good.test"])

    def test_a_reload_with_wrong_settings_succeeded(self):
        service = self.in_the_world().start()
        done = service.reload()
        self.assertEqual(done.returncode, 0, done.stdout)
        self.set(unverified_recipient_reject_code="550")
        done = service.reload()
        # The command has ended, so the new settings are in force.
        self.assertRegex(self.ask("nobody@good.test"), "^550 5.1.1 undeliverable address: ")
        self.set(relay_domain="foo.test")
        done = service.reload()
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("relay_domain", done.stdout)
        self.assertRegex(self.ask("nobody@good.test"), "^550 5.1.1 undeliverable address: ")

    def test_an_upgrade_keeps_what_is_known_and_what_was_set(self):
        service = self.in_the_world().start()
        self.ask("alice@good.test")
        service.stop()
        with open(self.debian.path(SETTINGS), encoding="utf-8") as file:
            before = file.read()
        self.debian.put_in(next_package())
        with open(self.debian.path(SETTINGS), encoding="utf-8") as file:
            self.assertEqual(file.read(), before)
        with open(self.debian.path(f"{SETTINGS}.dpkg-dist"), encoding="utf-8") as file:
            self.assertIn(CHANGED_DEFAULT, file.read())
        service.start()
        self.assertEqual(self.known(), ["alice@good.test"])
        target = self.world.targets["good.test"]
        before = target.sessions
        self.assertEqual(self.ask("alice@good.test"), "DUNNO")
        self.assertEqual(target.sessions, before, "it was asked again")

    def test_settings_that_nobody_changed_are_those_of_the_new_version(self):
        self.debian.put_in(next_package())
        with open(self.debian.path(SETTINGS), encoding="utf-8") as file:
            self.assertIn(CHANGED_DEFAULT, file.read())

    def test_removed_it_leaves_what_it_knows_and_purged_nothing_but_its_user(self):
        service = self.in_the_world().start()
        self.ask("alice@good.test")
        service.stop()
        with open(self.debian.path("/etc/verifyd/transport"), "w", encoding="ascii") as file:
            file.write("good.test smtp:[127.0.0.1]\n")
        # `systemctl enable verifyd-postfix@proxymap.socket` makes this link.
        wanted = self.debian.path("/etc/systemd/system/sockets.target.wants")
        os.makedirs(wanted, exist_ok=True)
        os.symlink("/lib/systemd/system/verifyd-postfix@.socket", os.path.join(wanted, "verifyd-postfix@proxymap.socket"))
        self.debian.must("dpkg", "--remove", "verifyd")
        for path, there in ((CACHE, True), (SETTINGS, True), ("/usr/sbin/verifyd", False), ("/lib/systemd/system/verifyd.service", False)):
            self.assertEqual(self.exists(path), there, path)
        self.debian.must("dpkg", "--purge", "verifyd")
        for path in ("/var/lib/verifyd", "/etc/verifyd", "/etc/logcheck/ignore.d.server/verifyd", "/usr/share/verifyd"):
            self.assertFalse(self.exists(path), path)
        left = self.debian.must("find", "/etc", "/usr", "/lib/", "/var/lib/systemd", "-name", "*verify*", "-path", "*verifyd*")
        self.assertEqual(left, "")
        self.debian.must("getent", "passwd", "verifyd")

    def test_removed_while_main_cf_names_it_it_says_so(self):
        os.makedirs(self.debian.path("/etc/postfix"), exist_ok=True)
        with open(self.debian.path("/etc/postfix/main.cf"), "w", encoding="ascii") as file:
            file.write("address_verify_service_name = verifyd\n")
        self.assertIn("main.cf still names it", self.debian.must("dpkg", "--remove", "verifyd"))

    def test_systemd_is_told_to_restart_the_service_and_to_leave_sockets_alone(self):
        self.debian.pretend_that_systemd_runs()
        self.addCleanup(self.debian.pretend_no_more)
        self.debian.put_in(next_package())
        self.assertEqual(self.debian.told_systemd(), ["restart verifyd.service"])
        self.debian.must("dpkg", "--remove", "verifyd")
        self.assertEqual(self.debian.told_systemd(), ["stop verifyd*.socket verifyd-postfix@*.service", "stop verifyd.service"])
        self.debian.must("dpkg", "--purge", "verifyd")
        self.debian.put_in(next_package())
        self.assertEqual(self.debian.told_systemd(), ["preset verifyd.service", "start verifyd.service"])

    def test_the_tour_of_the_installed_programs_shows_what_it_should(self):
        folder = new_folder("tour")
        os.makedirs(folder)
        path = os.pathsep.join([self.debian.path("/usr/sbin"), self.debian.path("/usr/bin"), os.environ["PATH"]])
        done = run(
            "sh",
            os.path.join(SOURCE, "debian", "tests", "tour"),
            env={**os.environ, "PATH": path, "AUTOPKGTEST_TMP": folder},
        )
        self.assertEqual(done.returncode, 0, done.stdout)
