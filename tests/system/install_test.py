"""`cmake --install` with every prefix: installed files find each other, and the operator's files are left alone."""

import functools
import glob
import http.server
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import threading
import unittest

from world_test_case import SOURCE, build_directory

SETTINGS = "/etc/verifyd/verifyd.cf"


def install(root, *arguments):
    """Runs cmake --install with `root` as DESTDIR. Returns its output."""
    return subprocess.run(
        ["cmake", "--install", build_directory(), *arguments],
        env={**os.environ, "DESTDIR": root},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout


@functools.cache
def temporary_folder():
    return tempfile.TemporaryDirectory(prefix="verifyd-install")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


class InstallTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.root = tempfile.mkdtemp(dir=temporary_folder().name)

    def path(self, installed):
        return self.root + installed

    def unit_values(self, unit, name):
        return re.findall(rf"^{name}=(.*)$", read(self.path(unit)), re.MULTILINE)

    def assert_runs(self, prefix, units):
        """The unit names programs that exist, and the installed settings."""
        service = f"{units}/verifyd.service"
        start = self.unit_values(service, "ExecStart")[0].split()
        self.assertEqual(start, [f"{prefix}/sbin/verifyd", "-c", SETTINGS])
        reload = self.unit_values(service, "ExecReload")[0].split()
        self.assertEqual(reload, [f"{prefix}/bin/verifyctl", "-c", SETTINGS, "reload"])
        for program in (start[0], reload[0], f"{prefix}/sbin/verifyd-opensmtpd-filter"):
            self.assertTrue(os.access(self.path(program), os.X_OK), program)
        self.assertEqual(read(self.path(SETTINGS)), read(os.path.join(SOURCE, "packaging", "verifyd.cf")))
        check = subprocess.run(
            [self.path(start[0]), "-c", self.path(SETTINGS), "--check"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
        )
        self.assertEqual(check.returncode, 0, check.stderr)
        for unit in ("verifyd.socket", "verifyd-verify.socket"):
            self.assertTrue(os.path.exists(self.path(f"{units}/{unit}")), unit)
        snippet = read(self.path(f"{prefix}/share/doc/verifyd/examples/smtpd.conf"))
        self.assertIn(f'proc-exec "{prefix}/sbin/verifyd-opensmtpd-filter ', snippet)

    def test_with_the_prefix_of_the_build_all_is_below_usr_local_but_the_settings(self):
        install(self.root)
        self.assert_runs("/usr/local", "/usr/local/lib/systemd/system")
        for path in (
            "/usr/local/lib/sysusers.d/verifyd.conf",
            "/usr/local/lib/tmpfiles.d/verifyd.conf",
            "/usr/local/share/zsh/site-functions/_verifyctl",
            "/usr/local/share/bash-completion/completions/verifyctl",
            "/usr/local/share/man/man5/verifyd.cf.5",
            "/usr/local/share/verifyd/rules.txt",
            "/usr/local/share/verifyd/disposable-domains",
            "/usr/local/share/doc/verifyd/README.md",
            "/usr/local/share/doc/verifyd/LICENSE",
        ):
            self.assertTrue(os.path.exists(self.path(path)), path)
        self.assertEqual(sorted(os.listdir(self.path("/"))), ["etc", "usr"])
        self.assertEqual(os.listdir(self.path("/etc")), ["verifyd"])
        self.assertEqual(os.listdir(self.path("/usr")), ["local"])

    def test_with_prefix_usr_all_is_where_debian_has_it(self):
        install(self.root, "--prefix", "/usr")
        self.assert_runs("/usr", "/lib/systemd/system")
        for path in (
            "/usr/lib/sysusers.d/verifyd.conf",
            "/usr/lib/tmpfiles.d/verifyd.conf",
            "/usr/share/zsh/vendor-completions/_verifyctl",
            "/etc/logcheck/ignore.d.server/verifyd",
        ):
            self.assertTrue(os.path.exists(self.path(path)), path)
        self.assertFalse(os.path.exists(self.path("/usr/etc")))

    def test_with_another_prefix_systemd_finds_the_unit_and_the_unit_the_programs(self):
        install(self.root, "--prefix", "/opt/verifyd/")
        self.assert_runs("/opt/verifyd", "/usr/local/lib/systemd/system")

    def test_completions_are_where_zsh_looks(self):
        shown = subprocess.run(
            ["zsh", "-c", "print -l $fpath"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=True
        )
        for folder in ("/usr/local/share/zsh/site-functions", "/usr/share/zsh/vendor-completions"):
            self.assertIn(folder, shown.stdout.split("\n"))

    def test_a_second_install_overwrote_the_settings(self):
        first = install(self.root)
        self.assertIn(f"Installing: {self.path(SETTINGS)}\n", first)
        with open(self.path(SETTINGS), "w", encoding="utf-8") as file:
            file.write("relay_domains = customer.test\n")
        os.chmod(self.path(SETTINGS), 0o600)
        second = install(self.root)
        self.assertEqual(read(self.path(SETTINGS)), "relay_domains = customer.test\n")
        self.assertEqual(os.stat(self.path(SETTINGS)).st_mode & 0o777, 0o600)
        self.assertIn(f"Installing: {self.path(SETTINGS)}.dist\n", second)
        self.assertEqual(read(self.path(SETTINGS + ".dist")), read(os.path.join(SOURCE, "packaging", "verifyd.cf")))

    def test_settings_that_are_a_link_to_nowhere_are_left_alone(self):
        os.makedirs(os.path.dirname(self.path(SETTINGS)))
        os.symlink("/nonexistent/verifyd.cf", self.path(SETTINGS))
        install(self.root)
        self.assertEqual(os.readlink(self.path(SETTINGS)), "/nonexistent/verifyd.cf")
        self.assertTrue(os.path.exists(self.path(SETTINGS + ".dist")))

    def test_the_list_of_what_was_installed_names_no_settings(self):
        # An operator who removes the files that it lists must not lose these.
        install(self.root, "--prefix", "/usr")
        listed = read(os.path.join(build_directory(), "install_manifest.txt")).split("\n")
        self.assertIn("/usr/sbin/verifyd", listed)
        self.assertIn("/lib/systemd/system/verifyd.service", listed)
        self.assertFalse([path for path in listed if "/etc/verifyd" in path])

    def test_after_the_build_of_quickstart_a_program_was_missing(self):
        install(self.root)
        commands = subprocess.run(
            ["ninja", "-C", build_directory(), "-t", "commands", "programs"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        built = {os.path.basename(path) for path in re.findall(r" -o (\S+)", commands)}
        for folder in ("bin", "sbin"):
            self.assertLessEqual(set(os.listdir(self.path(f"/usr/local/{folder}"))), built)
        quickstart = read(os.path.join(SOURCE, "scripts", "quickstart"))
        self.assertIn("ninja -C $build programs", quickstart)


class UnitTest(unittest.TestCase):
    """Checks the units with systemd-analyze(1), without a running systemd."""

    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(dir=temporary_folder().name)
        install(cls.root, "--prefix", "/usr")
        cls.units = sorted(glob.glob(f"{cls.root}/lib/systemd/system/*"))

    def analyze(self, *arguments):
        return subprocess.run(
            ["systemd-analyze", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
        )

    def test_systemd_has_nothing_to_say_about_the_units(self):
        # They name programs that are not installed here, so true(1) replaces them.
        folder = tempfile.mkdtemp(dir=temporary_folder().name)
        for unit in self.units:
            text = re.sub(r"^(Exec\w+)=/usr/s?bin/verify\w+", rf"\1={shutil.which('true')}", read(unit), flags=re.MULTILINE)
            with open(os.path.join(folder, os.path.basename(unit)), "w", encoding="utf-8") as file:
                file.write(text)
        done = self.analyze("verify", "--man=no", *sorted(glob.glob(f"{folder}/verifyd*.service") + glob.glob(f"{folder}/*.socket")))
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_the_sandbox_is_as_tight_as_it_was(self):
        done = self.analyze("security", "--offline=true", "--no-pager", "--threshold=16", f"{self.root}/lib/systemd/system/verifyd.service")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_wrong_settings_restarted_the_daemon_every_two_seconds_for_ever(self):
        with open(f"{self.root}/lib/systemd/system/verifyd.service", encoding="utf-8") as file:
            self.assertIn("\nRestartPreventExitStatus=64 78\n", file.read())

    def test_the_sandbox_hid_the_addresses_of_this_machine(self):
        # getifaddrs(3) needs this family; without it mail loops are not detected, and postconf(1) dies.
        with open(f"{self.root}/lib/systemd/system/verifyd.service", encoding="utf-8") as file:
            families = re.search(r"^RestrictAddressFamilies=(.*)$", file.read(), re.MULTILINE).group(1).split()
        self.assertIn("AF_NETLINK", families)


class Registry(http.server.BaseHTTPRequestHandler):
    """Serves the npm registry's description of the package, and its archive."""

    def do_GET(self):
        if self.path == "/package/latest":
            url = f"http://127.0.0.1:{self.server.server_port}/package-1.0.tgz"
            body = json.dumps({"name": "package", "dist": {"tarball": url}}).encode()
        elif self.path == "/package-1.0.tgz":
            out = io.BytesIO()
            with tarfile.open(fileobj=out, mode="w:gz") as archive:
                member = tarfile.TarInfo("package/index.json")
                text = json.dumps(["throwaway.test", "ANY.test"]).encode()
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text))
            body = out.getvalue()
        elif self.path == "/list.txt":
            body = b"# a list\nthrowaway.test\nany.test\n"
        else:
            self.send_error(404)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class DisposableDomainsScriptTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.server.server_close)
        cls.addClassCleanup(cls.server.shutdown)

    def run_script(self, path):
        return subprocess.run(
            [os.path.join(SOURCE, "scripts", "disposable-domains"), f"http://127.0.0.1:{self.server.server_port}{path}"],
            # No program can be found, because it must need none.
            env={"PATH": "/nonexistent"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
        )

    def test_a_gateway_without_npm_could_not_fetch_the_list(self):
        for path in ("/package/latest", "/package-1.0.tgz", "/list.txt"):
            with self.subTest(path):
                done = self.run_script(path)
                self.assertEqual(done.stdout, "any.test disposable\nthrowaway.test disposable\n", done.stderr)

    def test_what_can_not_be_fetched_is_said_in_a_line(self):
        done = self.run_script("/absent")
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.returncode, 69)
        self.assertRegex(done.stderr, r"\Adisposable-domains: http://127\.0\.0\.1:\d+/absent: HTTP Error 404: Not Found\n\Z")
