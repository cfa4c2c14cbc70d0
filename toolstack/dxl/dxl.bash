# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of dxl's command line for bash.  Verbs are those that dxl itself lists; domains those that run.

_dxl_verbs() { dxl help 2>/dev/null | awk '/^  [a-z]/ { print $1 }'; }

_dxl_domains() { dxl list 2>/dev/null | awk 'NR > 1 && $1 !~ /\.fd$/ && $1 != "Domain-0" { print $1 }'; }

_dxl_options() { dxl "$1" --help 2>/dev/null | grep -oE '(^| )--?[a-z]+' | tr -d ' '; }

# _dxl_words TEXT: those of its lines that the word at the cursor begins.
_dxl_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "${COMP_WORDS[COMP_CWORD]}"); }

_dxl_devices() { dxl "$1" "$2" 2>/dev/null | awk -v column="$3" 'NR > 1 { print $column }'; }

_dxl_files() {
	compopt -o filenames
	mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
}

_dxl() {
	local at=1 verb operand=0 i
	COMPREPLY=()
	while [[ ${COMP_WORDS[at]} == -* && $at -lt $COMP_CWORD ]]; do at=$((at + 1)); done
	if ((COMP_CWORD == at)); then
		_dxl_words "$(_dxl_verbs) -v --help --version"
		return
	fi
	verb=${COMP_WORDS[at]}
	if [[ ${COMP_WORDS[COMP_CWORD]} == -* ]]; then
		_dxl_words "$(_dxl_options "$verb")"
		return
	fi
	for ((i = at + 1; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} == -* ]] || operand=$((operand + 1))
	done
	case $verb:$operand in
	create:0) _dxl_files ;;
	help:0) _dxl_words "$(_dxl_verbs)" ;;
	info:* | top:* | dmesg:* | create:* | help:*) ;;
	send-trigger:1) _dxl_words "nmi power reset" ;;
	screenshot:1 | cd-insert:2) _dxl_files ;;
	block-detach:1 | cd-insert:1 | cd-eject:1)
		_dxl_words "$(_dxl_devices block-list "${COMP_WORDS[COMP_CWORD - 1]}" 1)"
		;;
	network-detach:1) _dxl_words "$(_dxl_devices network-list "${COMP_WORDS[COMP_CWORD - 1]}" 2)" ;;
	block-attach:1) _dxl_files ;;
	network-attach:*)
		if ((operand)); then _dxl_words "bridge= mac= model="; else _dxl_words "$(_dxl_domains)"; fi
		;;
	uptime:* | vcpu-list:* | *:0) _dxl_words "$(_dxl_domains)" ;;
	*) ;;
	esac
}

complete -F _dxl dxl
