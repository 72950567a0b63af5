"""The examples of the manual pages as a reader sees them, and the blocks of README."""

import html.parser
import os
import re
import subprocess

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


class Example:
    """`place`: page and heading, for messages; `text`: as it is rendered."""

    def __init__(self, place, text):
        self.place = place
        self.text = text

    @property
    def first_line(self):
        return self.text.splitlines()[0].strip()

    def files(self):
        """{path: text}: a line "# /a/file" is the head of that file. Text before the first head belongs to the file ""."""
        before, *rest = re.split(r"^# (/\S+)\n", self.text, flags=re.MULTILINE)
        return {**({"": before} if before.strip() else {}), **dict(zip(rest[::2], rest[1::2]))}


class _Page(html.parser.HTMLParser):
    """Collects what mandoc(1) renders as a display: a block (.Bd -literal) or a line (.Dl)."""

    def __init__(self, name):
        super().__init__()
        self.examples = []
        self.headings = []
        self._name = name
        self._heading = None
        self._text = None
        self._display = 0  # depth of div elements within a display
        self._in_heading = False

    def handle_starttag(self, tag, attributes):
        names = (dict(attributes).get("class") or "").split()
        if tag in ("h1", "h2"):
            self._heading, self._in_heading = "", True
        elif tag == "div" and (self._display or "Bd" in names):
            self._display += 1
        elif self._display and tag in ("pre", "code"):
            self._text = ""

    def handle_endtag(self, tag):
        if tag in ("h1", "h2"):
            self._in_heading = False
            self.headings.append(" ".join(self._heading.split()))
        elif tag == "div" and self._display:
            self._display -= 1
        elif self._text is not None and tag in ("pre", "code"):
            # A .Dl is one line, which mandoc fills.
            text = " ".join(self._text.split()) if tag == "code" else self._text.strip("\n")
            self.examples.append(Example(f"{self._name}, {' '.join(self._heading.split())}", text))
            self._text = None

    def handle_data(self, data):
        if self._in_heading:
            self._heading += data
        if self._text is not None:
            self._text += data


def _page(name):
    rendered = subprocess.run(
        ["mandoc", "-Thtml", "-O", "fragment", os.path.join(SOURCE, "man", name)],
        check=True, capture_output=True, text=True, timeout=30,
    )
    page = _Page(name)
    page.feed(rendered.stdout)
    return page


def examples_of_page(name):
    return _page(name).examples


def rendered_headings(name):
    return _page(name).headings


def written_headings(name):
    with open(os.path.join(SOURCE, "man", name), encoding="ascii") as file:
        return [match.replace("\\&", "") for match in re.findall(r"^\.S[hs] (.*)$", file.read(), flags=re.MULTILINE)]


def pages():
    return sorted(os.listdir(os.path.join(SOURCE, "man")))


def recipe(heading):
    """{path: text} of all files under this heading of GATEWAY RECIPES."""
    files = {}
    for example in examples_of_page("verifyd.8"):
        if example.place == f"verifyd.8, {heading}":
            for path, text in example.files().items():
                files[path] = files.get(path, "") + text
    if not files:
        raise KeyError(heading)
    return files


def settings_in(text):
    """{name: value} of a piece of main.cf or verifyd.cf."""
    settings = {}
    for line in text.splitlines():
        if line[:1].isspace():
            settings[next(reversed(settings))] += "\n" + line
        elif line and not line.startswith("#"):
            name, _, value = line.partition("=")
            settings[name.strip()] = value.strip()
    return settings


def blocks_of_readme():
    with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as file:
        parts = re.split(r"^```.*\n", file.read(), flags=re.MULTILINE)
    examples = []
    heading = ""
    for number, part in enumerate(parts):
        if number % 2:
            examples.append(Example(f"README.md, {heading}", part.rstrip("\n")))
        else:
            heading = (re.findall(r"^#+ (.*)$", part, flags=re.MULTILINE) or [heading])[-1]
    return examples


def all_examples():
    return [example for page in pages() for example in examples_of_page(page)] + blocks_of_readme()
