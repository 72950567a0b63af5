"""A private Exim that relays for one domain, or a pattern of domains, whose recipients are in a list.

Exim and Postfix can not both be installed: scripts/install-packages unpacks Exim below a cache folder. It runs as the
user that its package would have made, which nss_wrapper shows it with the id of nobody. None of its processes stays root.
"""

import os
import pwd
import shutil
import subprocess

from child import Child, accepts_connections
from unpacked import unpacked

CONFIG = """\
primary_hostname = {hostname}
spool_directory = {directory}/spool
log_file_path = {directory}/log/%slog
local_interfaces = {address}
daemon_smtp_ports = {port}
pid_file_path =
keep_environment =
never_users =
host_lookup =
rfc1413_query_timeout = 0s
message_logs = false
acl_smtp_rcpt = check_rcpt
domainlist relayed = {domain}

begin acl
check_rcpt:
  require message = relay not permitted
          domains = +relayed
{checks}
  accept

begin routers
listed:
  driver = manualroute
  domains = +relayed
  local_parts = lsearch;{directory}/recipients
  route_list = * 127.0.0.1
  transport = onward
  no_more

begin transports
onward:
  driver = smtp
"""


IS_LISTED = "  require verify = recipient"


def program():
    return unpacked("exim4-daemon-light", "usr/sbin/exim4")


class Exim:
    """`checks`: the part of its ACL for recipients of the domains that it relays for."""

    def __init__(self, directory, address, port, domain, users, checks=IS_LISTED):
        self.address = address
        nobody = pwd.getpwnam("nobody")
        for name in ("", "spool", "log"):
            path = os.path.join(directory, name)
            os.makedirs(path, mode=0o755, exist_ok=True)
            shutil.chown(path, nobody.pw_uid, nobody.pw_gid)
        files = {
            "config": CONFIG.format(
                directory=directory,
                hostname=f"mx.{domain.removeprefix('*.')}",
                address=address,
                port=port,
                domain=domain,
                checks=checks,
            ),
            "recipients": "".join(f"{user}\n" for user in users),
            "passwd": f"root:x:0:0:::\nDebian-exim:x:{nobody.pw_uid}:{nobody.pw_gid}:::\n",
            "group": f"root:x:0:\nDebian-exim:x:{nobody.pw_gid}:\n",
        }
        for name, text in files.items():
            with open(os.path.join(directory, name), "w", encoding="ascii") as file:
                file.write(text)
        self._command = [program(), "-C", os.path.join(directory, "config")]
        self._log_path = os.path.join(directory, "log", "mainlog")
        self._env = {
            "LD_PRELOAD": "libnss_wrapper.so",
            "NSS_WRAPPER_PASSWD": os.path.join(directory, "passwd"),
            "NSS_WRAPPER_GROUP": os.path.join(directory, "group"),
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        }
        self._child = Child("exim", [*self._command, "-bdf"], os.path.join(directory, "output"), env=self._env)
        self._child.wait_until(lambda: accepts_connections(address, port), 20, f"listen on {address}:{port}")

    def expand(self, text):
        """Exim's result for an expansion."""
        command = [*self._command, "-be", text]
        done = subprocess.run(command, env=self._env, capture_output=True, text=True, timeout=30, check=True)
        return done.stdout.removesuffix("\n")

    def wait_for_log(self, text, seconds=5):
        def found():
            with open(self._log_path, encoding="utf-8", errors="replace") as log:
                return text in log.read()

        self._child.wait_until(found, seconds, f"log {text!r}")

    def close(self):
        self._child.stop()
