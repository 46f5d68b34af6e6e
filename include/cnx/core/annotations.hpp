// SPDX-License-Identifier: GPL-2.0-only
// Names for attributes that some compilers know: what clang's -Wthread-safety and -Wunsafe-buffer-usage check, and
// what gcc makes faster.
#ifndef CNX_CORE_ANNOTATIONS_HPP
#define CNX_CORE_ANNOTATIONS_HPP

#if defined(__clang__)
#define CNX_ATTRIBUTE(x) __attribute__((x))
#define CNX_LIFETIME_BOUND [[clang::lifetimebound]]
// A class whose objects point into what they are made from, and must not outlive it.
#define CNX_VIEW [[gsl::Pointer]]
#define CNX_WRITTEN_BEFORE_READ
#else
#define CNX_ATTRIBUTE(x)
#define CNX_LIFETIME_BOUND
#define CNX_VIEW
// A variable that a hardened kernel need not clear, because every path writes it before it reads it.
#define CNX_WRITTEN_BEFORE_READ __attribute__((uninitialized))
#endif

#define CNX_CAPABILITY(name) CNX_ATTRIBUTE(capability(name))
#define CNX_SCOPED_CAPABILITY CNX_ATTRIBUTE(scoped_lockable)
#define CNX_GUARDED_BY(lock) CNX_ATTRIBUTE(guarded_by(lock))
#define CNX_ACQUIRE(...) CNX_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define CNX_ACQUIRE_SHARED(...) CNX_ATTRIBUTE(acquire_shared_capability(__VA_ARGS__))
#define CNX_RELEASE(...) CNX_ATTRIBUTE(release_capability(__VA_ARGS__))
#define CNX_EXCLUDES(...) CNX_ATTRIBUTE(locks_excluded(__VA_ARGS__))

// Around pointer arithmetic and spans made of a pointer and a size, which clang refuses elsewhere. Why the bounds are
// kept is said in a SAFETY: comment. .ci/exceptions counts them.
#if defined(__clang__)
#if __has_warning("-Wunsafe-buffer-usage")
#define CNX_UNSAFE_BUFFERS_BEGIN _Pragma("clang unsafe_buffer_usage begin")
#define CNX_UNSAFE_BUFFERS_END _Pragma("clang unsafe_buffer_usage end")
#endif
#endif
#ifndef CNX_UNSAFE_BUFFERS_BEGIN
#define CNX_UNSAFE_BUFFERS_BEGIN
#define CNX_UNSAFE_BUFFERS_END
#endif

namespace cnx
{

/// That an RCU read section is open, for clang's analysis alone: every ReadGuard holds it, shared, and what sleeps or
/// waits for a grace period excludes it.
struct CNX_CAPABILITY("read section") ReadSection {
};
inline constexpr ReadSection read_section;

} // namespace cnx

#endif // CNX_CORE_ANNOTATIONS_HPP
