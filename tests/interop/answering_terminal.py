"""Runs a program in a terminal that answers, always the same, when it is asked what it can, and tells what came of it.

usage: answering_terminal.py ANSWER PROGRAM ARGUMENT...; ANSWER has the escapes of Python's strings
"""

import json
import os
import pty
import sys
import termios

answer = sys.argv[1].encode().decode("unicode_escape").encode()
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
before = termios.tcgetattr(terminal)
output = b""
answered = 0
while True:
    try:
        output += os.read(terminal, 65536)
    except OSError:
        # The program has closed the terminal.
        break
    if len(output) > answered and output.endswith(b"\x1b[c"):
        answered = len(output)
        os.write(terminal, answer)
    try:
        after = termios.tcgetattr(terminal)
    except termios.error:
        break
print(
    json.dumps(
        {
            "asked": answered > 0,
            "restored": after == before,
            "answer_is_shown": bool(answer) and answer in output,
            "kitty": b"\x1b_Ga=T" in output,
            "sixel": b"\x1bPq" in output,
            "blocks": "▀".encode() in output,
            "code": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]),
        }
    )
)
