#!/usr/bin/env python3
"""What a logged-in IMAP session with a selected mailbox costs in memory, many of them at once.

    sessions.py PORT PID USER PASSWORD COUNT [tls]

Logs in COUNT times, selects INBOX and idles; prints the server's proportional set size before, with one session, and with all.
127.0.0.1 only. The password is checked against its hash once and from memory after that. The server needs
Mail:Limits:ConnectionsPerAccount of COUNT or more (bench/self.sh: SELF_IDLE=1)."""
import asyncio
import ssl
import sys


def pss(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Pss:"))


async def session(port, user, password, context):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, limit=1 << 16)
    await reader.readline()
    for tag, command in (("a", f"LOGIN {user} {password}"), ("b", "SELECT INBOX"), ("c", "IDLE")):
        writer.write(f"{tag} {command}\r\n".encode())
        while not (line := await reader.readline()).startswith((tag.encode() + b" ", b"+ ")):
            if not line:
                raise SystemExit("the server closed the connection: are so many allowed?")
        if line.split(b" ")[1] in (b"NO", b"BAD"):
            raise SystemExit(line.decode())
    return writer


async def main(port, pid, user, password, count, tls):
    context = None
    if tls:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    before = pss(pid)
    held = [await session(port, user, password, context)]
    await asyncio.sleep(5)
    one = pss(pid)
    while len(held) < count:
        held += await asyncio.gather(*(session(port, user, password, context) for _ in range(min(50, count - len(held)))))
    await asyncio.sleep(10)
    everyone = pss(pid)
    print(f"before {before / 1024:.1f} MB, one {one / 1024:.1f} MB, {count} {everyone / 1024:.1f} MB: "
          f"{(everyone - one) / max(1, count - 1):.1f} kB each more, {everyone / one:.2f} times one")


asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]), len(sys.argv) > 6))
