#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# packages.sh OUT: Debian packages from a copy of the tree as git knows it (what is changed and not committed too);
# leaves them in OUT, and nothing of an older run.  debian/README.source says what the build needs.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
[ $# = 1 ] || die "usage: packages.sh OUT"
mkdir -p "$1"
out=$(cd "$1" && pwd)
# autoreconf leaves its tools beside ours: the copy makes its own.
need_packages build-essential debhelper autoconf automake libtool pkg-config check libxen-dev python3 git
export DIPTYCH_CACHE=$cache
rm -rf "$out/source"
rm -f "$out"/*.deb "$out"/*.buildinfo "$out"/*.changes
mkdir "$out/source"
if [ -e "$top/.git" ]; then
	(cd "$top" && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -P -t "$out/source")
else
	(cd "$top" && tar -c --exclude=./build . | tar -x -C "$out/source")
fi
cd "$out/source"
DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS-} parallel=$(nproc)" dpkg-buildpackage -b -us -uc
rm -rf "$out/source"
