#!/usr/bin/env python3
"""What a large import costs a running server: memory while it runs, speed, and what the command line shows meanwhile.

    bench/import.py SERVER [--messages 200000] [--work FOLDER] [--kinds maildir,mbox]

SERVER: MailAdmin.Web as published (dotnet publish MailAdmin.Web -c Release -r linux-x64 -o FOLDER), or MailAdmin.Web.dll.
The messages are made once a work folder, by a fixed seed: sizes log-normal with a median of 2.6 kB (the corpus of the peer kit), at most
1 MB; every tenth has an attachment in base64. Each kind is imported into an account of its own; the server is a new one each time. At the end
the store is checked. Needs Python 3 and nothing else; runs some minutes.
"""
import argparse, base64, os, pty, random, re, select, shutil, socket, subprocess, sys, time

PASSWORD = "correct horse battery staple"
WORDS = "the order of mail and time when server answers queue letter list budget minutes report plan week meeting thanks regards".split()
FLAGS = ["", "S", "S", "S", "RS", "FS", "FRS"]


def message(rnd, i):
    size = int(min(1 << 20, rnd.lognormvariate(7.86, 0.9)))   # e^7.86 = 2,590
    head = (f"From: Person {i % 977} <person{i % 977}@example.net>\r\nTo: ann@bench.test\r\nSubject: {' '.join(rnd.choices(WORDS, k=5))} {i}\r\n"
            f"Date: Mon, {1 + i % 28:02} Jun 2026 10:{i % 60:02}:00 +0000\r\nMessage-ID: <{i}.{rnd.randrange(1 << 40)}@example.net>\r\nMIME-Version: 1.0\r\n")
    lines, length = [], 0
    while length < size * (0.3 if i % 10 == 0 else 1):
        line = " ".join(rnd.choices(WORDS, k=rnd.randint(3, 12)))
        lines.append(line)
        length += len(line) + 2
    text = "\r\n".join(lines)
    if i % 10:
        return (head + "Content-Type: text/plain; charset=us-ascii\r\n\r\n" + text + "\r\n").encode()
    part = base64.encodebytes(rnd.randbytes(size // 2)).decode().replace("\n", "\r\n")
    return (head + f'Content-Type: multipart/mixed; boundary="b{i}"\r\n\r\n--b{i}\r\nContent-Type: text/plain\r\n\r\n{text}\r\n--b{i}\r\n'
            f'Content-Type: application/octet-stream; name="f{i}.bin"\r\nContent-Transfer-Encoding: base64\r\n\r\n{part}--b{i}--\r\n').encode()


def generate(kind, path, count):
    done = path + ".done"
    if os.path.exists(done):
        return
    rnd = random.Random(2026)
    if kind == "maildir":
        shutil.rmtree(path, ignore_errors=True)
        for folder in ("cur", "new", "tmp", ".Archive/cur", ".Archive/new", ".Archive/tmp"):
            os.makedirs(os.path.join(path, folder))
    mbox = open(path, "wb") if kind == "mbox" else None
    for i in range(count):
        data = message(rnd, i).replace(b"\r\n", b"\n")
        flags = FLAGS[i % len(FLAGS)]
        if mbox:
            mbox.write(b"From person@example.net Mon Jun  1 10:00:00 2026\n" + re.sub(rb"(?m)^(>*From )", rb">\1", data) + b"\n")
        else:
            folder = "cur" if i % 4 else ".Archive/cur"
            with open(os.path.join(path, folder, f"17800{i:08}.M{i}P1.host:2,{flags}"), "wb") as f:
                f.write(data)
    if mbox:
        mbox.close()
    open(done, "w").close()


def free_offset():
    while True:
        offset = random.randrange(12000, 30000)
        try:
            for port in (25, 143, 465, 587, 24, 993, 1000):
                with socket.socket() as s:
                    s.bind(("127.0.0.1", offset + port))
            return offset
        except OSError:
            continue


def memory(pid):
    fields = dict(re.findall(r"^(Rss\w+|VmRSS|VmHWM):\s+(\d+)", open(f"/proc/{pid}/status").read(), re.M))
    return {name: int(kb) // 1024 for name, kb in fields.items()}


def run(command, kind, path, work, count):
    data = os.path.join(work, "data-" + kind)
    shutil.rmtree(data, ignore_errors=True)
    offset = free_offset()
    env = dict(os.environ, Mail__DataPath=data, Mail__PortOffset=str(offset), Mail__PanelPort=str(offset + 1000), Mail__PanelTlsPort="-1",
               Mail__Hostname="mail.bench.test", Mail__Listen__0="127.0.0.1", Logging__LogLevel__Default="Warning", TERM="xterm")
    log = open(os.path.join(work, f"server-{kind}.log"), "wb")
    server = subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=work)
    try:
        for _ in range(300):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", offset + 143)) == 0:
                    break
            time.sleep(0.2)
        cli = lambda *args, **kw: subprocess.run(command + list(args), env=env, check=True, capture_output=True, text=True, **kw).stdout
        cli("domain", "add", "bench.test")
        cli("account", "add", "ann@bench.test", "--password-stdin", input=PASSWORD)
        time.sleep(2)
        before = memory(server.pid)
        # On a terminal of its own, so that the progress line is written as a person sees it.
        begin = time.monotonic()
        pid, tty = pty.fork()
        if pid == 0:
            os.execvpe(command[0], command + ["mail", "import", "ann@bench.test", path], env)
        samples, said, lines, next_sample, client = [], "", 0, 0, 0
        while True:
            ready, _, _ = select.select([tty], [], [], 0.2)
            if ready:
                try:
                    part = os.read(tty, 65536).decode(errors="replace")
                except OSError:
                    part = ""
                if not part:
                    break
                said = (said + part)[-4000:]
                lines += part.count("\r") - part.count("\r\n")
            now = time.monotonic() - begin
            if now >= next_sample:
                seen = re.findall(r"\r\s*([\d,]+) messages", said)
                samples.append((now, int(seen[-1].replace(",", "")) if seen else 0, memory(server.pid)))
                try:
                    client = max(client, memory(pid).get("VmRSS", 0))
                except OSError:
                    pass
                next_sample = now + 1
        _, status = os.waitpid(pid, 0)
        took = time.monotonic() - begin
        after = memory(server.pid)
        time.sleep(60)
        rested = memory(server.pid)
        last = re.sub(r"\x1b\[K", "", said).replace("\r", "\n").strip().splitlines()[-1]
        check = cli("store", "check")
        print(f"\n## {kind}: exit {os.waitstatus_to_exitcode(status)}, {took:.0f} s, {count / took:,.0f} messages/s, progress written {lines} times\n")
        print(f"`{last}`\n\n| s | messages | own memory of the server, MB (RssAnon) | with mapped files (VmRSS) |\n|---|---|---|---|")
        print(f"| before | 0 | {before['RssAnon']} | {before['VmRSS']} |")
        tenth = 0
        for when, messages, use in samples:
            if messages >= tenth * count / 10:
                print(f"| {when:.0f} | {messages:,} | {use['RssAnon']} | {use['VmRSS']} |")
                tenth = messages * 10 // count + 1
        print(f"| end, {took:.0f} | {count:,} | {after['RssAnon']} | {after['VmRSS']} |\n| 60 s later | | {rested['RssAnon']} | {rested['VmRSS']} |")
        print(f"\nHighest: {max(u['RssAnon'] for _, _, u in samples)} MB own, {rested['VmHWM']} MB with mapped files; the command line: {client} MB.")
        print(f"`{check.strip().splitlines()[-1]}`", flush=True)
    finally:
        server.terminate()
        server.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("server")
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--work", default="/tmp/mailadmin-import")
    parser.add_argument("--kinds", default="maildir,mbox")
    args = parser.parse_args()
    os.makedirs(args.work, exist_ok=True)
    server = os.path.abspath(args.server)
    command = ["dotnet", server] if server.endswith(".dll") else [server]
    for kind in args.kinds.split(","):
        path = os.path.join(args.work, kind + (f"-{args.messages}.mbox" if kind == "mbox" else f"-{args.messages}"))
        generate(kind, path, args.messages)
        run(command, kind, path, args.work, args.messages)


if __name__ == "__main__":
    sys.exit(main())
