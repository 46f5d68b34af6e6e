// SPDX-License-Identifier: GPL-2.0-only
// What libstdc++'s headers call out of line, for modules, which link no library.
#ifndef CNX_RUNTIME_HPP
#define CNX_RUNTIME_HPP

#include <cstddef>

#ifdef __KERNEL__
namespace std
{

/// Where _GLIBCXX_ASSERTIONS sends an index out of range, or the value of an empty optional. To go on would be to read
/// or write outside an object, so the task that did it ends in an oops that names the place.
inline void __glibcxx_assert_fail(const char *, int, const char *, const char *) noexcept
{
	__builtin_trap();
}

} // namespace std

#ifdef __SANITIZE_THREAD__
/// What KCSAN's instrumentation calls as an object gets its virtual functions. The kernel, which is C, does not have
/// it. That nothing does this on two CPUs at once is for the accesses around it to show.
extern "C" [[gnu::used]] inline void __tsan_vptr_update(void *, void *) {}
#endif
#endif

#endif // CNX_RUNTIME_HPP
