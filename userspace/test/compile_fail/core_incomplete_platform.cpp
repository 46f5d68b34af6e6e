// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: constraint(s| failure|s not satisfied)
// EXPECT: flush_retired
// A world that lacks something is refused by name, not somewhere deep inside the core.
#include <cnx/replica/default.hpp>

#include <cnx/core/subscriptions.hpp>

struct Incomplete : private cnx::replica::Default {
	using Base = cnx::replica::Default;
	using Base::allocate, Base::allocate_now, Base::release, Base::retire, Base::synchronize, Base::cpu,
	    Base::cpu_count, Base::task;
	using Base::counters_allocate, Base::counters_release, Base::counter_add, Base::counter_read;
	using Base::in_read_section, Base::may_sleep, Base::permits, Base::endpoint, Base::is_closed;
	using Base::ReadGuard, Base::Mutex, Base::SpinLock, Base::WaitQueue, Base::Counters;
#ifndef MUST_FAIL
	using Base::flush_retired;
#endif
};

using Refused = cnx::Subscriptions<Incomplete>;
