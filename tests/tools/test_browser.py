"""Where the tests' browser comes from, on machines that have one and on machines that do not."""

import shutil

import browser
import pytest


@pytest.fixture
def machine(monkeypatch):
    """A machine without a browser, on which every command to fetch one is only noted."""

    class Machine:
        programs: dict[str, str] = {}
        playwrights: str | None = None
        asked: list[str] = []
        fails: tuple[str, ...] = ()
        user = 0

        def run(self, command):
            line = " ".join(command)
            self.asked.append(line)
            if any(word in line for word in self.fails):
                return f"`{line}` ended with status 100:\n    no network"
            if "install -y" in line:
                self.programs[command[-1]] = f"/usr/bin/{command[-1]}"
            if "playwright" in line:
                self.playwrights = "/home/.cache/chromium"
            return ""

    made = Machine()
    made.programs, made.asked = {}, []
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: made.programs.get(name))
    monkeypatch.setattr(browser, "downloaded", lambda: made.playwrights)
    monkeypatch.setattr(browser, "run", made.run)
    monkeypatch.setattr(browser.os, "geteuid", lambda: made.user)
    return made


@pytest.mark.parametrize("name", ["chromium", "chromium-browser", "google-chrome"])
def test_a_browser_on_the_path_is_taken(machine, name):
    machine.programs = {name: f"/somewhere/{name}", "apt-get": "/usr/bin/apt-get"}
    assert browser.browser() == f"/somewhere/{name}"
    assert machine.asked == []


def test_the_browser_named_in_the_environment_comes_first(machine, monkeypatch):
    machine.programs = {"chromium": "/usr/bin/chromium", "/opt/mine": "/opt/mine"}
    monkeypatch.setenv("CHROMIUM", "/opt/mine")
    assert browser.browser() == "/opt/mine"
    monkeypatch.setenv("CHROMIUM", "/opt/none")
    with pytest.raises(browser.NoBrowser, match="'/opt/none', which is not a program"):
        browser.browser()


def test_one_downloaded_before_is_taken(machine):
    machine.playwrights = "/home/.cache/chromium"
    assert browser.browser() == "/home/.cache/chromium"
    assert machine.asked == []


def test_root_with_apt_installs_debians(machine):
    machine.programs = {"apt-get": "/usr/bin/apt-get"}
    assert browser.browser() == "/usr/bin/chromium-headless-shell"
    assert machine.asked == ["apt-get update -qq", "apt-get install -y -qq chromium-headless-shell"]


def test_a_debian_without_the_shell_installs_the_whole_browser(machine):
    machine.programs = {"apt-get": "/usr/bin/apt-get"}
    machine.fails = ("headless-shell",)
    assert browser.browser() == "/usr/bin/chromium"
    assert machine.asked[-1] == "apt-get install -y -qq chromium"


def test_the_shell_is_taken_before_the_whole_browser(machine):
    machine.programs = {name: f"/usr/bin/{name}" for name in ("chromium", "chromium-headless-shell")}
    assert browser.browser() == "/usr/bin/chromium-headless-shell"
    assert machine.asked == []


def test_others_download_playwrights(machine):
    machine.programs = {"apt-get": "/usr/bin/apt-get"}
    machine.user = 1000
    assert browser.browser() == "/home/.cache/chromium"
    assert [line.split(" ", 1)[1] for line in machine.asked] == ["-m playwright install chromium"]


def test_a_failure_of_apt_is_followed_by_playwright(machine):
    machine.programs = {"apt-get": "/usr/bin/apt-get"}
    machine.fails = ("apt-get install",)
    assert browser.browser() == "/home/.cache/chromium"


def test_without_any_browser_the_error_says_what_was_tried(machine):
    machine.programs = {"apt-get": "/usr/bin/apt-get"}
    machine.fails = ("apt-get", "playwright")
    with pytest.raises(browser.NoBrowser) as error:
        browser.browser()
    told = str(error.value)
    assert "set CHROMIUM" in told
    assert "`apt-get update -qq` ended with status 100" in told
    assert "playwright install chromium` ended with status 100" in told
    assert "no network" in told
