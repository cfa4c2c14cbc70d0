# SPDX-License-Identifier: GPL-2.0-or-later
"""A screen without a monitor on the outer machine, and a hand on its mouse: what is there is found by the names that
programs give to assistive technology, and clicked where it is drawn.  Pictures of it are kept."""
import os
import subprocess
import time

from . import packages as debian
from .output import PATIENCE, Failed
from .screen import read_ppm

PACKAGES = "xvfb xdotool imagemagick dbus at-spi2-core python3-pyatspi adwaita-icon-theme"
SIZE = "1280x900"


class Desktop:
    """folder: for pictures, logs and what programs keep for their user; programs: a folder of such that come first."""

    def __init__(self, folder, programs):
        debian.need(PACKAGES)
        self.folder, self.processes, self.accessibility = folder, [], None
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self.environment = dict(
            os.environ, PATH=f"{programs}:{os.environ['PATH']}", HOME=folder, XDG_RUNTIME_DIR=folder, XDG_CACHE_HOME=folder, XDG_CONFIG_HOME=folder, LANG="C.UTF-8",
            GDK_BACKEND="x11", GSETTINGS_BACKEND="memory", GTK_MODULES="gail:atk-bridge", NO_AT_BRIDGE="0", GTK_THEME="Adwaita")
        with self.start("Xvfb", "-displayfd", "1", "-screen", "0", SIZE + "x24", "-nolisten", "tcp",
                        stdout=subprocess.PIPE).stdout as number:
            self.environment["DISPLAY"] = ":" + number.readline().decode().strip()
        with self.start("dbus-daemon", "--session", "--nofork", "--print-address=1", stdout=subprocess.PIPE).stdout as address:
            self.environment["DBUS_SESSION_BUS_ADDRESS"] = address.readline().decode().strip()
        self.start("/usr/libexec/at-spi-bus-launcher", "--launch-immediately")
        os.environ.update({name: self.environment[name] for name in ("DISPLAY", "DBUS_SESSION_BUS_ADDRESS")})
        import pyatspi  # pylint: disable=import-outside-toplevel # it looks for the session at once
        self.accessibility = pyatspi

    def start(self, *command, stdout=None):
        name = os.path.basename(command[0])
        with open(os.path.join(self.folder, name + ".log"), "ab") as log:
            made = subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL, stdout=stdout or log, stderr=log)
        self.processes.append(made)
        return made

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    # What is there --------------------------------------------------------------------------------

    def things(self, window=""):
        """All that is there, in windows whose name begins so: (role, name, its place where it is shown, the thing)."""
        stack = [frame for app in self.accessibility.Registry.getDesktop(0) if app
                 for frame in app if frame and (frame.name or "").startswith(window)]
        while stack:
            thing = stack.pop()
            try:
                states = thing.getState()
                children = [child for child in thing if child]
                role, name = thing.getRoleName(), thing.name
                shown = states.contains(self.accessibility.STATE_SHOWING)
                place = thing.queryComponent().getExtents(self.accessibility.DESKTOP_COORDS) if shown else None
            except Exception:  # pylint: disable=broad-except # it went away while it was looked at
                continue
            stack.extend(children)
            yield role, name, place, thing

    def text(self):
        return "\n".join(f"{role} {name!r}" for role, name, place, _ in self.things() if name and place)

    def find(self, role, fits, window="", within=60):
        """The first thing of that role that is shown and whose name fits (a text it begins with, or a function)."""
        check = fits if callable(fits) else lambda name: name.startswith(fits)
        end = time.monotonic() + within * PATIENCE
        while True:
            for its_role, name, place, thing in self.things(window):
                if its_role == role and place and place.width > 1 and check(name):
                    return place, thing
            if time.monotonic() > end:
                self.picture("not-found")
                raise Failed(f"no {role} {fits!r} is shown; there are:\n{self.text()}")
            time.sleep(0.3)

    # What a hand does ------------------------------------------------------------------------------

    def hand(self, *words):
        subprocess.run(["xdotool", *map(str, words)], env=self.environment, check=True, timeout=60)

    def click(self, role, fits, window="", times=1, within=60, right=None):
        """In its middle, or so many pixels from its left edge, once it can be."""
        place, thing = self.find(role, fits, window, within)
        end = time.monotonic() + within * PATIENCE
        while not thing.getState().contains(self.accessibility.STATE_SENSITIVE):
            if time.monotonic() > end:
                self.picture("not-sensitive")
                raise Failed(f"{role} {fits!r} cannot be clicked")
            time.sleep(0.3)
        self.hand("mousemove", place.x + (right or place.width // 2), place.y + place.height // 2)
        time.sleep(0.3)
        self.hand("click", "--repeat", times, "--delay", 80, 1)
        time.sleep(0.3)

    def write(self, text):
        self.hand("type", "--delay", 30, text)

    # Pictures --------------------------------------------------------------------------------------

    def picture(self, name):
        """Keeps it as PNG; returns width, height and pixels."""
        path = os.path.join(self.folder, name)
        subprocess.run(["import", "-window", "root", path + ".png"], env=self.environment, check=True, timeout=60)
        subprocess.run(["convert", path + ".png", "-depth", "8", path + ".ppm"], env=self.environment, check=True, timeout=60)
        with open(path + ".ppm", "rb") as file:
            return read_ppm(file.read())

    def shows(self, name, part, least=100):
        """Whether a picture of the screen, kept by that name, has at least so many lines of another one in it, side by
        side with their neighbours, as a window shows it that is not as high."""
        width, height, pixels = self.picture(name)
        inner, rows, inside = part
        lines = [inside[3 * inner * y:3 * inner * (y + 1)] for y in range(rows)]
        # One that is hardly anywhere else.
        first = max(range(rows), key=lambda y: len(set(lines[y][i:i + 3] for i in range(0, 3 * inner, 3))) + (lines[y] != lines[0]))
        at = pixels.find(lines[first])
        while at >= 0 and at % 3:
            at = pixels.find(lines[first], at + 1)
        if at < 0:
            return False
        x, y = at // 3 % width, at // 3 // width - first
        same = sum(pixels[3 * (width * (y + row) + x):][:3 * inner] == lines[row]
                   for row in range(rows) if 0 <= y + row < height)
        return same >= least
