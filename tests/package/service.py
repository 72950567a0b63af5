"""A service as its unit describes it, started without systemd: its folders, its user, its command."""

import os
import re

from bare_debian import ENVIRONMENT
from child import Child
from daemon import NotifySocket


class Service:
    def __init__(self, debian, unit):
        self._debian = debian
        with open(debian.path(f"/lib/systemd/system/{unit}"), encoding="utf-8") as file:
            self._values = dict(re.findall(r"^(\w+)=(.*)$", file.read(), re.MULTILINE))
        self.user = self._values["User"]
        self._child = None
        self._notify = None

    def _make_folder(self, path, mode):
        os.makedirs(self._debian.path(path), exist_ok=True)
        os.chmod(self._debian.path(path), int(mode, 8))
        self._debian.must("chown", f"{self.user}:{self._values['Group']}", path)

    def start(self):
        self._make_folder(f"/var/lib/{self._values['StateDirectory']}", self._values["StateDirectoryMode"])
        self._make_folder(f"/run/{self._values['RuntimeDirectory']}", self._values["RuntimeDirectoryMode"])
        notify = "/run/verifyd-tells-systemd"
        if os.path.exists(self._debian.path(notify)):
            os.unlink(self._debian.path(notify))
        self._notify = NotifySocket(self._debian.path(notify))
        self._child = Child(
            "verifyd",
            self._debian.command(*self._values["ExecStart"].split(), user=self._identity()),
            self._debian.path("/var/log/verifyd"),
            env={**ENVIRONMENT, "NOTIFY_SOCKET": notify},
        )
        self._child.wait_until(lambda: self._notify.has_said("READY=1"), 20, "say READY=1")
        return self

    def _identity(self):
        return f"{self.user}:{self._values['Group']}"

    def reload(self):
        """Does what systemd does for `systemctl reload`, with the user and the command of the unit."""
        return self._debian.run(*self._values["ExecReload"].split(), user=self._identity(), seconds=60)

    def log(self):
        return self._child.output()

    def stop(self):
        """Returns its exit code; None if it is not running."""
        if self._child is None:
            return None
        code = self._child.stop()
        self._child = None
        self._notify.close()
        return code
