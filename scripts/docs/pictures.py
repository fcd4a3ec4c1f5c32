#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""pictures.py IBID FOLDER: pictures of the command on a terminal, as SVG, for the site's pages.

Each is a real run of IBID on an emulated terminal (pyte), with real programs: a web server that asks for client certificates, and clients that
connect repeatedly. rich draws the terminal's contents. Nothing is edited, so the figures are those of the machine that made them.

`<!-- picture NAME -->` in a page becomes the picture (hooks.py).
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import itertools
import os
import pty
import select
import shutil
import signal
import ssl
import struct
import sys
import tempfile
import termios
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyte
from rich.color import ColorParseError
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from testbed.nginx import Nginx, tls_server  # noqa: E402
from testbed.pki import Standard  # noqa: E402
from testbed.program import free_port  # noqa: E402

COLUMNS = 104
THEME = TerminalTheme(
    (30, 33, 39),
    (215, 218, 224),
    [(30, 33, 39), (224, 108, 117), (152, 195, 121), (229, 192, 123), (97, 175, 239), (198, 120, 221), (86, 182, 194), (215, 218, 224)],
    [(127, 132, 142), (224, 108, 117), (152, 195, 121), (229, 192, 123), (97, 175, 239), (198, 120, 221), (86, 182, 194), (255, 255, 255)],
)
# rich's own format loads a font from another site; these pages load nothing.
FORMAT = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 16px; font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>
{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""
# A client that makes a new context for each visit, as scripts do.
VISITS = """
import ssl, sys, time, urllib.request
url, trust, chain, key = sys.argv[1:]
while True:
    context = ssl.create_default_context(cafile=trust)
    context.load_verify_locations("/etc/ssl/certs/ca-certificates.crt")
    context.load_cert_chain(chain, key)
    urllib.request.urlopen(url, context=context).read()
    time.sleep(0.05)
"""
CONTEXTS = """
import ssl
contexts = [ssl.create_default_context(cafile="/etc/ssl/certs/ca-certificates.crt") for _ in range(30)]
"""


class Terminal:
    def __init__(self, words: Sequence[str], rows: int, folder: Path) -> None:
        self.screen = pyte.Screen(COLUMNS, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.environ.pop("NO_COLOR", None)
            os.environ.update({"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"})
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", rows, COLUMNS, 0, 0))
            os.execvp(words[0], words)

    def watch(self, seconds: float) -> bool:
        """Reads the terminal until the program ends (returns True) or the time is over."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self._fd], [], [], left)[0]:
                return False
            try:
                got = os.read(self._fd, 65536)
            except OSError:
                return True
            if not got:
                return True
            self._stream.feed(got)
        return False

    def end(self) -> int:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGINT)
        self.watch(5)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def colour(name: str) -> str | None:
    if name == "default":
        return None
    with contextlib.suppress(ColorParseError):
        return str(Style.parse(name.replace("brown", "yellow")).color.name)  # type: ignore[union-attr]
    return f"#{name}"


def line_of(screen: pyte.Screen, row: int) -> Text:
    text = Text()
    cells = [screen.buffer[row][column] for column in range(screen.columns)]
    while cells and cells[-1].data == " " and not cells[-1].reverse:
        cells.pop()
    for style, run in itertools.groupby(cells, lambda c: (c.fg, c.bg, c.bold, c.reverse)):
        fg, bg, bold, reverse = style
        text.append("".join(c.data for c in run), Style(color=colour(fg), bgcolor=colour(bg), bold=bold, reverse=reverse))
    return text


def picture(screen: pyte.Screen, title: str, file: Path) -> None:
    lines = [line_of(screen, row) for row in range(screen.lines)]
    while lines and not lines[-1].plain:
        lines.pop()
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor", legacy_windows=False)
    for line in lines:
        console.print(line, soft_wrap=True)
    file.write_text(console.export_svg(title=title, theme=THEME, code_format=FORMAT, unique_id=file.stem))
    assert lines and any(len(line.plain) > 20 for line in lines), f"{title}: nothing is on the terminal"


@contextlib.contextmanager
def web_server(ibid: Path, folder: Path) -> Iterator[list[str]]:
    """nginx with client certificates. Yields the command line of a client."""
    pki = Standard(folder / "pki")
    pki.write_all()
    port = free_port()
    http = tls_server(port, pki.server, verify="on", trust=pki.trust)
    url = f"https://localhost:{port}/"
    stop = threading.Event()

    def visit() -> None:
        while not stop.is_set():
            context = ssl.create_default_context(cafile=str(pki.trust))
            context.load_cert_chain(pki.client.chain, pki.client.key)
            with contextlib.suppress(OSError):
                urllib.request.urlopen(url, context=context, timeout=5).read()

    with Nginx(folder / "nginx", http, workers=2, wrap=[str(ibid), "run", "--"]):
        visitor = threading.Thread(target=visit)
        visitor.start()
        try:
            yield [url, str(pki.trust), str(pki.client.chain), str(pki.client.key)]
        finally:
            stop.set()
            visitor.join()


def draw(ibid: Path, to: Path, work: Path) -> None:
    (work / "visits.py").write_text(VISITS)
    (work / "contexts.py").write_text(CONTEXTS)
    program = "nginx" if shutil.which("nginx") else "curl"
    python = "/usr/bin/python3"
    os.environ["PATH"] = f"{ibid.parent}:{os.environ['PATH']}"

    def shot(name: str, words: Sequence[str], rows: int, seconds: float, ends: bool) -> None:
        terminal = Terminal(words, rows, work)
        ended = terminal.watch(seconds)
        picture(terminal.screen, "$ " + " ".join(words).replace(python, "python3"), to / f"{name}.svg")
        status = terminal.end()
        if ended != ends or (ends and status != 0):
            raise SystemExit(f"pictures.py: '{' '.join(words)}' ended with {status}:\n" + "\n".join(terminal.screen.display))

    shot("doctor", ["ibid", "doctor", program], 40, 30, ends=True)
    shot("measure", ["ibid", "measure", "--rounds", "3", "--", python, "contexts.py"], 20, 120, ends=True)
    if program != "nginx":
        return
    with web_server(ibid, work) as words:
        client = os.posix_spawn(str(ibid), ["ibid", "run", "--", python, str(work / "visits.py"), *words], os.environ)
        try:
            time.sleep(3)
            shot("top", ["ibid", "top", "--interval", "0.5"], 12, 3, ends=False)
        finally:
            os.kill(client, signal.SIGTERM)
            os.waitpid(client, 0)


def main(ibid: Path, to: Path) -> None:
    to.mkdir(parents=True, exist_ok=True)
    for old in to.glob("*.svg"):
        old.unlink()
    with tempfile.TemporaryDirectory(prefix="ibid-pictures-") as name:
        draw(ibid.resolve(), to, Path(name))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
