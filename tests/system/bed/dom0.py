# SPDX-License-Identifier: GPL-2.0-or-later
"""dom0 as its administrator sees it: a shell over ssh, domains, consoles."""
import os
import shlex
import shutil
import subprocess
import tempfile
import time

from .machine import Machine, Setup
from .output import PATIENCE, Dialogue, Failed, tail

BOOT_LIMIT = 600


class Dom0:
    def __init__(self, images, folder, payload=None, verbose=False, cpus=1, setup=Setup()):
        self.machine = Machine(images, folder, payload, verbose=verbose, cpus=cpus, setup=setup)
        self.folder = folder
        self.sockets = tempfile.mkdtemp(prefix="diptych-")
        self.dialogues = []

    def plain_ssh(self):
        return ["ssh", "-F", "/dev/null", "-i", f"{self.machine.images.dom0}/id", "-p", str(self.machine.ssh_port),
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]

    def ssh(self, *options):
        return self.plain_ssh() + [
            "-o", "BatchMode=yes", "-o", "ConnectTimeout=120", "-o", "ControlMaster=auto",
            "-o", f"ControlPath={self.sockets}/c", "-o", "ControlPersist=yes", *options, "root@127.0.0.1"]

    def boot(self):
        """Until systemd says that ssh is up, a login works and Xen's daemons have started, where there are any."""
        self.machine.start()
        self.machine.serial.wait("dom0-ready", BOOT_LIMIT, self.machine.working)
        self.run("systemctl start xen.service; true", within=300)  # of a unit that is on its way it waits for the end

    def attempt(self, command, within=120, stdin=None):
        """Runs a shell command in dom0; returns (exit status, output and errors together)."""
        self.machine.require_alive()
        start = time.monotonic()
        end = start + within * PATIENCE
        with tempfile.TemporaryFile() as given:  # subprocess forgets what is left of its input when a wait is over
            given.write(stdin or b"")
            given.seek(0)
            process = subprocess.Popen(  # pylint: disable=consider-using-with
                self.ssh() + [command], stdin=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        with process:
            while True:
                try:
                    said = process.communicate(timeout=2)[0].decode("utf-8", "replace")
                    break
                except subprocess.TimeoutExpired as late:
                    try:
                        self.machine.require_alive()
                        if time.monotonic() > end:
                            raise Failed(f"`{command}` in dom0 did not end within {within} s\n"
                                         + tail((late.stdout or b"").decode("utf-8", "replace"))
                                         + f"\n  serial line ({self.machine.serial.path}):\n"
                                         + tail(self.machine.serial.text(), 12)) from late
                    except Failed:
                        process.kill()
                        raise
        self.note(f"# {command}\n{said}[{process.returncode}] after {time.monotonic() - start:.1f} s\n")
        return process.returncode, said

    def diagnosis(self):
        """What dom0 can still tell after a failure, kept beside the other logs."""
        path = os.path.join(self.folder, "diagnosis.log")
        commands = ["xl list -v", "xenstore-ls -f", "dmesg | tail -n 60", "tail -n 40 /var/log/xen/*.log /var/log/diptych/*",
                    "journalctl --no-pager -n 80", "ps ax", "free"]
        try:
            said = self.attempt("; ".join(f"echo '### {c}'; timeout 20 sh -c '{c}' 2>&1" for c in commands), within=90)[1]
        except Failed as why:
            said = f"dom0 answers no more: {why}\n"
        with open(path, "a", encoding="utf-8") as file:
            file.write(said)
        return path

    def run(self, command, within=120, stdin=None):
        """The same, and the command must succeed; returns its output."""
        status, said = self.attempt(command, within, stdin)
        if status != 0:
            self.machine.require_alive()
            raise Failed(f"`{command}` in dom0 gave status {status}\n{tail(said)}")
        return said

    def launch(self, command):
        """Starts a command that may be the last one: nothing is expected of its answer."""
        with open(os.path.join(self.folder, "launched.log"), "ab") as log:
            subprocess.Popen(self.ssh() + [command], stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # pylint: disable=consider-using-with

    def fetch(self, path):
        """The bytes of a file in dom0."""
        return subprocess.run(self.ssh() + [f"cat {shlex.quote(path)}"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              timeout=120 * PATIENCE, check=True).stdout

    def write(self, path, text):
        self.run(f"cat >{shlex.quote(path)}", stdin=text.encode())

    def ask_core(self, key, answer):
        """Stock `xl debug-keys`; returns what the core says on the serial line from the match of `answer` on."""
        before = len(self.machine.serial.text())
        self.run(f"xl debug-keys {key}")
        found = self.machine.serial.wait(answer, 30, self.machine.working, before)
        return self.machine.serial.text()[before + found.start():]

    def note(self, text):
        with open(os.path.join(self.folder, "commands.log"), "a", encoding="utf-8") as log:
            log.write(text)

    def dialogue(self, name, command):
        """An interactive command in dom0 with a terminal, such as `xl console NAME`."""
        made = Dialogue(self.ssh("-tt") + [command], os.path.join(self.folder, f"{name}.console.log"))
        self.dialogues.append(made)
        return made

    def domains(self):
        """Names of all domains, as stock xl lists them."""
        return [line.split()[0] for line in self.run("xl list").splitlines()[1:]]

    def disconnect(self):
        """Leaves the machine running."""
        for dialogue in self.dialogues:
            dialogue.close()
        self.dialogues = []
        subprocess.run(self.ssh("-O", "exit"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       timeout=20, check=False)
        shutil.rmtree(self.sockets, ignore_errors=True)

    def leave(self):
        """Leaves the machine running; returns the command that logs in to it, with its end for a comment."""
        self.disconnect()
        login = " ".join(self.plain_ssh() + ["root@127.0.0.1"])
        return f"{login}   # to end it: kill {self.machine.process.pid}"

    def stop(self):
        try:
            self.disconnect()
        finally:  # ssh may not answer in time: the machine must not outlive that
            self.machine.stop()
