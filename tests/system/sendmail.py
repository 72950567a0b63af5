"""A private Sendmail that relays all mail, and asks a milter about it first.

Sendmail and Postfix can not both be installed: scripts/install-packages unpacks Sendmail below a cache folder. It runs as
nobody; nss_wrapper gives this machine a name that Sendmail accepts.
"""

import os
import shutil
import subprocess

from child import Child, accepts_connections
from unpacked import unpacked

CONFIG = """\
include(`{cf}')dnl
OSTYPE(`linux')dnl
define(`QUEUE_DIR', `{directory}/queue')dnl
define(`ALIAS_FILE', `')dnl
define(`STATUS_FILE', `')dnl
define(`HELP_FILE', `')dnl
define(`confPID_FILE', `{directory}/pid')dnl
define(`confSERVICE_SWITCH_FILE', `{directory}/service.switch')dnl
define(`confRUN_AS_USER', `nobody')dnl
define(`confDONT_PROBE_INTERFACES', `True')dnl
define(`confTO_IDENT', `0')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`nocanonify')dnl
FEATURE(`promiscuous_relay')dnl
FEATURE(`accept_unresolvable_domains')dnl
DAEMON_OPTIONS(`Name=MTA, Addr={address}, Port={port}')dnl
{filters}
MAILER(smtp)dnl
"""


class Sendmail:
    """`filters`: its lines in sendmail.mc."""

    def __init__(self, directory, address, port, filters):
        os.makedirs(directory, mode=0o755)
        os.mkdir(os.path.join(directory, "queue"), mode=0o700)
        shutil.chown(os.path.join(directory, "queue"), "nobody")
        files = {
            "sendmail.mc": CONFIG.format(
                cf=unpacked("sendmail-cf", "usr/share/sendmail/cf/m4/cf.m4"), directory=directory, address=address, port=port, filters=filters
            ),
            "service.switch": "hosts files\naliases files\n",
            "hosts": f"127.0.0.1 localhost\n{address} sendmail.test\n",
        }
        for name, text in files.items():
            with open(os.path.join(directory, name), "w", encoding="ascii") as file:
                file.write(text)
        config = os.path.join(directory, "sendmail.cf")
        with open(config, "w", encoding="ascii") as out:
            subprocess.run(
                ["m4", os.path.join(directory, "sendmail.mc")], stdout=out, stderr=subprocess.DEVNULL, check=True, timeout=20
            )
        # A copy has no set-group-ID bit, which would disable nss_wrapper.
        program = os.path.join(directory, "sendmail")
        shutil.copy(unpacked("sendmail-bin", "usr/libexec/sendmail/sendmail"), program)
        self._child = Child(
            "sendmail",
            [program, "-C", config, "-bD"],
            os.path.join(directory, "output"),
            env={
                "LD_PRELOAD": "libnss_wrapper.so",
                "NSS_WRAPPER_HOSTS": os.path.join(directory, "hosts"),
                "NSS_WRAPPER_HOSTNAME": "sendmail.test",
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            },
        )
        self._child.wait_until(lambda: accepts_connections(address, port), 20, f"listen on {address}:{port}")

    def close(self):
        self._child.stop()
