// SPDX-License-Identifier: GPL-2.0-only
// Every template of the core over the replica, for the clang_safety step: clang judges what is instantiated.
#include <cnx/replica/default.hpp>

#include <cnx/core/coalescer.hpp>
#include <cnx/core/control.hpp>
#include <cnx/core/dispatcher.hpp>
#include <cnx/core/losses.hpp>
#include <cnx/core/magazines.hpp>
#include <cnx/core/subscriptions.hpp>

namespace cnx
{

using P = replica::Default;

struct Datagrams {
	[[nodiscard]] bool append(const cnx_message &message);
};

template class Callback<P>;
template class Coalescer<P, Datagrams>;
template class Control<P>;
template class Counters<P, cnx_counter, CNX_COUNTERS>;
template class Dispatcher<P>;
template class Losses<P>;
template class Magazines<P, int>;
template class Owned<P, int>;
template class Protected<int, P::Mutex>;
template class Protected<int, P::SpinLock>;
template class RcuTable<P, Callback<P>>;
template class Registry<P>;
template class RunningCalls<P, Callback<P>>;
template class Subscriptions<P>;

} // namespace cnx
