// SPDX-License-Identifier: GPL-2.0-only
// Names for what clang's -Wthread-safety checks. Other compilers see nothing.
#ifndef CNX_CORE_ANNOTATIONS_HPP
#define CNX_CORE_ANNOTATIONS_HPP

#if defined(__clang__)
#define CNX_ATTRIBUTE(x) __attribute__((x))
#define CNX_LIFETIME_BOUND [[clang::lifetimebound]]
#else
#define CNX_ATTRIBUTE(x)
#define CNX_LIFETIME_BOUND
#endif

#define CNX_CAPABILITY(name) CNX_ATTRIBUTE(capability(name))
#define CNX_SCOPED_CAPABILITY CNX_ATTRIBUTE(scoped_lockable)
#define CNX_GUARDED_BY(lock) CNX_ATTRIBUTE(guarded_by(lock))
#define CNX_ACQUIRE(...) CNX_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define CNX_RELEASE(...) CNX_ATTRIBUTE(release_capability(__VA_ARGS__))

#endif // CNX_CORE_ANNOTATIONS_HPP
