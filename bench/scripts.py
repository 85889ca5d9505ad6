#!/usr/bin/env python3
"""Gives every account of bench.test an active Sieve script of its own, or takes them away; the server must not run meanwhile.

    bench/scripts.py DATA on|off      DATA: the data folder of the peer kit's "self"

Each text is another one, so that ten thousand programs are compiled and held, as with ten thousand users who wrote one each. What the text does is
what the usual one does: a few rules that look at header fields, of which none or one holds.
"""
import sqlite3
import sys
import time

TEXT = """require ["fileinto", "imap4flags", "mailbox"];
# rules of {login}
if header :contains "List-Id" ["<dev.example.org>", "<ops.example.org>"] {{ fileinto :create "Lists"; stop; }}
if address :domain :is "from" "shop{n}.example" {{ addflag "\\\\Flagged"; }}
if allof (header :contains "subject" "[ticket {n}]", not exists "X-Loop") {{ fileinto :create "Tickets"; stop; }}
if header :matches "subject" "*invoice*" {{ addflag "$invoice"; }}
if size :over 20M {{ discard; stop; }}
keep;
"""


def main() -> None:
    data, how = sys.argv[1:]
    db = sqlite3.connect(f"{data}/accounts.db")
    db.execute("PRAGMA foreign_keys = ON")
    now = int(time.time() * 1000)
    with db:
        db.execute("DELETE FROM sieve_script WHERE Name = 'bench'")
        if how == "on":
            for n, (account, login) in enumerate(db.execute("SELECT Id, UserName FROM account WHERE HasMailbox = 1").fetchall()):
                text = TEXT.format(n=n, login=login).replace("\n", "\r\n").encode()
                script = db.execute("INSERT INTO sieve_script (AccountId, Bytes, ChangedAt, IsActive, Name, Place, Version) VALUES (?, ?, ?, 1, 'bench', 0, 1)", (account, len(text), now)).lastrowid
                db.execute("INSERT INTO sieve_script_version (ScriptId, Version, Content, SavedAt) VALUES (?, 1, ?, ?)", (script, text, now))
    print(db.execute("SELECT count(*) FROM sieve_script WHERE IsActive = 1").fetchone()[0], "active scripts")
    db.close()


if __name__ == "__main__":
    main()
