#!/bin/sh
# Publishes three editions of an invented source and shows what became of them.
# Usage: demo.sh (with CAUCE naming the program; the dataset goes to a temporary folder)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cauce=${CAUCE:-$here/../build/cauce}
GAUGES_STORE=$(mktemp -d "${TMPDIR:-/tmp}/cauce-demo.XXXXXX")
export GAUGES_STORE
trap 'rm -rf "$GAUGES_STORE"' EXIT

show() {
    printf '\n\033[1m$ cauce %s\033[0m\n' "$*" | sed "s#$here/##g"
    "$cauce" "$@"
}
[ -t 1 ] || show() {
    printf '\n$ cauce %s\n' "$*" | sed "s#$here/##g"
    "$cauce" "$@"
}

cd "$here"
echo "Three editions of an invented source, one after the other (examples/gauges.yml):"
show run gauges.yml --source gauges/1-wednesday.csv
show run gauges.yml --source gauges/2-friday.csv
show run gauges.yml --source gauges/2-friday.csv
show run gauges.yml --source gauges/3-saturday.csv
echo
echo "What is there now:"
show log gauges.yml
show read gauges.yml --limit 6
show verify gauges.yml --data
