"""Sendmail, which is unpacked and not installed (scripts/install-packages): a configuration made by its own m4 files, and
one SMTP session with it over a pipe. Nothing listens, and nothing is queued.

It sleeps a minute if the machine has no qualified name, so it gets a name of its own.
"""

import os
import subprocess

from unpacked import unpacked

# $1: folder with a file of hosts; the rest is the command.
WITH_OWN_NAME = 'hostname gateway.test && mount --bind "$1/hosts" /etc/hosts && shift && exec "$@"'
MC = """OSTYPE(`linux')dnl
define(`QUEUE_DIR', `{directory}/queue')dnl
define(`STATUS_FILE', `{directory}/statistics')dnl
define(`ALIAS_FILE', `')dnl
define(`HELP_FILE', `')dnl
define(`confDOMAIN_NAME', `gateway.test')dnl
define(`confCW_FILE', `-o {directory}/no-names')dnl
define(`confSERVICE_SWITCH_FILE', `{directory}/switch')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`accept_unqualified_senders')dnl
RELAY_DOMAIN(`{domains}')dnl
MAILER(`smtp')dnl
{snippet}"""


class SendmailSession:
    def __init__(self, directory, domains, snippet):
        os.makedirs(os.path.join(directory, "queue"), mode=0o755, exist_ok=True)
        folder = unpacked("sendmail-cf", "usr/share/sendmail/cf") + "/"
        text = MC.format(directory=directory, domains=" ".join(domains), snippet=snippet)
        made = subprocess.run(
            ["m4", f"-D_CF_DIR_={folder}", folder + "m4/cf.m4", "-"],
            input=text,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        files = {
            "sendmail.cf": made.stdout,
            # No name server is asked.
            "switch": "hosts files\naliases files\npasswd files\n",
            "hosts": "127.0.0.1 localhost gateway.test\n",
        }
        for name, content in files.items():
            with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
                file.write(content)
        program = unpacked("sendmail-bin", "usr/libexec/sendmail/sendmail")
        config = os.path.join(directory, "sendmail.cf")
        self._command = ["unshare", "--mount", "--uts", "sh", "-c", WITH_OWN_NAME, "sh", directory, program, "-C", config, "-bs"]

    def rcpt(self, *recipients):
        """The reply to each recipient."""
        with subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                self._reply(process)
                for command in ("EHLO client.test", "MAIL FROM:<someone@client.test>"):
                    self._say(process, command)
                replies = [self._say(process, f"RCPT TO:<{recipient}>") for recipient in recipients]
                self._say(process, "QUIT")
            finally:
                process.kill()
        return replies

    def _say(self, process, command):
        # It does not accept a client that speaks before its turn.
        process.stdin.write(f"{command}\r\n")
        process.stdin.flush()
        return self._reply(process)

    @staticmethod
    def _reply(process):
        """The last line of a reply."""
        for line in process.stdout:
            if line[3:4] == " ":
                return line.rstrip()
        raise ConnectionError("Sendmail has ended")
