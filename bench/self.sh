#!/bin/bash
# Our server as a peer of the bench kit (verbs: start stop adduser wipe pids queue env). bench/peers.sh puts it in its place.
# SELF_IDLE=1: every connection logs in to one account, which may then have as many as there are. Its password is checked against the hash
# once and from memory after that; ten thousand accounts would be ten thousand times 210,000 rounds, and hashing is not what idle-N measures.
# SELF_SERVER: folder of the published server (dotnet publish MailAdmin.Web -c Release -r linux-x64 -o FOLDER).
PEER=self
. "$(dirname "$0")/../lib.sh"
IMAP=$SELF_IMAP IMAPS=$SELF_IMAPS POP3=$SELF_POP3 LMTP=$SELF_LMTP SMTP=$SELF_SMTP
SERVER=${SELF_SERVER:-$BENCH_ROOT/self}/MailAdmin.Web
USERPAT=u%06d@bench.test
[ "${SELF_IDLE:-0}" = 1 ] && USERPAT=u001001@bench.test
listener() {  # listener NUMBER PROTOCOL PORT [tls]
  export "Mail__Listeners__$1__Protocol=$2" "Mail__Listeners__$1__Port=$3" "Mail__Listeners__$1__Address=$BENCH_HOST" "Mail__Listeners__$1__ImplicitTls=${4:-false}"
}
settings() {
  listener 0 Imap "$IMAP"; listener 1 Imap "$IMAPS" true; listener 2 Lmtp "$LMTP"; listener 3 Smtp "$SMTP"; listener 4 Pop3 "$POP3"
  export Mail__DataPath="$DATA" Mail__Listen__0="$BENCH_HOST" Mail__PanelPort="$SELF_HTTP" Mail__PanelTlsPort=-1 Mail__Hostname=mx.bench.test
  export Mail__AllowPlaintextAuth=true Mail__Tls__CertificatePath="$CERT" Mail__Tls__KeyPath="$KEY"
  export Mail__Store__Sync="$([ "${FAST:-0}" = 1 ] && echo false || echo true)"   # FAST=1: filling only, never for measuring
  [ "${SELF_IDLE:-0}" = 1 ] && export Mail__Limits__ConnectionsPerAccount=20000
  export Logging__LogLevel__Default=${SELF_LOG:-Warning}
}
case "${1:-}" in
  start) mk_cert; settings
    setsid "$SERVER" >>"$RUN/log" 2>&1 </dev/null &
    echo $! > "$PIDFILE"; wait_port "$IMAP" 60 && wait_port "$LMTP" ;;
  stop) stop_pid "$PIDFILE" ;;
  adduser) mk_cert; settings
    "$SERVER" domain add bench.test >/dev/null
    "$SERVER" domain add sink.test --relay "$BENCH_HOST:$SINK_SMTP" >/dev/null
    # One hash for all, of the product's default kind (Identity V3: PBKDF2-HMAC-SHA512, 210,000 rounds): how fast passwords are hashed is not what is measured.
    hash=$(python3 -c 'import base64, hashlib, os, struct, sys
salt = os.urandom(16); key = hashlib.pbkdf2_hmac("sha512", sys.argv[1].encode(), salt, 210000, 32)
print(base64.b64encode(struct.pack(">BIII", 1, 2, 210000, 16) + salt + key).decode())' "$BENCH_PASS")
    { echo address,password_hash; users "$2" | sed "s|\$|@bench.test,$hash|"; } > "$RUN/users.csv"
    "$SERVER" account import "$RUN/users.csv" ;;
  wipe) rm -rf "$DATA" "$RUN" ;;
  pids) cat "$PIDFILE" ;;
  queue) sqlite3 "$DATA/partitions/default/index.db" 'select count(*) from queue' ;;
  env) echo "IMAP=$IMAP IMAPS=$IMAPS POP3=$POP3 LMTP=$LMTP SMTP=$SMTP USERPAT=$USERPAT RCPTPAT=u%06d@bench.test DATA=$DATA SPOOL=$DATA" ;;
  *) echo "usage: $0 start|stop|adduser N|wipe|pids|queue|env" >&2; exit 2 ;;
esac
