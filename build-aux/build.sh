# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What ./check and ./demo share: packages and the build in build/.  Source it after lib.sh.

# shellcheck disable=SC2154 # top: lib.sh
build=$top/build

build_packages() {
	need_packages build-essential autoconf automake libtool pkg-config check clang-format clang-tidy libxen-dev \
		python3 qemu-system-x86 qemu-utils ovmf openssh-client git
}

# Joined by &&: set -e does not reach into a function that is called in a condition.
configure_and_build() {
	cd "$top" && autoreconf -i && mkdir -p "$build" && cd "$build" &&
		../configure -q --prefix=/usr --libdir=/usr/lib/x86_64-linux-gnu --libexecdir=/usr/libexec \
			--sysconfdir=/etc --localstatedir=/var &&
		nice make -j2
}
