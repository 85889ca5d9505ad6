#!/bin/bash
# Puts our server beside the peers of a bench kit, in one run, on one machine.
#   bench/peers.sh KIT setup PEER...                 once a peer: 10,000 users, a mailbox of 100,000 messages
#   bench/peers.sh KIT run REPS SCENARIOS PEER...    scenarios by commas; repetition by repetition, peers in turn; prints medians
# KIT: the folder of the kit (run.py, peers/). State: $BENCH_ROOT, default /tmp/bench. Our server is published anew each time.
set -eu
here=$(cd "$(dirname "$0")" && pwd); kit=$(cd "$1" && pwd); verb=$2; shift 2
export BENCH_ROOT=${BENCH_ROOT:-/tmp/bench} BENCH_MULTI=${BENCH_MULTI:-1}
mkdir -p "$BENCH_ROOT/kit"; cp -r "$kit"/. "$BENCH_ROOT/kit/"; chmod -R u+w "$BENCH_ROOT/kit"
cp "$here/self.sh" "$BENCH_ROOT/kit/peers/self.sh"
[ "${PUBLISH:-1}" = 0 ] || dotnet publish "$here/../MailAdmin.Web" -c Release -r linux-x64 -o "$BENCH_ROOT/self" --verbosity quiet --nologo
cd "$BENCH_ROOT/kit"
case $verb in
  setup) [ -x "$BENCH_ROOT/bin/mailload" ] || ./install.sh
    for peer in "$@"; do ./run.sh "$peer" setup; "peers/$peer.sh" stop || true; done ;;
  run) reps=$1; scenarios=$2; shift 2
    start=$(date +%s)
    for rep in $(seq "$reps"); do
      for peer in "$@"; do
        "peers/$peer.sh" start >/dev/null 2>&1 || true
        for one in ${scenarios//,/ }; do
          export SELF_IDLE=0; [[ $one == idle-* ]] && SELF_IDLE=1   # they start the server anew by themselves
          timeout 170 ./run.sh "$peer" "$one" secs="${SECS:-4}" >/dev/null 2>>"$BENCH_ROOT/peers.err" || echo "rep $rep $peer $one failed" >&2
        done
        "peers/$peer.sh" stop; sleep 1
      done
    done
    python3 "$here/medians.py" "$BENCH_ROOT/results.jsonl" "$start" ;;
  *) sed -n '2,6p' "$0"; exit 2 ;;
esac
