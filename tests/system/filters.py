"""Other programs of a gateway beside verifyd: OpenDKIM, a policy service that checks SPF, a sink for mail."""

import email
import glob
import os
import shutil
import subprocess

from child import Child, accepts_connections

OPENDKIM = """\
Mode {mode}
Socket inet:{port}@{address}
UserID opendkim
Syslog no
AuthservID gateway.test
AlwaysAddARHeader yes
"""
# The folder of the world is in a folder that every user may write to.
OPENDKIM_SIGNS = """\
RequireSafeKeys no
Domain {domain}
Selector test
KeyFile {directory}/key
InternalHosts 0.0.0.0/0
"""


class OpenDkim:
    """Verifies mail, or signs mail from `signed_domain`."""

    def __init__(self, directory, address, port, signed_domain=None):
        self.endpoint = f"{address}:{port}"
        os.makedirs(directory, mode=0o755)
        shutil.chown(directory, "opendkim")
        config = OPENDKIM.format(mode="v" if signed_domain is None else "s", address=address, port=port)
        if signed_domain is not None:
            config += OPENDKIM_SIGNS.format(domain=signed_domain, directory=directory)
            key = os.path.join(directory, "key")
            subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True, timeout=30)
            os.chmod(key, 0o600)
            shutil.chown(key, "opendkim")
        path = os.path.join(directory, "opendkim.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(config)
        self._child = Child(
            "opendkim", ["/usr/sbin/opendkim", "-f", "-x", path], os.path.join(directory, "output")
        )
        self._child.wait_until(lambda: accepts_connections(address, port), 20, f"listen on {self.endpoint}")

    def close(self):
        self._child.stop()


# Debian's policyd-spf asks the name servers of resolv.conf; this one asks ours.
POLICYD_SPF = """\
import sys
import spf
import DNS
DNS.defaults.update(server=["{address}"], port={port})
from spf_engine.policyd_spf import main
sys.argv = ["policyd-spf", "{config}"]
main()
"""
POLICYD_SPF_CONFIG = """\
debugLevel = 1
TestOnly = 1
HELO_reject = False
Mail_From_reject = Fail
PermError_reject = False
TempError_Defer = False
skip_addresses = 127.0.0.0/8
"""


def spf_policy(directory, name_server):
    """The line of master.cf for a policy service private/policyd-spf."""
    os.makedirs(directory, mode=0o755)
    address, port = name_server.split(":")
    config = os.path.join(directory, "policyd-spf.conf")
    files = {"policyd-spf": POLICYD_SPF.format(address=address, port=port, config=config), "policyd-spf.conf": POLICYD_SPF_CONFIG}
    for name, text in files.items():
        with open(os.path.join(directory, name), "w", encoding="ascii") as file:
            file.write(text)
    return f"policyd-spf unix - n n - 0 spawn user=nobody argv=/usr/bin/python3 -B {directory}/policyd-spf\n"


class Sink:
    """Takes every message, and keeps it."""

    def __init__(self, directory, address, port):
        self.endpoint = f"[{address}]:{port}"
        self._directory = directory
        os.makedirs(directory)
        shutil.chown(directory, "postfix")
        self._child = Child(
            "smtp-sink",
            ["/usr/sbin/smtp-sink", "-u", "postfix", "-d", f"{directory}/%s-", f"{address}:{port}", "100"],
            f"{directory}-output",
        )
        self._child.wait_until(lambda: accepts_connections(address, port), 10, "listen")

    def messages(self):
        """[(recipients, message)]: complete messages, in no order."""
        return [read for path in glob.glob(f"{self._directory}/*") if (read := self._read(path)) is not None]

    def _read(self, path):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if not text.endswith("\n\n"):
            return None
        message = email.message_from_string(text)
        # <joe@example.com> ORCPT=rfc822;joe@example.com
        return [value.split()[0].strip("<>") for value in message.get_all("X-Rcpt-Args", [])], message

    def forget(self):
        for path in glob.glob(f"{self._directory}/*"):
            os.unlink(path)

    def close(self):
        self._child.stop()
