"""A program on a terminal of its own, and what stands on that terminal's screen.

    with Terminal([HONE, "top"], environment, columns=80, rows=24) as terminal:
        terminal.wait_for("digits")
        terminal.type("q")
        terminal.wait()     # the exit status, or 128 and the signal that ended it

The terminal is a VT100, of which it knows what ncurses uses: TERM is set to that.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

SECONDS = 60
SEQUENCE = re.compile(r"\x1b(?:\[([?0-9;]*)([A-Za-z])|[()].|[=>78MDE]|#8)|\x0f|\x0e")


class Screen:
    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.row = self.column = 0
        self.cells = [[" "] * columns for _ in range(rows)]
        self.top, self.bottom = 0, rows - 1  # the part that scrolls
        self.unknown = []  # sequences that would have commanded the terminal otherwise

    def lines(self):
        return ["".join(row).rstrip() for row in self.cells]

    def feed(self, text):
        at = 0
        while at < len(text):
            found = SEQUENCE.match(text, at)
            if found:
                if found[2]:
                    self.obey(found[1], found[2])
                elif found[0] == "\x1bM":
                    self.up()
                elif found[0] == "\x1bD":
                    self.down()
                at = found.end()
                continue
            self.put(text[at])
            at += 1

    def obey(self, numbers, letter):
        n = [int(x) if x.isdigit() else 0 for x in numbers.lstrip("?").split(";")]
        first = max(n[0], 1)
        if letter in "CDK":  # behind the last column it stands on it
            self.column = min(self.column, self.columns - 1)
        if letter in "Hf":
            self.row = min(first, self.rows) - 1
            self.column = min(max(n[1] if len(n) > 1 else 1, 1), self.columns) - 1
        elif letter == "A":
            self.row = max(self.row - first, 0)
        elif letter == "B":
            self.row = min(self.row + first, self.rows - 1)
        elif letter == "C":
            self.column = min(self.column + first, self.columns - 1)
        elif letter == "D":
            self.column = max(self.column - first, 0)
        elif letter == "K":
            begin, end = (0, self.column + 1) if n[0] == 1 else (self.column, self.columns)
            for column in range(0 if n[0] == 2 else begin, end):
                self.cells[self.row][column] = " "
        elif letter == "J":
            for row in range(self.row + 1 if n[0] == 0 else 0, self.rows):
                self.cells[row] = [" "] * self.columns
            self.cells[self.row][self.column:] = [" "] * (self.columns - self.column)
        elif letter == "r":
            self.top = first - 1
            self.bottom = (n[1] if len(n) > 1 and n[1] else self.rows) - 1
            self.row = self.column = 0
        elif letter not in "mhl":
            self.unknown.append(letter)

    def down(self):
        if self.row == self.bottom:
            del self.cells[self.top]
            self.cells.insert(self.bottom, [" "] * self.columns)
        else:
            self.row = min(self.row + 1, self.rows - 1)

    def up(self):
        if self.row == self.top:
            del self.cells[self.bottom]
            self.cells.insert(self.top, [" "] * self.columns)
        else:
            self.row = max(self.row - 1, 0)

    def put(self, character):
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.down()
        elif character == "\b":
            self.column = max(min(self.column, self.columns - 1) - 1, 0)
        elif character == "\t":
            self.column = min(self.column // 8 * 8 + 8, self.columns - 1)
        elif character < " ":
            self.unknown.append(character)
        else:
            if self.column == self.columns:
                self.column = 0
                self.down()
            self.cells[self.row][self.column] = character
            self.column += 1


def lead(command, environment, slave, tell):
    """Leads the terminal's session, as a shell does, and runs the program in its foreground: only so
    can the program be stopped. Ends with its status."""
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    program = os.fork()
    if program == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(slave, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        for fd in (0, 1, 2):
            os.dup2(slave, fd)
        os.execve(command[0], command, environment)
    os.write(tell, str(program).encode())
    status = os.waitstatus_to_exitcode(os.waitpid(program, 0)[1])
    os._exit(status if status >= 0 else 128 - status)


class Terminal:
    def __init__(self, command, environment, columns=80, rows=24, term="vt100"):
        self.master, slave = pty.openpty()
        self.slave = slave  # kept, to see how the terminal is left
        self.raw = b""
        self.cut = b""
        self.resize(columns, rows, tell=False)
        self.before = termios.tcgetattr(slave)
        told, tell = os.pipe()
        self.leader = os.fork()
        if self.leader == 0:
            lead(command, {**environment, "TERM": term, "LANG": "C.UTF-8"}, slave, tell)
        os.close(tell)
        self.pid = int(os.read(told, 20))
        os.close(told)
        self.status = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.leader, 0)
        os.close(self.master)
        os.close(self.slave)

    def resize(self, columns, rows, tell=True):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen = Screen(columns, rows)
        if tell:
            os.kill(self.pid, signal.SIGWINCH)

    def read(self, seconds):
        """Takes what has come; False: nothing within this time."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            piece = os.read(self.master, 65536)
        except OSError:  # the other end is closed
            return False
        self.raw += piece
        text = self.cut + piece
        for keep in range(min(40, len(text)) + 1):  # a character or a sequence may be cut in two
            whole = text[:len(text) - keep]
            try:
                decoded = whole.decode()
            except UnicodeDecodeError:
                continue
            if re.search(r"\x1b(\[[?0-9;]*)?$", decoded) is None:
                self.cut = text[len(text) - keep:]
                self.screen.feed(decoded)
                break
        return True

    def wait_for(self, *texts, without=()):
        """Until all of the texts stand on the screen, and none of `without`. Returns its lines."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            shown = "\n".join(self.screen.lines())
            if all(t in shown for t in texts) and not any(t in shown for t in without):
                return self.screen.lines()
            self.read(0.1)
        raise AssertionError(f"{texts} without {without} never stood on the screen:\n{shown}")

    def wait_until(self, fact, what):
        """Until `fact()` holds, while the program goes on drawing."""
        deadline = time.monotonic() + SECONDS
        while not fact():
            if time.monotonic() > deadline:
                raise AssertionError(f"never happened: {what}")
            self.read(0.05)

    def type(self, keys):
        os.write(self.master, keys.encode())

    def stop(self):
        """Stops it as Ctrl-Z does."""
        os.kill(self.pid, signal.SIGTSTP)
        self.wait_until(self.is_stopped, "it is stopped")

    def is_stopped(self):
        with open(f"/proc/{self.pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "T"

    def hold_output(self):
        """As Ctrl-S: the program waits in its next write to the terminal. release_output() is Ctrl-Q."""
        termios.tcflow(self.slave, termios.TCOOFF)

    def release_output(self):
        termios.tcflow(self.slave, termios.TCOON)

    def is_writing(self):
        """Whether the program waits in a call whose first argument is its standard output."""
        with open(f"/proc/{self.pid}/syscall", encoding="utf-8") as file:
            return file.read().split()[1:2] == ["0x1"]

    def wait(self):
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.leader, os.WNOHANG)
            if pid != 0:  # the leader ends as the program did
                self.status = os.waitstatus_to_exitcode(status)
                while self.read(0):
                    pass
                return self.status
            self.read(0.05)
        raise AssertionError("it does not end")

    def is_restored(self):
        """Whether the terminal echoes and reads lines as before."""
        return termios.tcgetattr(self.slave)[:4] == self.before[:4]
