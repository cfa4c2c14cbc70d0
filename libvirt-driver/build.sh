#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Builds the driver module against Debian 12's libvirt.
#
#   build.sh module OUT INCLUDE LIBS...   OUT/libvirt_driver_libxl.so, with libdiptych.h from INCLUDE (Makefile.am)
#   build.sh headers                      prints the folder of libvirt's internal headers
#   build.sh double                       prints a folder with a module that has tests/double.c in it in place of
#                                         libdiptych: for tests/, never shipped
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../build-aux/lib.sh"

# The internal headers of the libvirt that Debian 12 ships, and the one generated file that drivers need.
unpack_headers() {
	cd "$out"
	bookworm_source "$out" libvirt
	sed -i "s/@LIBVIRT_VERSION_NUMBER@/9000000/" source/include/libvirt/libvirt-common.h.in
	mkdir -p include/libvirt src
	cp source/include/libvirt/*.h include/libvirt/
	cp source/include/libvirt/libvirt-common.h.in include/libvirt/libvirt-common.h
	(cd source/src && find . -name '*.h' -print0 | xargs -0 cp --parents -t "$out/src")
	perl -w source/src/rpc/gendispatch.pl --mode=aclheader remote REMOTE source/src/remote/remote_protocol.x \
		>src/access/viraccessapicheck.h
	rm -rf source ./*.tar.* ./*.dsc
}

headers() {
	need_packages gcc pkgconf perl dpkg-dev libvirt0 libglib2.0-dev libxml2-dev libxen-dev >&2
	cached libvirt-headers "$(key_of 9.0.0 "$(declare -f unpack_headers)")" unpack_headers
}

# compile OUT INCLUDE SOURCE... -- LIBS...: libvirt_driver_libxl.so in OUT.
compile() {
	local to=$1 include=$2 sources=() h
	shift 2
	while [ "$1" != -- ]; do
		sources+=("$1")
		shift
	done
	shift
	h=$(headers)
	# Linked against libvirt.so.0 and its private symbols, which are those of one release only; -z defs finds
	# at once what the daemon would find when it loads us.
	# shellcheck disable=SC2046,SC2086
	${CC:-gcc} -shared -o "$to/libvirt_driver_libxl.so" "${sources[@]}" -std=gnu11 ${CFLAGS--O2 -g} ${CPPFLAGS-} \
		-fPIC -fvisibility=hidden -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Werror \
		-I"$here/libvirt-config" -I"$here" -I"$include" -isystem "$h/src" -isystem "$h/src/util" \
		-isystem "$h/src/conf" -isystem "$h/include" \
		$(pkg-config --cflags glib-2.0 libxml-2.0 | sed 's/-I/-isystem /g') \
		${LDFLAGS-} -Wl,-z,defs -Wl,-z,relro -Wl,-z,now -Wl,--as-needed -l:libvirt.so.0 -lxenlight "$@" \
		$(pkg-config --libs glib-2.0 libxml-2.0)
}

case ${1-} in
headers) headers ;;
module)
	# module OUT INCLUDE LIBS...: for Makefile.am, which has libdiptych at hand
	to=$2 include=$3
	shift 3
	compile "$to" "$include" "$here"/*.c -- "$@"
	;;
double)
	build_double() { compile "$out" "$here/../toolstack" "$here"/*.c "$here/tests/double.c" --; }
	CPPFLAGS='-DXEN_CAPABILITIES="/run/diptych-double/capabilities"'
	cached libvirt-double "$(key_of "$here" "$here/../toolstack/libdiptych.h")" build_double
	;;
*) die "usage: build.sh headers | module OUT INCLUDE LIBS... | double" ;;
esac
