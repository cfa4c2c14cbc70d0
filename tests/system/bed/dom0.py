# SPDX-License-Identifier: GPL-2.0-or-later
"""dom0 as its administrator sees it: a shell over ssh, domains, consoles."""
import os
import shlex
import shutil
import subprocess
import tempfile

from .machine import Machine
from .output import PATIENCE, Dialogue, Failed, tail

BOOT_LIMIT = 600


class Dom0:
    def __init__(self, images, folder, payload=None, verbose=False):
        self.machine = Machine(images, folder, payload, verbose=verbose)
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
        """Until systemd says that ssh is up and a login works."""
        self.machine.start()
        self.machine.serial.wait("dom0-ready", BOOT_LIMIT, self.machine.alive)
        self.run("true", within=300)

    def attempt(self, command, within=120, stdin=None):
        """Runs a shell command in dom0; returns (exit status, output and errors together)."""
        self.machine.require_alive()
        try:
            done = subprocess.run(self.ssh() + [command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=within * PATIENCE, input=stdin,
                                  stdin=subprocess.DEVNULL if stdin is None else None, check=False)
        except subprocess.TimeoutExpired as late:
            said = (late.stdout or b"").decode("utf-8", "replace")
            self.machine.require_alive()
            raise Failed(f"`{command}` in dom0 did not end within {within} s\n{tail(said)}\n"
                         f"  serial line ({self.machine.serial.path}):\n{tail(self.machine.serial.text(), 12)}") from late
        self.note(f"# {command}\n{done.stdout.decode('utf-8', 'replace')}[{done.returncode}]\n")
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def run(self, command, within=120, stdin=None):
        """The same, and the command must succeed; returns its output."""
        status, said = self.attempt(command, within, stdin)
        if status != 0:
            self.machine.require_alive()
            raise Failed(f"`{command}` in dom0 gave status {status}\n{tail(said)}")
        return said

    def write(self, path, text):
        self.run(f"cat >{shlex.quote(path)}", stdin=text.encode())

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
        self.disconnect()
        self.machine.stop()
