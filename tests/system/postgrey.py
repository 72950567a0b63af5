"""A private postgrey: a policy service that defers every new triplet of client, sender and recipient."""

import os
import shutil

from child import Child


class Postgrey:
    """A second try is let through `delay` seconds after the first."""

    def __init__(self, directory, delay):
        os.makedirs(directory, mode=0o755)
        data = os.path.join(directory, "data")
        os.mkdir(data)
        shutil.chown(data, "postgrey", "postgrey")
        shutil.chown(directory, "postgrey", "postgrey")
        self.socket_path = os.path.join(directory, "policy")
        self._child = Child(
            "postgrey",
            ["/usr/sbin/postgrey", f"--unix={self.socket_path}", f"--dbdir={data}", f"--delay={delay}"]
            + ["--user=postgrey", "--group=postgrey", f"--pidfile={directory}/pid"],
            os.path.join(directory, "output"),
        )
        self._child.wait_until(lambda: os.path.exists(self.socket_path), 20, "listen")

    def close(self):
        self._child.stop()
