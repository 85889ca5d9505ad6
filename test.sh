#!/usr/bin/env bash
# Installs what the tests need, builds with warnings as errors, checks the formatting, runs all tests.
# The last line is "N passed, N failed". Runs as root on Debian 12 with the .NET 10 SDK (a test mounts a small tmpfs).
#   ./test.sh [FILTER]     FILTER as for dotnet test, e.g. FullyQualifiedName~Imap
set -uo pipefail
cd "$(dirname "$0")"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en MSBUILDDISABLENODEREUSE=1

fail() { echo "test.sh: $1"; echo "0 passed, 1 failed"; exit 1; }

# Real programs that the tests drive, and what builds the library that watches a process's writes.
# php-cgi stands before Roundcube, which would bring Apache without it; PHP's own web server is what serves it here.
packages=(chromium cyrus-admin swaks libnet-ssleay-perl libauthen-sasl-perl isync libsasl2-modules mutt curl offlineimap3 fetchmail getmail6 mpop imapfilter sieve-connect php-cgi roundcube-core roundcube-plugins roundcube-sqlite3 openssl python3 python3-spf python3-dnspython python3-dkim python3-nacl gcc libc6-dev libsqlite3-0 sqlite3 zbar-tools procps mount util-linux ca-certificates)
command -v npm >/dev/null || packages+=(nodejs npm)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    export DEBIAN_FRONTEND=noninteractive
    (apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}") >/tmp/mailadmin-apt.log 2>&1 ||
        fail "apt-get could not install ${missing[*]}: $(tail -n 3 /tmp/mailadmin-apt.log | tr '\n' ' ')"
fi

# The client of MailAdmin.Tests/Imap/RealClientTests.cs that is no Debian package; versions are in its lock file.
if [ ! -d tools/imapflow/node_modules/imapflow ]; then
    npm ci --prefix tools/imapflow --ignore-scripts --no-audit --no-fund --silent || fail "npm: imapflow is not to be had"
fi

# What pages are held against.
if [ ! -d tools/axe/node_modules/axe-core ]; then
    npm ci --prefix tools/axe --ignore-scripts --no-audit --no-fund --silent || fail "npm: axe-core is not to be had"
fi

dotnet restore --locked-mode --verbosity quiet || fail "dotnet restore: the packages of the lock files are not to be had"
dotnet build --no-restore --configuration Release --verbosity quiet || fail "the build has errors"
if [ $# -eq 0 ]; then
    dotnet format --no-restore --verify-no-changes --verbosity quiet || fail "dotnet format: run it and commit what it changes"
fi

# Folders of tests are in memory where there is enough of it: thousands of small databases are made, and a disk's syncs are most of their time.
# What is killed or cut from its power stays on the disk (TempFolder.OnDisk).
export MAILADMIN_TEST_DISK="${TMPDIR:-/tmp}"
memory=$(mktemp -d)
if [ "$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)" -gt 8000000 ] && mount -t tmpfs -o size=3g,mode=1777 tmpfs "$memory" 2>/dev/null; then
    export TMPDIR="$memory"
    trap 'umount -l "$memory"; rmdir "$memory"' EXIT
else
    rmdir "$memory"
fi

log=$(mktemp)
dotnet test MailAdmin.Tests --no-build --configuration Release --logger "console;verbosity=normal" \
    --blame-hang-timeout 10m --results-directory artifacts/test ${1:+--filter "$1"} 2>&1 | tee "$log" | grep -vE '^\s*Passed '
passed=$(grep -cE '^ *Passed [^ ]' "$log")
failed=$(grep -cE '^ *Failed [^ ]' "$log")
skipped=$(grep -cE '^ *Skipped [^ ]' "$log")
# A test host that died has failed, whatever it counted before.
if ! grep -qE '^(Test Run Successful|Test Run Failed)' "$log"; then failed=$((failed + 1)); fi
rm -f "$log"
if [ "$skipped" -gt 0 ]; then echo "$passed passed, $failed failed, $skipped skipped"; else echo "$passed passed, $failed failed"; fi
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
