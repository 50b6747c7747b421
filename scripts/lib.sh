# shellcheck shell=bash
# What the scripts share: sourced, never run.  Everything a person reads goes to
# stderr; stdout is left to the programs.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
TOOLS=$ROOT/.tools
# shellcheck disable=SC2034 # used by the scripts that source this file
PYTHON=$TOOLS/venv/bin/python
ME=${0##*/}

say() { printf '%s: %s\n' "$ME" "$*" >&2; }
die() { say "error: $*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# Runs its arguments as root.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif have sudo; then
		sudo "$@"
	else
		die "not root and no sudo: run as root once: $*"
	fi
}

# Runs its arguments with their output in a log that is shown only on failure.
quietly() {
	local log
	log=$(mktemp)
	if ! "$@" >"$log" 2>&1; then
		tail -n 60 "$log" >&2
		rm -f "$log"
		return 1
	fi
	rm -f "$log"
}

# version_at_least HAVE WANT: dotted versions, compared as sort -V does.
version_at_least() {
	[ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# installed PACKAGE: true when dpkg has it in full.
installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}
