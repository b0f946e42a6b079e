"""Find Chromium for the tests that read the built book, or get it.

    python tools/browser.py

Tried in this order: the program named by ``CHROMIUM``; one on the ``PATH``; Debian's package, where apt is
there and may be used; the one that Playwright downloads.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

# The shell is the same browser without windows and menus: a page takes it three fifths of the time.
SHELL = "chromium-headless-shell"
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

# Root may not use Chromium's sandbox, and containers seldom have room in /dev/shm.
OPTIONS = ("--no-sandbox", "--disable-dev-shm-usage")


class NoBrowser(Exception):
    """There is no Chromium here, and none could be had; the message says what was tried."""


def installed() -> str | None:
    """Path of a Chromium that is already here, if there is one.

    Raises:
        NoBrowser: ``CHROMIUM`` names a program that does not exist.
    """
    if named := os.environ.get("CHROMIUM"):
        if found := shutil.which(named):
            return found
        raise NoBrowser(f"CHROMIUM is set to {named!r}, which is not a program")
    return next(filter(None, map(shutil.which, NAMES)), None)


def downloaded() -> str | None:
    """Path of the Chromium that Playwright has downloaded, if it has."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if os.path.exists(path) else None


def run(command: Sequence[str]) -> str:
    """Run a command that fetches a browser; what went wrong, or nothing."""
    print("getting a browser:", *command, flush=True)
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode == 0:
        return ""
    last_words = "\n".join(f"    {line}" for line in result.stdout.strip().splitlines()[-5:])
    return f"`{' '.join(command)}` ended with status {result.returncode}:\n{last_words}"


def from_apt() -> str:
    """Install Debian's Chromium; why not, or nothing."""
    if shutil.which("apt-get") is None:
        return "no apt-get here"
    if os.geteuid() != 0:
        return "only root may install Debian's chromium"
    install = ["apt-get", "install", "-y", "-qq"]
    if problem := run(["apt-get", "update", "-qq"]):
        return problem
    return run([*install, SHELL]) and run([*install, "chromium"])  # older systems have no shell


def from_playwright() -> str:
    """Download Playwright's Chromium; why not, or nothing."""
    return run([sys.executable, "-m", "playwright", "install", "chromium"])


def browser() -> str:
    """Path of a Chromium, fetched if need be.

    Raises:
        NoBrowser: none is here and none could be had.
    """
    if found := installed() or downloaded():
        return found
    tried = []
    for fetch, find in ((from_apt, installed), (from_playwright, downloaded)):
        if problem := fetch():
            tried.append(problem)
        elif found := find():
            return found
    reasons = "\n".join(f"- {problem}" for problem in tried)
    raise NoBrowser(
        "The tests read the built book in Chromium, and none was found or could be installed.\n"
        f"Install one, or set CHROMIUM to the path of one, and run the tests again.\n{reasons}"
    )


if __name__ == "__main__":
    try:
        print(browser())
    except NoBrowser as error:
        sys.exit(str(error))
