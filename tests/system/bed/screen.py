# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads a guest's text screen from a picture: each character cell is compared with the font of the VGA BIOS."""
import re
import time

from .output import PATIENCE, Failed

COLUMNS, ROWS, HEIGHT = 80, 25, 16
LETTER_A = bytes.fromhex("000010386cc6c6fec6c6c6c600000000")
FONT = "/usr/share/seabios/vgabios-stdvga.bin"


def font():
    """Glyph (16 rows of 8 pixels) to character."""
    with open(FONT, "rb") as file:
        rom = file.read()
    start = rom.index(LETTER_A) - 65 * HEIGHT
    return {rom[start + HEIGHT * code:start + HEIGHT * (code + 1)]: chr(code) for code in range(126, 31, -1)}


def read_ppm(data):
    """Width, height and pixels of a binary PPM picture."""
    fields, at = [], 0
    while len(fields) < 4:
        end = at
        while not data[end:end + 1].isspace():
            end += 1
        fields.append(data[at:end])
        at = end + 1
    if fields[0] != b"P6" or fields[3] != b"255":
        raise ValueError(f"no picture: {data[:20]!r}")
    return int(fields[1]), int(fields[2]), data[at:]


def text_of(ppm):
    """The lines of an 80x25 text screen; a cell that is no known character is '?'."""
    width, height, pixels = read_ppm(ppm)
    if width // COLUMNS not in (8, 9) or height != ROWS * HEIGHT:
        raise ValueError(f"no text screen: {width}x{height}")
    cell, glyphs, lines = width // COLUMNS, font(), []
    for row in range(ROWS):
        line = ""
        for column in range(COLUMNS):
            rows = []
            for y in range(row * HEIGHT, (row + 1) * HEIGHT):
                at = (y * width + column * cell) * 3
                rows.append([pixels[at + x * 3:at + x * 3 + 3] for x in range(8)])
            ground = rows[0][0]
            glyph = bytes(sum((pixel != ground) << (7 - x) for x, pixel in enumerate(line_)) for line_ in rows)
            line += glyphs.get(glyph, "?")
        lines.append(line.rstrip())
    return lines


def wait_for(dom0, name, words, path, within=300):
    """Until each of these regular expressions fits a line of the pair's screen; the picture is kept at `path`, its lines returned."""
    end, lines = time.monotonic() + within * PATIENCE, []
    while time.monotonic() < end:
        time.sleep(2)
        if dom0.attempt(f"dxl screenshot {name} /tmp/screen.ppm", within=120)[0]:
            continue
        picture = dom0.fetch("/tmp/screen.ppm")
        try:
            lines = text_of(picture)
        except ValueError as why:
            lines = [str(why)]
        if all(any(re.search(word, line) for line in lines) for word in words):
            with open(path, "wb") as file:
                file.write(picture)
            return lines
    raise Failed(f"{name}'s screen does not show {words}; what is read there:\n" + "\n".join(lines))
