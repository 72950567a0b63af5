"""A private Dovecot that speaks LMTP, on a UNIX socket and on loopback, and authenticates users for an MTA (any password is
good). Its users are in a passwd-file.
"""

import os

from child import Child, accepts_connections

CONFIG = """\
protocols = lmtp
base_dir = {directory}/run
state_dir = {directory}/state
log_path = {directory}/log
ssl = no
hostname = {hostname}
passdb {{
  driver = static
  args = nopassword=y
}}
mail_location = maildir:{directory}/mail/%u
userdb {{
  driver = passwd-file
  args = {directory}/users
}}
service auth {{
  unix_listener {auth_socket} {{
    mode = 0666
  }}
}}
service lmtp {{
  unix_listener {unix_socket} {{
    mode = 0666
  }}
  inet_listener lmtp {{
    address = {address}
    port = {port}
  }}
}}
"""


class Dovecot:
    """The path of the UNIX socket must be short: 107 bytes."""

    def __init__(self, directory, address, port, hostname, users):
        self.address = address
        self.port = port
        self.unix_socket = os.path.join(directory, "lmtp")
        self.auth_socket = os.path.join(directory, "auth")
        os.makedirs(directory, mode=0o755)
        config = os.path.join(directory, "config")
        with open(os.path.join(directory, "users"), "w", encoding="ascii") as file:
            file.writelines(f"{user}::65534:65534::{directory}/mail/{user}::\n" for user in users)
        with open(config, "w", encoding="ascii") as file:
            file.write(
                CONFIG.format(
                    directory=directory, hostname=hostname, unix_socket=self.unix_socket, auth_socket=self.auth_socket,
                    address=address, port=port,
                )
            )
        self._child = Child("dovecot", ["/usr/sbin/dovecot", "-F", "-c", config], os.path.join(directory, "output"))
        self._child.wait_until(lambda: accepts_connections(address, port), 20, f"listen on {address}:{port}")

    def close(self):
        # The master ends its processes, also those outside its process group.
        self._child.stop()
