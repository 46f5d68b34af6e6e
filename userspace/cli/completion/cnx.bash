# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Completes the arguments of cnx in bash. Verbs and options are the tool's own answer, so that the two cannot drift apart.

_cnx() {
	local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} verb='' index candidates=''
	for ((index = 1; index < COMP_CWORD; ++index)); do
		case ${COMP_WORDS[index]} in
		--protocol) ((++index)) ;;
		-*) ;;
		*)
			verb=${COMP_WORDS[index]}
			break
			;;
		esac
	done

	if [[ $verb == run ]]; then
		while ((++index < COMP_CWORD)) && [[ ${COMP_WORDS[index]} == -* ]]; do
			[[ ${COMP_WORDS[index]} != -- ]] || { ((++index)) && break; }
		done
		if ((index < COMP_CWORD)); then
			# The command's own, by whatever completes that.
			! declare -F _command_offset >/dev/null || _command_offset "$index"
			return
		fi
		[[ $word == -* ]] || { mapfile -t COMPREPLY < <(compgen -c -- "$word") && return; }
	fi

	if [[ $word == -* ]]; then
		candidates=$("$program" help --list ${verb:+"$verb"} 2>/dev/null | sed -n 's/^\(-[^\t]*\)\t.*/\1/p')
	elif [[ -z $verb || $verb == help ]]; then
		candidates=$("$program" help --list 2>/dev/null | sed -n 's/^\([^\t-][^\t]*\)\t.*/\1/p')
	elif [[ $verb == unload || $verb == reload ]]; then
		candidates=$(sed -n 's/^cnx_\([a-z0-9_]*\) .*/\1/p; s/^cnx .*/cnx/p' /proc/modules 2>/dev/null)
	fi
	mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$word")
}

# Where there is nothing of these, files are offered.
complete -o default -F _cnx cnx
