"""Attacks and faults of the machine, its users and its disk: foreign folders, stuck pipes, damage, no memory."""

import json
import os
import pwd
import random
import resource
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time
import unittest

from child import Child, wait_until
from hostile_world import HostileWorldTestCase

PEOPLE = pwd.getpwnam("nobody")


class ProgramTestCase(unittest.TestCase):
    """A daemon that is asked no questions, and so needs no world."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="verifyd-unix-")
        os.chmod(self.folder, 0o755)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.program = os.path.join(os.path.abspath(os.environ["VERIFYD_BUILD"]), "verifyd", "verifyd")

    def command(self, *arguments, **settings):
        settings = {
            "control_socket": os.path.join(self.folder, "control"),
            "data_directory": os.path.join(self.folder, "data"),
            "policy_listen": f"unix:{self.folder}/policy",
            "relay_domains": "good.test",
            "myhostname": "gateway.test",
            "dns_servers": "127.0.0.1:9",
            **settings,
        }
        path = os.path.join(self.folder, "verifyd.cf")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())
        return [self.program, "-c", path, *arguments]


class OtherPeoplesFolderTest(ProgramTestCase):
    def test_a_symbolic_link_in_the_sockets_place_never_opens_a_file_of_root(self):
        people = os.path.join(self.folder, "people")
        os.mkdir(people)
        os.chown(people, PEOPLE.pw_uid, PEOPLE.pw_gid)
        victim = os.path.join(self.folder, "shadow")
        with open(victim, "w", encoding="utf-8") as file:
            file.write("secret\n")
        os.chmod(victim, 0o600)
        before = os.stat(victim)
        path = os.path.join(people, "policy")
        command = self.command(
            "--user",
            PEOPLE.pw_name,
            control_socket=f"{victim}/control",
            policy_listen=f"{{ unix:{path}, mode=0666, owner={PEOPLE.pw_name} }}"
        )
        end = threading.Event()

        def put_links():
            # The owner of the folder may do this: whenever there is a socket, a link replaces it.
            link = os.path.join(people, "link")
            while not end.is_set():
                try:
                    if stat.S_ISSOCK(os.lstat(path).st_mode):
                        os.symlink(victim, link)
                        os.rename(link, path)
                        time.sleep(0.001)
                        os.unlink(path)
                except FileNotFoundError:
                    pass

        thread = threading.Thread(target=put_links)
        thread.start()
        changed = 0
        runs = 0
        deadline = time.monotonic() + 18
        try:
            while runs < 100 and time.monotonic() < deadline:
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
                # It ends by itself, because it can not make its control socket.
                process.wait(10)
                runs += 1
                now = os.stat(victim)
                if (now.st_mode, now.st_uid, now.st_gid) != (before.st_mode, before.st_uid, before.st_gid):
                    changed += 1
                    os.chmod(victim, 0o600)
                    os.chown(victim, before.st_uid, before.st_gid)
        finally:
            end.set()
            thread.join()
        print(f"root's file was opened in {changed} of {runs} starts")
        self.assertEqual(changed, 0)

    def test_a_socket_has_its_mode_and_owner_whatever_the_umask_is(self):
        path = os.path.join(self.folder, "door")
        command = self.command(policy_listen=f"{{ unix:{path}, mode=0666, owner={PEOPLE.pw_name} }}")
        child = Child("verifyd", command, os.path.join(self.folder, "log"), preexec_fn=lambda: os.umask(0o077))
        self.addCleanup(child.kill)
        control = os.path.join(self.folder, "control")
        child.wait_until(lambda: "ready" in child.output(), 10, "ready")
        info = os.stat(path)
        self.assertEqual((stat.S_IMODE(info.st_mode), info.st_uid), (0o666, PEOPLE.pw_uid))
        self.assertEqual(stat.S_IMODE(os.stat(control).st_mode), 0o660)

    def test_who_is_root_and_stays_it_is_told_so_at_every_start(self):
        warning = "warning: runs as root, which is not needed"
        for number, (arguments, said) in enumerate([((), True), (("--user", PEOPLE.pw_name), False), ((), True)]):
            os.chmod(self.folder, 0o777)
            child = Child("verifyd", self.command(*arguments, data_directory=os.path.join(self.folder, f"data{number}")),
                          os.path.join(self.folder, f"log{number}"))
            self.addCleanup(child.kill)
            child.wait_until(lambda child=child: "ready" in child.output(), 10, "ready")
            child.stop()
            self.assertEqual(warning in child.output(), said, arguments)


class StuckPipeTest(ProgramTestCase):
    def test_sigterm_ends_it_although_nobody_reads_its_log(self):
        reading, writing = os.pipe()
        process = subprocess.Popen(
            self.command("-v"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=writing
        )
        os.set_blocking(writing, False)
        try:
            wait_until(lambda: os.path.exists(os.path.join(self.folder, "control")), 10, "the control socket")
            # Fill it, so that nothing more goes in.
            try:
                while True:
                    os.write(writing, b"x" * 4096)
            except BlockingIOError:
                pass
            os.set_blocking(writing, True)
            process.send_signal(signal.SIGHUP)  # which is logged
            time.sleep(0.5)
            begin = time.monotonic()
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(15), 0)
            print(f"ended after {time.monotonic() - begin:.1f} s")
            self.assertLess(time.monotonic() - begin, 12)
        finally:
            process.kill()
            process.wait()
            os.close(reading)
            os.close(writing)


class LittleMemoryTest(ProgramTestCase):
    def test_without_the_memory_to_start_it_says_so_and_ends_with_69(self):
        refused = 0
        for mebibytes in range(80, 440, 30):
            limit = mebibytes << 20
            child = Child(
                "verifyd",
                self.command(policy_listen=f"unix:{self.folder}/policy{mebibytes}"),
                os.path.join(self.folder, f"log{mebibytes}"),
                preexec_fn=lambda limit=limit: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
            )
            self.addCleanup(child.kill)
            wait_until(
                lambda child=child: child.exit_code is not None or "ready" in child.output(), 10, "a start or an end"
            )
            if "ready" not in child.output():
                self.assertEqual(child.exit_code, 69, f"{mebibytes} MiB: {child.output()}")
                self.assertRegex(child.output(), "can ?not ")
                refused += 1
            child.kill()
            if os.path.exists(os.path.join(self.folder, "control")):
                os.unlink(os.path.join(self.folder, "control"))
        print(f"{refused} starts refused for want of memory")
        self.assertGreater(refused, 0)


class StoreTest(HostileWorldTestCase):
    def setUp(self):
        super().setUp()
        self.names("good IN MX 10 mx.good", "mx.good IN A {2}")
        self.good = self.server(2, "mx.good.test", users={f"user{number}" for number in range(60)})
        self.started = self.verifyd(address_verify_cache_cleanup_interval="0")
        self.store = os.path.join(self.started.settings["data_directory"], "verify_cache.mdb")

    def answers(self, first, count):
        with self.started.policy() as client:
            return [client.ask(f"user{number}@good.test")[0] for number in range(first, first + count)]

    def persistent(self):
        return json.loads(self.started.ctl("--json", "stats").stdout)["cache"]["persistent"]

    def filled(self):
        """A cache of many pages, closed cleanly."""
        text = "".join(
            f"member{number}@other{number % 7}.test\t0:0:{int(time.time())}:250 2.1.5 Ok {'x' * 100}\n" for number in range(4000)
        )
        result = self.started.ctl("import", "-", text=text)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.answers(0, 10)
        self.started.stop()

    @staticmethod
    def damaged(good, chance, way):
        """A copy with some pages of rubbish, with rubbish in the bounds of all pages, or cut to a part."""
        if way == 2:
            return good[: chance.randrange(2, len(good) // 4096) * 4096]
        bad = bytearray(good)
        pages = list(range(2 * 4096, len(good), 4096))
        for page in chance.sample(pages, 30) if way == 0 else pages:
            if way == 0:
                bad[page + 12 : page + 4096] = chance.randbytes(4084)
            else:
                bad[page + 12 : page + 16] = chance.randbytes(4)
        return bad

    def test_a_store_that_was_damaged_at_rest_never_ends_the_daemon(self):
        self.filled()
        with open(self.store, "rb") as file:
            good = file.read()
        chance = random.Random(18)
        ended = aside = rounds = 0
        deadline = time.monotonic() + 18
        while rounds < 40 and time.monotonic() < deadline:
            with open(self.store, "wb") as file:
                file.write(self.damaged(good, chance, rounds % 3))
            rounds += 1
            try:
                self.started.start()
                self.assertEqual(self.answers(0, 10), ["DUNNO"] * 10)
                self.started.ctl("list", "--limit", "5000")
                self.answers(rounds + 10, 1)
            except Exception:
                # The result depends on the place of the damage.
                if self.started.child.exit_code is None:
                    raise
            aside += "set aside" in self.started.log()
            ended += self.started.child.exit_code is not None
            self.started.stop()
        print(f"{rounds} damaged stores: {aside} set aside, {ended} ended the daemon")
        self.assertGreater(rounds, 5)
        self.assertEqual(ended, 0)

    def test_a_folder_that_vanished_is_said_and_answers_go_on(self):
        self.assertEqual(self.answers(0, 10), ["DUNNO"] * 10)
        self.assertTrue(self.persistent())
        shutil.rmtree(self.started.settings["data_directory"])
        self.assertEqual(self.answers(5, 15), ["DUNNO"] * 15)
        self.started.wait_for_log("was removed or replaced while it was open")
        self.assertFalse(self.persistent())
        asked = len(self.good.recipients)
        self.assertEqual(self.answers(0, 20), ["DUNNO"] * 20)
        self.assertEqual(len(self.good.recipients), asked)

    def test_a_store_that_was_cut_while_open_is_explained_and_begun_anew(self):
        self.assertEqual(self.answers(0, 30), ["DUNNO"] * 30)
        self.started.child.wait_until(lambda: os.stat(self.store).st_size > 8192, 5, "write")
        time.sleep(0.3)
        os.truncate(self.store, 4096)
        # Known addresses need the file, and new ones are written to it; either may be first.
        try:
            self.answers(0, 30)
            self.answers(30, 10)
        except OSError:
            pass
        time.sleep(0.5)
        if self.started.child.exit_code is None:
            self.assertIn("was cut while it was open", self.started.log())
            self.assertFalse(self.persistent())
        else:
            self.assertEqual(self.started.child.exit_code, -signal.SIGBUS)
            self.assertIn("a part of its cache's file can not be read", self.started.log())
        self.started.stop()
        self.started.start()
        self.assertTrue(self.persistent())
        self.assertEqual(self.answers(0, 30), ["DUNNO"] * 30)
