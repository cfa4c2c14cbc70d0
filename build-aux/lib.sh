# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What every script of the tree shares: the cache, progress, installing packages, Debian 13's packages.
# Source it; it changes nothing by itself.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${DIPTYCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/diptych}

say() { printf '[%(%H:%M:%S)T] %s\n' -1 "$*" >&2; }
die() {
	printf 'error: %s\n' "$*" >&2
	exit 1
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# need_packages PKG...: installs those that are missing (apt as root, sudo otherwise).
need_packages() {
	local missing=() p
	for p in "$@"; do
		dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null | grep -q '^.i' || missing+=("$p")
	done
	[ ${#missing[@]} = 0 ] && return 0
	say "installing: ${missing[*]}"
	mkdir -p "$cache"
	(
		flock 9
		as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update >/dev/null
		as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "${missing[@]}" \
			</dev/null >"$cache/apt-install.log" 2>&1
	) 9>"$cache/apt.lock" || {
		tail -n 20 "$cache/apt-install.log" >&2
		die "apt-get could not install: ${missing[*]} (whole log: $cache/apt-install.log)"
	}
}

# key_of FILE|STRING...: a short hash of contents (files, folders) and strings, to name a cache entry.
key_of() {
	local a
	for a in "$@"; do
		if [ -d "$a" ]; then
			(cd "$a" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum)
		elif [ -f "$a" ]; then
			sha256sum <"$a"
		else
			printf '%s\n' "$a"
		fi
	done | sha256sum | cut -c1-16
}

# cached NAME KEY COMMAND...: runs COMMAND with $out set to an empty folder, unless the cache has it already;
# prints the folder. One builder at a time per entry; a failed build leaves nothing (its log stays).
cached() {
	local name=$1 key=$2 dir work log
	shift 2
	dir=$cache/$name-$key
	log=$cache/$name.log
	mkdir -p "$cache"
	# What is there is served at once, also while another version of it is being built.
	[ -e "$dir/.done" ] || (
		flock 9
		[ -e "$dir/.done" ] && exit 0
		rm -rf "$dir"
		work=$dir.part
		rm -rf "$work"
		mkdir -p "$work"
		say "building $name (log: $log)"
		start=$SECONDS
		out=$work
		# A shell of its own: inside a condition, and cached may be called in one, bash ignores set -e.
		{ declare -p && declare -f; } >"$work.env"
		if ! bash -c '. "$0" 2>/dev/null; set -euo pipefail; "$@"' "$work.env" "$@" </dev/null >"$log" 2>&1; then
			rm -f "$work.env"
			tail -n 30 "$log" >&2
			rm -rf "$work"
			printf 'error: building %s failed, log: %s\n' "$name" "$log" >&2
			exit 1
		fi
		rm -f "$work.env"
		touch "$work/.done"
		mv "$work" "$dir"
		say "built $name in $((SECONDS - start)) s"
	) 9>"$cache/$name.lock" || return 1
	printf '%s\n' "$dir"
}

# Mirror and keyring of Debian as this machine's apt knows them.
debian_mirror() {
	apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
		awk '$2 ~ /^(bookworm|stable|oldstable)$/ && $3 == "main" {print $1; exit}' | sed 's,/*$,,'
}
debian_keyring() { printf '%s\n' /usr/share/keyrings/debian-archive-keyring.gpg; }

# private_apt SUITE: makes a private apt configuration, sources too, for one of Debian's suites (own lists,
# nothing installed); prints its file.
private_apt() {
	local d=$cache/$1-apt mirror suite=$1
	if [ ! -e "$d/.done" ]; then
		mirror=$(debian_mirror)
		[ -n "$mirror" ] || die "apt's configuration names no Debian mirror"
		mkdir -p "$d"/{lists/partial,archives/partial,etc}
		(
			flock 9
			[ -e "$d/.done" ] && exit 0
			: >"$d/etc/status"
			{
				printf 'deb [signed-by=%s] %s %s main\n' "$(debian_keyring)" "$mirror" "$suite"
				printf 'deb-src [signed-by=%s] %s %s main\n' "$(debian_keyring)" "$mirror" "$suite"
			} >"$d/etc/sources.list"
			cat >"$d/apt.conf" <<CONF
Dir::Etc::sourcelist "$d/etc/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$d/lists";
Dir::State::status "$d/etc/status";
Dir::Cache::archives "$d/archives";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
APT::Install-Recommends "false";
Acquire::AllowInsecureRepositories "false";
APT::Sandbox::User "root";
CONF
			APT_CONFIG=$d/apt.conf apt-get -q update >"$d/update.log" 2>&1 || {
				cat "$d/update.log" >&2
				exit 1
			}
			touch "$d/.done"
		) 9>"$d/lock" || die "cannot read the package lists of $suite"
	fi
	printf '%s\n' "$d/apt.conf"
}
trixie_apt() { private_apt trixie; }

# trixie_unpack DIR PKG...: downloads Debian 13's packages (not their dependencies) and unpacks them below DIR.
trixie_unpack() {
	local dir=$1 conf deb
	shift
	conf=$(trixie_apt) || return 1
	mkdir -p "$dir/.debs"
	(cd "$dir/.debs" && APT_CONFIG=$conf apt-get -q download "$@") >&2 || return 1
	for deb in "$dir"/.debs/*.deb; do dpkg -x "$deb" "$dir" || return 1; done
	rm -rf "$dir/.debs"
}

# private_source SUITE DIR PKG[=VERSION]: unpacks a source package of SUITE into DIR/source (patches applied).
private_source() {
	local dir=$2 conf
	conf=$(private_apt "$1") || return 1
	(
		cd "$dir"
		APT_CONFIG=$conf apt-get -q --download-only source "$3" >&2 || exit 1
		# The .dsc's signer is not in bookworm's keyring; apt has checked the hashes against the signed lists.
		dpkg-source --no-check -x ./*.dsc source >&2
	)
}
trixie_source() { private_source trixie "$@"; }
bookworm_source() { private_source bookworm "$@"; }
