"""Tests every example of every manual page, and every block of README, as it stands, because a reader may paste it.

Commands are run, settings are read by verifyd or by Postfix, and text for another program is compared with a file that
another test runs. An example of any other kind fails.
"""

import ctypes
import os
import re
import shlex
import shutil
import signal
import subprocess
import time

from examples import SOURCE, all_examples, pages, rendered_headings, settings_in, written_headings
from lookup_client import LINE_PORT, LineClient
from world_test_case import WorldTestCase, build_directory

# Examples use these places; the test puts them below a folder of its own.
PLACES = ("/var/lib/postfix", "/var/log", "/var/backups", "/root", "/etc/verifyd", "/etc/postfix", "/run/verifyd",
          "/var/spool/postfix")
# Exit codes of commands that do not end with 0: joe is refused, and doctor finds faults in a test's world.
ENDS = {
    "verifyctl verify --trace joe@example.com": (1,),
    "verifyctl verify --trace nobody@example.com": (1,),
    "verifyctl doctor": (0, 1),
}
WITHOUT_END = ("verifyctl learn --follow",)
COMMANDS = ("verifyctl", "verifyd", "curl", "cp", "postmap")
# These commands change the machine, so they are not run; the files that they name must exist.
OF_THE_MACHINE = ("systemctl", "postfix", "adduser", "apt", "apt-get", "dpkg", "cmake", "git", "cd")
# First line of an example for another program: the file that has it, too, which another test gives to that program.
FOR_OTHERS = {
    "INPUT_MAIL_FILTER(`verifyd',": "packaging/sendmail.mc.sample",
    "warn  set acl_m_verifyd = ${readsocket{inet:127.0.0.1:10095}\\": "packaging/snippets/exim.conf",
    'filter verifyd proc-exec "/usr/sbin/verifyd-opensmtpd-filter --socket inet:127.0.0.1:10095"':
        "packaging/snippets/smtpd.conf",
}
SETTING = re.compile(r"([A-Za-z]\w*) =( |$)")
SERVICE = re.compile(r"\S+\s+(inet|unix|fifo|pass|unix-dgram)\s+[ny-]\s")


def lmdb_file(path, entries):
    """A cache as verify(8) writes it: LMDB with the zero byte that Postfix puts behind keys and values."""
    library = ctypes.CDLL("liblmdb.so.0")
    environment, transaction, database = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_uint()

    class Value(ctypes.Structure):
        _fields_ = [("size", ctypes.c_size_t), ("data", ctypes.c_char_p)]

    def done(code):
        if code:
            raise OSError(f"lmdb: {code}")

    done(library.mdb_env_create(ctypes.byref(environment)))
    done(library.mdb_env_open(environment, path.encode(), 0x4000 | 0x400000, 0o644))  # MDB_NOSUBDIR, MDB_NOLOCK
    done(library.mdb_txn_begin(environment, None, 0, ctypes.byref(transaction)))
    done(library.mdb_dbi_open(transaction, None, 0, ctypes.byref(database)))
    for name, text in entries.items():
        key, value = (Value(len(part) + 1, part.encode()) for part in (name, text))
        done(library.mdb_put(transaction, database, ctypes.byref(key), ctypes.byref(value), 0))
    done(library.mdb_txn_commit(transaction))
    library.mdb_env_close(environment)


def unfolded(text):
    """Its lines; lines that a backslash continues are joined."""
    return re.sub(r"\\\n\s*", "", text).splitlines()


def bare(text):
    return " ".join(text.split())


def is_command(word):
    return word in COMMANDS or word in OF_THE_MACHINE or word.startswith("scripts/")


class ManualTest(WorldTestCase):
    def setUp(self):
        super().setUp()
        target = self.target("good.test")
        target.users.add("joan")
        self.daemon = self.verifyd(line_listen=f"inet:{self.world.block.address(1)}:{LINE_PORT}")
        self.root = self.daemon.directory
        for place in PLACES:
            os.makedirs(self.root + place, exist_ok=True)
        self.write("/etc/postfix/transport", f"example.com smtp:[{target.address}]:{target.port}\n")
        self.daemon.settings.update(
            control_socket=self.root + "/run/verifyd/control",
            address_verify_transport_maps=f"texthash:{self.root}/etc/postfix/transport",
            unverified_recipient_reject_code=550,
        )
        self.daemon.write_config()
        self.write_postfix()
        self.write_programs()

    def write(self, path, text):
        with open(self.root + path, "w", encoding="ascii") as file:
            file.write(text)

    def write_postfix(self):
        """The files of a Postfix that has verified until now."""
        config = os.path.join(self.world.gateway.directory, "config")
        self.write("/etc/postfix/main.cf", "compatibility_level = 3.6\n")
        shutil.copy(os.path.join(config, "master.cf"), self.root + "/etc/postfix")
        self.write("/etc/postfix/aliases.cf", "hosts = 127.0.0.1\ndbname = mail\nquery = SELECT 1\n")
        said = "550 5.1.1 User unknown (in reply to RCPT TO command)"
        entries = {"eve@example.com": f"0:0:{int(time.time())}:250 2.1.5 Ok",
                   "mallory@example.com": f"2:0:{int(time.time())}:host mx[192.0.2.1] said: {said}"}
        cache = "/var/lib/postfix/verify_cache"
        lmdb_file(f"{self.root}{cache}.lmdb", entries)
        self.write(cache, "".join(f"{name}\t{text}\n" for name, text in entries.items()))
        subprocess.run(["/usr/sbin/postmap", "-c", config, f"btree:{self.root}{cache}"], check=True, timeout=20)
        now = time.strftime("%b %e %H:%M:%S")
        target = self.target("good.test")
        log = (
            f"{now} gate postfix/smtp[7]: 4F1: to=<bob@example.com>, relay={target.address}[{target.address}]:{target.port}, "
            "delay=0.1, delays=0/0/0.1/0, dsn=2.1.5, status=sent (250 2.1.5 Ok)\n"
        )
        for name in ("mail.log", "mail.log.1"):
            self.write(f"/var/log/{name}", log)
        self.write("/addresses", "alice@example.com\n\n# who else\nbob@example.com\n")

    def write_programs(self):
        """Scripts that a shell finds by the names of the programs, and that use the test's settings."""
        os.makedirs(self.root + "/bin", exist_ok=True)
        build = build_directory()
        for name, command in {
            "verifyctl": [f"{build}/verifyctl/verifyctl", "-c", self.daemon.config_path],
            "verifyd": [f"{build}/verifyd/verifyd", "-c", self.daemon.config_path],
            "postmap": ["/usr/sbin/postmap", "-c", self.root + "/etc/postfix"],
        }.items():
            self.write(f"/bin/{name}", f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
            os.chmod(f"{self.root}/bin/{name}", 0o755)

    def postconf(self, folder, *arguments):
        command = ["/usr/sbin/postconf", "-c", folder, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=20)

    def placed(self, text):
        for place in PLACES:
            text = re.sub(rf"(?<![\w/]){place}(?![\w.-])", self.root + place, text)
        return text

    def run_shell(self, command, seconds=40):
        """(exit code, output); the code is None for a command that was interrupted because it runs without end."""
        process = subprocess.Popen(
            ["/bin/bash", "-o", "pipefail", "-c", f"exec 2>&1; {self.placed(command)}"],
            cwd=self.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True,
            env={**os.environ, "PATH": f"{self.root}/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
        )
        endless = command.startswith(WITHOUT_END)
        try:
            said, _ = process.communicate(timeout=1.5 if endless else seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGINT if endless else signal.SIGKILL)
            said, _ = process.communicate(timeout=10)
            return (None, said) if endless else (process.returncode, f"{said}\nnot within {seconds} s")
        return process.returncode, said

    def do_commands(self, example):
        for line in unfolded(example.text):
            words = shlex.split(line, comments=True)
            if not words:
                continue
            if words[0] in COMMANDS:
                code, said = self.run_shell(line)
                expected = (None,) if line.startswith(WITHOUT_END) else ENDS.get(line, (0,))
                self.assertIn(code, expected, f"{line}: {said}")
            else:
                self.assertTrue(is_command(words[0]), line)
                self.assert_files_are_there(words)

    def assert_files_are_there(self, words):
        for word in words:
            if word.endswith((".socket", ".service")):
                unit = re.sub(r"@[^.]*", "@", word)  # of a template
                self.assertTrue(os.path.exists(os.path.join(SOURCE, "packaging/systemd", unit)), word)
            if word.startswith("scripts/"):
                self.assertTrue(os.access(os.path.join(SOURCE, word), os.X_OK), word)

    def do_files(self, example):
        for path, text in example.files().items():
            text = self.placed(text)
            if path == "/etc/postfix/main.cf":
                self.assert_postfix_takes(text)
            elif path == "/etc/verifyd/verifyd.cf":
                self.assert_verifyd_takes(text)
            elif path.startswith("/etc/dovecot"):
                self.assert_dovecot_takes(text)
            elif path == "/etc/postfix/transport":
                self.write(path, text)
                self.assert_verifyd_takes(f"transport_maps = texthash:{self.root}{path}")
            else:
                self.fail(f"nobody knows how to try {path}: teach tests/system/manual_test.py")

    def do_settings(self, example):
        """Settings of verifyd.cf or main.cf, tested by the program that knows the names, and their files."""
        files = example.files()
        settings = self.placed(files.pop(""))
        for path, text in files.items():
            self.write(path, text)
        names = set(settings_in(settings))
        taken_by = []
        if names <= self.names_of_verifyd:
            taken_by.append("verifyd")
            self.assert_verifyd_takes(settings)
        if names <= self.names_of_postfix:
            taken_by.append("Postfix")
            self.assert_postfix_takes(settings)
        self.assertTrue(taken_by, f"neither verifyd nor Postfix knows all of {sorted(names)}")

    def assert_verifyd_takes(self, settings):
        path = self.root + "/etc/verifyd/example.cf"
        with open(path, "w", encoding="ascii") as file:
            file.write(f"myhostname = gate.example.com\ndata_directory = {self.root}\n{settings}\n")
        code, said = self.run_shell(f"{build_directory()}/verifyd/verifyd -c {path} --check")
        self.assertEqual(code, 0, said)
        self.assertNotIn("no meaning", said)

    def assert_dovecot_takes(self, settings):
        path = self.root + "/dovecot.conf"
        with open(path, "w", encoding="ascii") as file:
            file.write(settings)
        shown = subprocess.run(["/usr/bin/doveconf", "-n", "-c", path], capture_output=True, text=True, timeout=20)
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        self.assertIn(bare(settings), bare(shown.stdout))

    def assert_postfix_takes(self, settings):
        folder = self.root + "/etc/postfix-example"
        shutil.copytree(self.root + "/etc/postfix", folder, dirs_exist_ok=True)
        with open(folder + "/main.cf", "a", encoding="ascii") as file:
            file.write(settings + "\n")
        shown = self.postconf(folder, "-n", *settings_in(settings))
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        for line in shown.stdout.splitlines():
            self.assertIn(bare(line), bare(settings))

    def do_services(self, example):
        """Lines of master.cf."""
        folder = self.root + "/etc/postfix-example"
        shutil.copytree(self.root + "/etc/postfix", folder, dirs_exist_ok=True)
        with open(folder + "/master.cf", "a", encoding="ascii") as file:
            file.write(example.text + "\n")
        shown = self.postconf(folder, "-M")
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        names = [line.split()[0] for line in shown.stdout.splitlines()]
        for line in example.text.splitlines():
            if SERVICE.match(line):
                self.assertIn(line.split()[0], names)

    def do_for_others(self, example):
        with open(os.path.join(SOURCE, FOR_OTHERS[example.first_line]), encoding="ascii") as file:
            text = bare("\n".join(unfolded(file.read())))
        for line in unfolded(example.text):
            self.assertIn(bare(line), text)

    def do_syntax(self, example):
        self.assert_verifyd_takes(example.text.replace("name =", "unverified_recipient_reject_reason ="))

    def do_decisions(self, example):
        self.write("/etc/verifyd/decisions", example.text + "\n")
        self.assert_verifyd_takes(f"decision_table = texthash:{self.root}/etc/verifyd/decisions\n")

    def do_questions(self, example):
        with LineClient((self.world.block.address(1), LINE_PORT)) as client:
            for line in example.text.splitlines():
                client.send(line + "\n")
                self.assertRegex(client.receive(), "^(accept|deny 550|defer 450|unknown)")

    def do_wrong_setting(self, example):
        """The message about a settings file whose third line is wrong."""
        path = self.root + "/etc/verifyd/verifyd.cf"
        with open(path, "w", encoding="ascii") as file:
            file.write("# one\n# two\nrelay_domain = example.com\n")
        _, said = self.run_shell(f"{build_directory()}/verifyd/verifyd -c {path} --check")
        self.assertIn(example.text, said)

    def do_drop_in(self, example):
        """A drop-in for a unit of systemd."""
        path = self.root + "/example.service"
        with open(path, "w", encoding="ascii") as file:
            file.write(f"[Service]\nExecStart=/bin/true\n{example.text}\n")
        code, said = self.run_shell(f"systemd-analyze verify {path}")
        self.assertEqual((code, said), (0, ""))

    # Examples of which there is only one of a kind, by their first lines.
    ODD = {
        "name = value": do_syntax,
        "catch_all inbound=permit sender=defer": do_decisions,
        "mailbox_full_permanent reject": do_decisions,
        "rcpt joe@example.com": do_questions,
        "[Service]": do_drop_in,
        'verifyd.cf:3: unknown setting "relay_domain"; did you mean "relay_domains"?': do_wrong_setting,
    }

    def do(self, example):
        first = example.first_line
        if first in self.ODD:
            self.ODD[first](self, example)
        elif first in FOR_OTHERS:
            self.do_for_others(example)
        elif is_command(first.split()[0]):
            self.do_commands(example)
        elif SERVICE.match(first):
            self.do_services(example)
        elif first.startswith("# /"):
            self.do_files(example)
        elif SETTING.match(first):
            self.do_settings(example)
        else:
            self.fail("nobody knows how to do this example: teach tests/system/manual_test.py")

    def do_all(self, examples):
        self.assertGreaterEqual(len(examples), 15)
        for example in examples:
            with self.subTest(f"{example.place}: {example.first_line}"):
                self.do(example)

    def test_every_command_can_be_pasted(self):
        self.daemon.start()
        self.run_shell("verifyctl verify joe@example.com")  # he is refused once, before the examples mention it
        self.do_all([example for example in all_examples() if is_command(example.first_line.split()[0])])

    def test_every_setting_and_every_other_example_can_be_pasted(self):
        self.daemon.start()
        shown = self.run_shell("verifyctl config -d")[1]
        self.names_of_verifyd = {line.split(" =")[0] for line in shown.splitlines()}
        known = self.postconf(self.root + "/etc/postfix", "-d")
        self.names_of_postfix = {line.split(" =")[0] for line in known.stdout.splitlines()}
        self.do_all([example for example in all_examples() if not is_command(example.first_line.split()[0])])

    def test_what_is_written_into_main_cf_is_the_same_in_readme_in_the_page_and_in_the_sample(self):
        with open(os.path.join(SOURCE, "packaging/main.cf.sample"), encoding="ascii") as file:
            sample = bare(settings_in(file.read())["smtpd_recipient_restrictions"])
        told = {
            example.place: bare(settings_in(example.text)["smtpd_recipient_restrictions"])
            for example in all_examples()
            if example.place in ("verifyd.8, Behind Postfix", "README.md, Behind Postfix in five lines")
            and example.first_line == "smtpd_recipient_restrictions ="
        }
        self.assertEqual(list(told.values()), [sample, sample])

    def test_no_word_of_a_heading_is_taken_for_a_macro(self):
        for page in pages():
            self.assertEqual(rendered_headings(page), written_headings(page))

    def test_a_quote_that_a_page_loses_is_noticed(self):
        self.daemon.start()
        code, _ = self.run_shell("verifyctl set joe@example.com deliverable --for 7d --why ticket 4711")
        self.assertEqual(code, 64)
