"""Mail servers that conflict with Postfix: scripts/install-packages unpacks them."""

import glob
import os


def unpacked(package, path):
    """A file of such a package, or a folder."""
    cache = os.path.join(os.environ.get("XDG_CACHE_HOME") or "/var/cache", "verifyd-tests")
    found = sorted(glob.glob(os.path.join(glob.escape(cache), f"{package}-*", path)))
    if not found:
        raise FileNotFoundError(f"no {path} of {package} below {cache}: run scripts/install-packages targets")
    return found[-1]
