// SPDX-License-Identifier: GPL-2.0-only
// What libstdc++'s headers call out of line, for a module that links no library. Included once, by core.cpp.
#ifndef CNX_KERNEL_RUNTIME_HPP
#define CNX_KERNEL_RUNTIME_HPP

#include "bindings.h"

namespace std
{

// Where _GLIBCXX_ASSERTIONS sends a span index out of range, or the value of an empty optional.
void __glibcxx_assert_fail(const char *file, int line, const char *, const char *condition) noexcept
{
	cnx_k_report_assertion(file, line, condition);
	// To go on would be to read or write outside an object, so this task does not go on.
	__builtin_trap();
}

} // namespace std

#endif // CNX_KERNEL_RUNTIME_HPP
