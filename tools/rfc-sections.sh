#!/bin/sh
# Lists the section numbers of RFC texts, one text a line: what MailAdmin.Tests/Architecture checks citations against.
#   tools/rfc-sections.sh FOLDER > MailAdmin.Tests/Data/rfc-sections.txt
for text in "$1"/rfc*.txt; do
    printf '%s:' "$(basename "$text" .txt | tr -d 'a-z')"
    sed -nE 's/^ {0,3}([0-9]+(\.[0-9]+)*)\.?[[:space:]]+[^[:space:]].*/\1/p; s/^ {0,3}Appendix ([A-Z](\.[0-9]+)*).*/\1/p; s/^ {0,3}([A-Z](\.[0-9]+)+)\.?[[:space:]]+[^[:space:]].*/\1/p; s/^ {0,3}([0-9]+(\.[0-9]+)*)\.?$/\1/p' "$text" |
        sort -u -V | tr '\n' ' ' | sed 's/^/ /'
    echo
done
