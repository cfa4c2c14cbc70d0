#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the build of the driver needs of Debian 12's libvirt; Makefile.am does the rest.
#   build.sh headers     prints the folder of libvirt's internal headers
#   build.sh cppflags    prints the compiler's options for them
#   build.sh corpus      prints a folder with the domain XML and xl.cfg of libvirt's own tests: for tests/corpus.py
#   build.sh double      prints a folder with a module that has tests/double.c in it in place of libdiptych: for
#                        tests/run.sh, never shipped
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

unpack_corpus() {
	cd "$out"
	bookworm_source "$out" libvirt
	(cd source/tests && cp -r xlconfigdata libxlxml2domconfigdata genericxml2xmlindata qemuxml2argvdata "$out")
	find "$out" -type f ! -name '*.xml' ! -name '*.cfg' -delete
	rm -rf source ./*.tar.* ./*.dsc
}

# The compiler's options for them, as system headers: our warnings are not for other people's code.
cppflags() {
	local h
	h=$(headers)
	printf -- '-isystem %s ' "$h"/{src,src/util,src/conf,include}
	pkg-config --cflags glib-2.0 libxml-2.0 | sed 's/-I/-isystem /g'
}

build_double() {
	# -z defs finds now what the daemon would find when it loads us.
	# shellcheck disable=SC2046
	gcc -shared -o "$out/libvirt_driver_libxl.so" "$here"/*.c "$here/tests/double.c" \
		"$here"/../toolstack/{config*,cpu-list,source,desc}.c -std=gnu11 -O1 -g -D_GNU_SOURCE \
		-fsanitize=undefined -fno-sanitize-recover=undefined \
		-DXEN_CAPABILITIES='"/run/diptych-double/capabilities"' -fPIC -fvisibility=hidden \
		-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Werror \
		-I"$here/libvirt-config" -I"$here" -I"$here/../toolstack" $(cppflags) \
		-Wl,-z,defs -Wl,--as-needed -l:libvirt.so.0 -lxenlight -lxlutil -lxentoollog -lglib-2.0 -lxml2
}

case ${1-} in
headers) headers ;;
cppflags) cppflags ;;
corpus) need_packages dpkg-dev && cached libvirt-corpus "$(key_of 9.0.0 "$(declare -f unpack_corpus)")" unpack_corpus ;;
double) cached libvirt-double "$(key_of "$here" "$here"/../toolstack/{libdiptych.h,config*,cpu-list*,source*,desc.c})" build_double ;;
*) die "usage: build.sh headers|cppflags|corpus|double" ;;
esac
