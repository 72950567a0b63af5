"""A bare Debian of this machine's release in a folder, and programs that run in it by chroot(2)."""

import os
import shutil
import subprocess

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name.endswith("_proxy")},
    "DEBIAN_FRONTEND": "noninteractive",
    "LC_ALL": "C.UTF-8",
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
}
IN_IT = 'root=$1 && shift && mount --bind /proc "$root/proc" && exec chroot "$@"'
# Imitates a running systemd: it says that the service is enabled and the sockets are not, and keeps the commands it gets.
SYSTEMCTL = """#!/bin/sh
echo "$*" >>/var/log/systemctl
case $* in
  *is-enabled*.service*) echo enabled ;;
  *is-enabled*) echo disabled; exit 1 ;;
  *is-active*) exit 3 ;;
esac
"""


def _sources():
    """The sources of this machine's apt, in the form of sources.list(5)."""
    with open("/etc/os-release", encoding="utf-8") as file:
        release = dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)["VERSION_CODENAME"]
    shown = subprocess.run(
        ["apt-get", "indextargets", "--format", "deb $(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages", "Origin: Debian"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    lines = sorted({line for line in shown.stdout.split("\n") if f" {release}" in line})
    return release, "\n".join(lines) + "\n"


def make(folder):
    """Makes one as small as apt allows. It is kept packed below the user's cache, and fetched only if it is missing."""
    release, sources = _sources()
    cache = os.path.join(os.environ.get("XDG_CACHE_HOME", "/var/cache"), "verifyd-tests")
    packed = os.path.join(cache, f"debian-{release}.tar")
    if not os.path.exists(packed):
        os.makedirs(cache, exist_ok=True)
        unfinished = f"{packed}.{os.getpid()}.tar"
        try:
            subprocess.run(
                ["mmdebstrap", "--quiet", "--variant=minbase", release, unfinished, "-"],
                input=sources,
                text=True,
                timeout=600,
                check=True,
            )
            os.rename(unfinished, packed)
        finally:
            if os.path.exists(unfinished):
                os.unlink(unfinished)
    os.makedirs(folder)
    subprocess.run(["tar", "-xf", packed, "-C", folder], stdin=subprocess.DEVNULL, timeout=120, check=True)
    shutil.copy("/etc/resolv.conf", os.path.join(folder, "etc", "resolv.conf"))
    with open(os.path.join(folder, "etc", "dpkg", "dpkg.cfg.d", "in-a-test"), "w", encoding="ascii") as file:
        file.write("force-unsafe-io\n")
    return BareDebian(folder)


class BareDebian:
    def __init__(self, folder):
        self.folder = folder

    def path(self, inside):
        return self.folder + inside

    def command(self, *command, user=None):
        identity = [f"--userspec={user}"] if user else []
        return ["unshare", "--mount", "sh", "-c", IN_IT, "sh", self.folder, *identity, self.folder, *command]

    def run(self, *command, user=None, seconds=300):
        return subprocess.run(
            self.command(*command, user=user),
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
        )

    def must(self, *command, **options):
        """The output of a command that succeeds."""
        done = self.run(*command, **options)
        assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout[-3000:]}"
        return done.stdout

    def install(self, package):
        """Installs it as README says: apt takes its dependencies from the network."""
        shutil.copy(package, self.path("/root/verifyd.deb"))
        self.must("apt-get", "update", "-q")
        return self.must("apt-get", "install", "-q", "-y", "--no-install-recommends", "/root/verifyd.deb")

    def put_in(self, package):
        """Installs it with dpkg alone, because its dependencies are there. A changed settings file of the operator is kept."""
        shutil.copy(package, self.path("/root/verifyd.deb"))
        return self.must("dpkg", "--force-confdef", "--force-confold", "--install", "/root/verifyd.deb")

    def pretend_that_systemd_runs(self):
        os.makedirs(self.path("/run/systemd/system"))
        os.rename(self.path("/usr/bin/systemctl"), self.path("/usr/bin/systemctl.real"))
        with open(self.path("/usr/bin/systemctl"), "w", encoding="ascii") as file:
            file.write(SYSTEMCTL)
        os.chmod(self.path("/usr/bin/systemctl"), 0o755)

    def pretend_no_more(self):
        os.rename(self.path("/usr/bin/systemctl.real"), self.path("/usr/bin/systemctl"))
        shutil.rmtree(self.path("/run/systemd/system"))

    def told_systemd(self):
        """The commands to systemd since the last call, without queries."""
        path = self.path("/var/log/systemctl")
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("\n")
        os.unlink(path)
        words = [" ".join(word for word in line.split() if not word.startswith("--")) for line in lines]
        return [line for line in words if line and not line.startswith("is-") and line != "daemon-reload"]
