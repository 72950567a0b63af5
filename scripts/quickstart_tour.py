"""Shows the tour of scripts/quickstart, once verifyd is built."""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "tests", "system"))

import daemon  # noqa: E402
from loopback import AddressBlock  # noqa: E402
from mail_world import MailWorld  # noqa: E402

QUESTIONS = (
    ("a known user", "alice@good.test"),
    ("an unknown user", "nobody@good.test"),
    ("an unknown domain", "alice@absent.test"),
    ("a server that blocks us", "alice@blocks.test"),
    ("a slow server", "alice@slow.test"),
)


def reason_of(verifyd, address):
    lines = verifyd.ctl("--json", "query", address).stdout.splitlines()
    return json.loads(lines[0]).get("reason", "in_progress") if lines else "in_progress"


def ask_all(verifyd, client):
    for what, address in QUESTIONS:
        action, seconds = client.ask(address)
        reason = reason_of(verifyd, address)
        print(f"  {what:<25}{address:<20}{seconds * 1000:8.1f} ms  {reason}\n      {action}", flush=True)


def show_world(build):
    with MailWorld() as world:
        folder = os.path.join(world.directory, "verifyd")
        settings = daemon.settings_for(world, folder)
        settings |= {
            "unverified_recipient_reject_code": "550",
            "address_verify_poll_count": "2",
            "address_verify_poll_delay": "1s",
        }
        verifyd = daemon.Verifyd(build, folder, settings).start()
        try:
            print(f"verifyd answers on {world.policy_endpoint}; its cache and its mail world are in {world.directory}")
            with verifyd.policy() as client:
                print("\nAsked for the first time, each answer comes from a probe:", flush=True)
                ask_all(verifyd, client)
                verifyd.ctl("verify", "alice@slow.test")
                print("\nAsked again, answered from the cache (the slow server has replied meanwhile):", flush=True)
                ask_all(verifyd, client)
        finally:
            verifyd.stop()
    print("\nStopped; nothing is left behind. For your own: scripts/quickstart ADDRESS...")


def verify_for_real(build, addresses):
    folder = tempfile.mkdtemp(prefix="verifyd-")
    block = AddressBlock()
    settings = {
        "policy_listen": f"inet:{block.address(1)}:10090",
        "control_socket": os.path.join(folder, "control"),
        "data_directory": os.path.join(folder, "data"),
        "verify_domains": "*",
    }
    verifyd = daemon.Verifyd(build, folder, settings)
    try:
        verifyd.start()
        command = [verifyd.ctl_program, "-s", settings["control_socket"], "verify", *addresses]
        return subprocess.run(command, stdin=subprocess.DEVNULL).returncode
    finally:
        verifyd.stop()
        block.close()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(prog="quickstart")
    parser.add_argument("--build", required=True)
    parser.add_argument("addresses", nargs="*", metavar="ADDRESS")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(130))
    try:
        if options.addresses:
            return verify_for_real(options.build, options.addresses)
        show_world(options.build)
        return 0
    except KeyboardInterrupt:
        print("\nInterrupted; nothing is left behind.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
