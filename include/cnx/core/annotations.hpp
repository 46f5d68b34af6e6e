// SPDX-License-Identifier: GPL-2.0-only
// Names for attributes that some compilers know: what clang's -Wthread-safety checks, and what gcc makes faster.
#ifndef CNX_CORE_ANNOTATIONS_HPP
#define CNX_CORE_ANNOTATIONS_HPP

#if defined(__clang__)
#define CNX_ATTRIBUTE(x) __attribute__((x))
#define CNX_LIFETIME_BOUND [[clang::lifetimebound]]
#define CNX_WRITTEN_BEFORE_READ
#else
#define CNX_ATTRIBUTE(x)
#define CNX_LIFETIME_BOUND
// A variable that a hardened kernel need not clear, because every path writes it before it reads it.
#define CNX_WRITTEN_BEFORE_READ __attribute__((uninitialized))
#endif

#define CNX_CAPABILITY(name) CNX_ATTRIBUTE(capability(name))
#define CNX_SCOPED_CAPABILITY CNX_ATTRIBUTE(scoped_lockable)
#define CNX_GUARDED_BY(lock) CNX_ATTRIBUTE(guarded_by(lock))
#define CNX_ACQUIRE(...) CNX_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define CNX_RELEASE(...) CNX_ATTRIBUTE(release_capability(__VA_ARGS__))

#endif // CNX_CORE_ANNOTATIONS_HPP
