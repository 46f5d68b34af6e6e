#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The shared library as programs in other languages see it: what it offers, its header, and the example in Python, against
# the library without a kernel module and against an echo. Prints TAP.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
. "$root/userspace/vm/tap.sh" c_library
build=${CNX_BUILD:-$root/build}
library=$build/libcnx.so.0
header=$root/include/cnx/client.h
python=$root/userspace/examples/request.py

exports_the_header() {
	diff <(sed -n 's/^CNX_CLIENT_API .*\(cnx_client_[a-z_]*\)(.*/\1/p' "$header" | sort) \
		<(nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort)
}

has_its_name() {
	readelf -d "$library" | grep -q 'SONAME.*\[libcnx\.so\.0\]'
}

# compiles COMPILER LANGUAGE STANDARD: the header stands alone.
compiles() {
	echo '#include <cnx/client.h>' | "$1" -x "$2" -std="$3" -Wall -Wextra -Wpedantic -Werror -I "$root/include" -fsyntax-only -
}

# said FOLDER STATUS TEXT COMMAND...: with the library in that folder the command ends so, and says that and no more.
said() {
	local folder=$1 status=$2 text=$3 output
	shift 3
	output=$(LD_LIBRARY_PATH=$folder "$@" 2>&1)
	[ $? = "$status" ] && [ "$output" = "$text" ] || {
		echo "$output"
		return 1
	}
}

c_example() {
	gcc -std=c11 -Wall -Wextra -Wpedantic -Werror -I "$root/include" "$root/userspace/examples/request_c.c" \
		-o "$work/request_c" "$library"
}

# layout: what Python takes the message to be is what C does.
same_layout() {
	local c py
	cat >"$work/layout.c" <<-'TEXT'
		#include <cnx/client.h>
		#include <stdio.h>
		#define AT(field) offsetof(struct cnx_client_message, field)
		int main(void)
		{
			printf("%zu %zu %zu %zu %zu %zu %zu %zu\n", AT(id), AT(seq), AT(ack), AT(flags), AT(group), AT(payload),
			       AT(length), sizeof(struct cnx_client_message));
		}
	TEXT
	gcc -std=c11 -I "$root/include" "$work/layout.c" -o "$work/layout" || return 1
	c=$("$work/layout")
	py=$(cd "$(dirname "$python")" && LD_LIBRARY_PATH=$build python3 -B -c 'import ctypes, request
print(*(getattr(request.Message, name).offset for name, _ in request.Message._fields_), ctypes.sizeof(request.Message))')
	[ "$c" = "$py" ] || {
		echo "C: $c, Python: $py"
		return 1
	}
}

holds "it offers the functions of its header and nothing else" exports_the_header
holds "its name has its version" has_its_name
holds "the header is C11" compiles gcc c c11
holds "the header is C++17" compiles g++ c++ c++17
holds "the example in C builds with the shared library" c_example
holds "the example in Python knows the layout of a message" same_layout
if [ ! -e /proc/sys/net/cnx/protocol ]; then
	remedy='cnx is not loaded: run `cnx load` as root'
	holds "without the module the example in C says so" said "$build" 1 "request_c: $remedy" "$work/request_c"
	holds "without the module the example in Python says so" said "$build" 1 "request.py: $remedy" "$python"
fi
holds "the example in C is answered by the echo" said "$build/stub" 0 hello "$work/request_c"
holds "the example in Python is answered by the echo" said "$build/stub" 0 "what else" "$python" 32 1 "what else"
holds "with no bytes, too" said "$build/stub" 0 "" "$python" 32 1 ""
holds "and is told that nobody has an id" said "$build/stub" 1 \
	"request.py: cnx refused the message: No such device" "$python" 9 9
done_testing
