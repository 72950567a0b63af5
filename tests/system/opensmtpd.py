"""A private OpenSMTPD, which is unpacked and not installed (scripts/install-packages).

Its paths and users are compiled in. So it runs in a mount namespace of its own, which has such users, and where the
folders that it writes to are in memory; files of the machine are not touched.
"""

import os

from child import Child, accepts_connections
from unpacked import unpacked

# $1: folder of the instance, $2: the program.
IN_OWN_NAMESPACE = """
set -e
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/group" /etc/group
for folder in /var/spool /var/lib /run; do mount -t tmpfs none $folder; done
mkdir -m 711 /var/spool/smtpd
mkdir -p -m 755 /var/lib/opensmtpd/empty
exec "$2" -d -v -f "$1/smtpd.conf"
"""
USERS = {"opensmtpd": 64001, "opensmtpq": 64002}


class OpenSmtpd:
    """`listening`: the lines of smtpd.conf up to and including its listen."""

    def __init__(self, directory, address, port, listening, domains):
        os.makedirs(directory, mode=0o755, exist_ok=True)
        lines = [listening, 'action "relay" relay host smtp://127.0.0.1:9']
        lines += [f'match from any for domain "{domain}" action "relay"' for domain in domains]
        self._write(directory, "smtpd.conf", "\n".join(lines) + "\n")
        for name in ("passwd", "group"):
            with open(f"/etc/{name}", encoding="utf-8") as file:
                text = file.read()
            for user, number in USERS.items():
                text += f"{user}:x:{number}:{number}::/:/usr/sbin/nologin\n" if name == "passwd" else f"{user}:x:{number}:\n"
            self._write(directory, name, text)
        self._child = Child(
            "opensmtpd",
            ["unshare", "--mount", "sh", "-c", IN_OWN_NAMESPACE, "sh", directory, unpacked("opensmtpd", "usr/sbin/smtpd")],
            os.path.join(directory, "output"),
        )
        self._child.wait_until(lambda: accepts_connections(address, port), 20, f"listen on {address}:{port}")

    @staticmethod
    def _write(directory, name, text):
        with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
            file.write(text)

    def log(self):
        return self._child.output()

    def close(self):
        self._child.stop()
