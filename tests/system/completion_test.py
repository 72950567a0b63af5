"""Completion of verifyctl in real shells, from the files that are installed."""

import os
import pty
import select
import subprocess
import tempfile
import time
import unittest

from world_test_case import build_directory


class CompletionTest(unittest.TestCase):
    def completed(self, shell, script):
        text = subprocess.run([os.path.join(build_directory(), "verifyctl", "verifyctl"), "completion", shell], capture_output=True, check=True).stdout
        with tempfile.NamedTemporaryFile() as file:
            file.write(text)
            file.flush()
            options = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
            done = subprocess.run([shell, *options, "-c", script.format(file.name)], capture_output=True, text=True, timeout=30,
                                  env={**os.environ, "TERM": "dumb", "HOME": os.path.dirname(file.name)})
        self.assertEqual(done.stderr, "")
        return done.stdout.split("\n")

    def bash(self, *words):
        quoted = " ".join(f"'{word}'" for word in words)
        return self.completed("bash", f"source {{}}; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _verifyctl; "
                                      "printf '%s\\n' \"${{COMPREPLY[@]}}\"")[:-1]

    def test_bash_completes_verbs_and_the_options_of_a_verb(self):
        self.assertEqual(self.bash("verifyctl", "pu"), ["purge"])
        self.assertEqual(self.bash("verifyctl", "-c", "list", "--json", "purge", "--o"), ["--older"])
        self.assertEqual(self.bash("verifyctl", "purge", "--js"), ["--json"])
        self.assertEqual(self.bash("verifyctl", "nonsense", "--o"), [""])

    def test_bash_completes_values(self):
        self.assertEqual(self.bash("verifyctl", "list", "--status", "un"), ["undeliverable", "unknown"])
        self.assertEqual(self.bash("verifyctl", "export", "--format", ""), ["jsonl", "csv", "postfix"])
        self.assertEqual(self.bash("verifyctl", "set", "joe@example.com", "und"), ["undeliverable"])
        self.assertEqual(self.bash("verifyctl", "list", "--reason", "catch_all_"), ["catch_all_inconsistent"])
        self.assertEqual(self.bash("verifyctl", "config", "relay_dom"), ["relay_domains"])
        self.assertEqual(self.bash("verifyctl", "help", "verif"), ["verify"])
        self.assertEqual(self.bash("verifyctl", "completion", "z"), ["zsh"])
        self.assertEqual(self.bash("verifyctl", "list", "--older", ""), [""])

    def test_bash_completes_values_behind_an_equals_sign(self):
        self.assertEqual(self.bash("verifyctl", "list", "--status", "=", "und"), ["undeliverable"])
        self.assertEqual(self.bash("verifyctl", "export", "--format", "="), ["jsonl", "csv", "postfix"])

    def test_bash_offers_what_every_verb_has_once(self):
        offered = self.bash("verifyctl", "purge", "-")
        self.assertEqual(sorted(offered), sorted(set(offered)))
        self.assertIn("--help", offered)

    def test_zsh_takes_the_file_and_knows_whom_it_is_for(self):
        script = "autoload -U compinit; compinit -u -D; source {0}; print $_comps[verifyctl]; zsh -n {0}"
        self.assertEqual(self.completed("zsh", script), ["_verifyctl", ""])

    def assert_zsh_completes(self, words, expected):
        """zsh completes on a terminal only."""
        text = subprocess.run([os.path.join(build_directory(), "verifyctl", "verifyctl"), "completion", "zsh"], capture_output=True, check=True).stdout
        leader, terminal = pty.openpty()
        with tempfile.NamedTemporaryFile() as file, os.fdopen(leader, "r+b", buffering=0) as keyboard:
            file.write(text)
            file.flush()
            shell = subprocess.Popen(["zsh", "-f", "-i"], stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
                                     env={**os.environ, "TERM": "dumb", "HOME": os.path.dirname(file.name)})
            os.close(terminal)
            shown = b""

            def await_output(part):
                nonlocal shown
                deadline = time.monotonic() + 15
                while part not in shown and time.monotonic() < deadline:
                    if select.select([keyboard], [], [], 0.1)[0]:
                        shown += keyboard.read(4096)
                self.assertIn(part, shown)

            try:
                keyboard.write(f"PS1=; autoload -U compinit; compinit -u -D; source {file.name}; print REA''DY\n".encode())
                await_output(b"READY")
                shown = b""
                keyboard.write(f"verifyctl {words}\t".encode())
                await_output(expected.encode())
            finally:
                shell.kill()
                shell.wait()

    def test_zsh_completes_values(self):
        self.assert_zsh_completes("set joe@example.com und", "undeliverable")
        self.assert_zsh_completes("export --format po", "postfix")
        self.assert_zsh_completes("list --reason catch_all_", "catch_all_inconsistent")
        self.assert_zsh_completes("config relay_doma", "relay_domains")

    def test_fish_completes_values(self):
        def first_of(words):
            return [line.split("\t")[0] for line in self.completed("fish", f"source {{0}}; complete -C 'verifyctl {words}'") if line]
        self.assertEqual(first_of("list --status un"), ["undeliverable", "unknown"])
        self.assertEqual(first_of("set joe@example.com und"), ["undeliverable"])
        self.assertEqual(first_of("config relay_doma"), ["relay_domains"])
        self.assertEqual(first_of("help verif"), ["verify"])

    def test_fish_completes_verbs_and_the_options_of_a_verb(self):
        verbs = self.completed("fish", "source {0}; complete -C 'verifyctl pu'")
        self.assertEqual(verbs[0].split("\t")[0], "purge")
        options = self.completed("fish", "source {0}; complete -C 'verifyctl purge --ol'")
        self.assertEqual(options[0].split("\t")[0], "--older")


if __name__ == "__main__":
    unittest.main()
