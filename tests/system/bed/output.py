# SPDX-License-Identifier: GPL-2.0-or-later
"""Waiting for words.  A deadline here only ends a test that hangs; no test asserts on how long a thing took."""
import os
import re
import select
import subprocess
import time

PATIENCE = float(os.environ.get("DIPTYCH_PATIENCE", "1"))


class Failed(Exception):
    """A test's assertion did not hold; the message is for its reader."""


def readable(text):
    """Without the escape sequences and carriage returns of a terminal."""
    text = re.sub(r"\x1b(\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|[78=>])", "", text)
    return text.replace("\r", "")


def tail(text, lines=25):
    return "\n".join("    | " + line for line in readable(text).splitlines()[-lines:])


class LogFile:
    """A growing file, such as a serial line's."""

    def __init__(self, path):
        self.path = path

    def text(self):
        try:
            with open(self.path, "rb") as file:
                return readable(file.read().decode("utf-8", "replace"))
        except FileNotFoundError:
            return ""

    def wait(self, pattern, within, alive=lambda: True, after=0):
        """Returns the match, looked for from character `after` on; `alive` says whether more can still come, or raises."""
        end = time.monotonic() + within * PATIENCE
        while True:
            more = alive()
            found = re.search(pattern, self.text()[after:])
            if found:
                return found
            if not more:
                raise Failed(f"the machine ended before /{pattern}/ was seen in {self.path}\n{tail(self.text())}")
            if time.monotonic() > end:
                raise Failed(f"/{pattern}/ not seen in {self.path} within {within} s\n{tail(self.text())}")
            time.sleep(0.2)


class Dialogue:
    """A process that is typed to and read from; all that it said is kept in a log file."""

    def __init__(self, argv, log):
        self.log = log
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.unread = ""
        self.file = open(log, "ab")

    def send(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def read(self, seconds):
        """False when the process has closed its output."""
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        if ready:
            data = self.process.stdout.read()
            if not data:
                return data is None
            self.file.write(data)
            self.file.flush()
            self.unread += data.decode("utf-8", "replace")
        return True

    def expect(self, pattern, within, nudge=None):
        """Reads until `pattern` is seen and drops all up to its end.  `nudge` is typed now and then, for
        a console that says nothing until a key is pressed."""
        end = time.monotonic() + within * PATIENCE
        again = time.monotonic() + 5
        more = True
        while True:
            clean = readable(self.unread)
            found = re.search(pattern, clean)
            if found:
                self.unread = clean[found.end():]
                return found
            if not more:
                raise Failed(f"it closed before /{pattern}/ was seen (all of it: {self.log})\n{tail(clean)}")
            if time.monotonic() > end:
                raise Failed(f"/{pattern}/ not seen within {within} s (all of it: {self.log})\n{tail(clean)}")
            if nudge and time.monotonic() > again:
                self.send(nudge)
                again = time.monotonic() + 5
            more = self.read(0.5)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.file.close()
