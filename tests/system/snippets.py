"""The text of packaging/snippets, with the addresses of a test's world."""

import os
import re

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "packaging", "snippets")


def snippet(name, address):
    with open(os.path.join(FOLDER, name), encoding="ascii") as file:
        text = file.read()
    text = re.sub(r"127\.0\.0\.1([:/])(1009\d)", rf"{address}\1\2", text)
    return re.sub(r"(1009\d)@127\.0\.0\.1", rf"\1@{address}", text)


def main_cf_settings(name, address):
    """{name: value} of a snippet for main.cf."""
    settings = {}
    for line in snippet(name, address).splitlines():
        if line[:1].isspace():
            settings[next(reversed(settings))] += " " + line.strip()
        elif line and not line.startswith("#"):
            setting, _, value = line.partition("=")
            settings[setting.strip()] = value.strip()
    return settings
