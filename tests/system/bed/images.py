# SPDX-License-Identifier: GPL-2.0-or-later
"""Images come from ../images.sh, which builds what the cache does not have."""
import os
import subprocess
import sys

SCRIPT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "images.sh")


def image(name, *arguments):
    """The folder that holds the image."""
    done = subprocess.run([SCRIPT, name, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.exit(f"error: image {name} could not be built")
    return done.stdout.decode().strip()
