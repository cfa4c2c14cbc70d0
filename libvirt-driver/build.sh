#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the build of the driver needs of Debian 12's libvirt, 9.0, or with DIPTYCH_LIBVIRT=11.3 of its backports';
# Makefile.am does the rest.
#   build.sh headers     prints the folder of libvirt's internal headers
#   build.sh cppflags    prints the compiler's options for them
#   build.sh corpus      prints a folder with the domain XML and xl.cfg of libvirt's own tests: for tests/corpus.py
#   build.sh double      prints a folder with a module that has tests/double*.c in it in place of libdiptych: for
#                        tests/run.sh, never shipped
#   build.sh stock       prints the folder below which that libvirt itself is; nothing for the system's own
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../build-aux/lib.sh"
version=${DIPTYCH_LIBVIRT:-9.0}
case $version in
9.0) number=9000000 ;;
11.3) number=11003000 ;;
*) die "DIPTYCH_LIBVIRT is 9.0 or 11.3" ;;
esac

# Into $out/source.  Of a backport the upstream archive does: the mirrors do not keep the rest of its source.
unpack_source() {
	local conf
	if [ "$version" = 9.0 ]; then
		bookworm_source "$out" libvirt
	else
		conf=$(private_apt bookworm-backports)
		APT_CONFIG=$conf apt-get -q --download-only --tar-only source libvirt
		mkdir source
		tar -x --strip-components=1 -C source -f ./*.orig.tar.xz
	fi
}

# The internal headers of that libvirt, and the one generated file that drivers need.
unpack_headers() {
	cd "$out"
	unpack_source
	sed -i "s/@LIBVIRT_VERSION_NUMBER@/$number/" source/include/libvirt/libvirt-common.h.in
	mkdir -p include/libvirt src
	cp source/include/libvirt/*.h include/libvirt/
	cp source/include/libvirt/libvirt-common.h.in include/libvirt/libvirt-common.h
	(cd source/src && find . -name '*.h' -print0 | xargs -0 cp --parents -t "$out/src")
	perl -w source/src/rpc/gendispatch.pl --mode=aclheader remote REMOTE source/src/remote/remote_protocol.x \
		>src/access/viraccessapicheck.h
	rm -rf source ./*.tar.* ./*.dsc
}

unpack_stock() {
	local conf deb
	conf=$(private_apt bookworm-backports)
	cd "$out"
	APT_CONFIG=$conf apt-get -q download libvirt0 libvirt-common libvirt-daemon libvirt-daemon-common libvirt-clients \
		libvirt-daemon-driver-{network,storage,nodedev,interface,nwfilter,secret}
	for deb in ./*.deb; do dpkg -x "$deb" .; done
	rm ./*.deb
}
stock() { [ "$version" = 9.0 ] || cached "libvirt-$version" "$(key_of "$version" "$(declare -f unpack_stock)")" unpack_stock; }

headers() {
	need_packages gcc pkgconf perl dpkg-dev libvirt0 libglib2.0-dev libxml2-dev libxen-dev >&2
	cached libvirt-headers "$(key_of "$version" "$(declare -f unpack_source unpack_headers)")" unpack_headers
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
	printf -- '-I%s ' "$here/libvirt-config/$version"
	pkg-config --cflags glib-2.0 libxml-2.0 | sed 's/-I/-isystem /g'
}

build_double() {
	local libraries
	libraries=$(stock)/usr/lib/x86_64-linux-gnu
	# -z defs finds now what the daemon would find when it loads us.
	# shellcheck disable=SC2046
	gcc -shared -o "$out/libvirt_driver_libxl.so" "$here"/*.c "$here"/tests/*.c \
		"$here"/../toolstack/{config*,cpu-list,source,desc}.c -std=gnu11 -O1 -g -D_GNU_SOURCE \
		-fsanitize=undefined -fno-sanitize-recover=undefined \
		-DXEN_CAPABILITIES='"/run/diptych-double/capabilities"' -fPIC -fvisibility=hidden \
		-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Werror \
		-I"$here/libvirt-config" -I"$here" -I"$here/../toolstack" $(cppflags) \
		-L"$libraries" -Wl,-z,defs -Wl,--as-needed -l:libvirt.so.0 -lxenlight -lxlutil -lxentoollog -lglib-2.0 -lxml2
}

case ${1-} in
headers) headers ;;
cppflags) cppflags ;;
corpus) need_packages dpkg-dev && cached libvirt-corpus "$(key_of 9.0.0 "$(declare -f unpack_corpus)")" unpack_corpus ;;
stock) stock ;;
double) cached libvirt-double "$(key_of "$version" "$here" "$here"/../toolstack/{libdiptych.h,config*,cpu-list*,source*,desc.c})" build_double ;;
*) die "usage: build.sh headers|cppflags|corpus|double|stock" ;;
esac
