// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_BENCH_CNX_HPP
#define CNX_BENCH_CNX_HPP

#include "../structure.hpp"

#include <cnx/core/dispatcher.hpp>
#include <cnx/replica/memb.hpp>
#include <cnx/replica/platform.hpp>

#include <optional>
#include <span>
#include <vector>

namespace cnx::bench
{

/// The core over the flavour F.
template <replica::Flavour F, Kind kind>
class CnxBase
{
public:
	using P = replica::Platform<F>;
	using Thread = typename P::Thread;
	static void pause() { P::Thread::quiescent(); }

	/// What a registration takes that is the driver's own: what it said, and its place in the listing.
	static constexpr std::size_t record_bytes = sizeof(Callback<P>) + sizeof(Label);

	[[nodiscard]] bool add(const Registration &registration)
	{
		return registry()
		    .add({.id = registration.id,
		          .kind = kind,
		          .capability = no_capability,
		          .open_to_listeners = false,
		          .function = registration.function,
		          .context = registration.context,
		          .name = {"bench"}})
		    .has_value();
	}

	[[nodiscard]] bool remove(Id id) { return remove(std::span<const Id>(&id, 1)); }

	/// All of them, for one grace period.
	[[nodiscard]] bool remove(std::span<const Id> ids)
	{
		std::vector<Callback<P> *> leaving;
		for (const Id id : ids) {
			if (Callback<P> *const leaver = entry(id))
				leaving.push_back(leaver);
		}
		return registry().remove(leaving).has_value() && leaving.size() == ids.size();
	}

	[[nodiscard]] std::uint64_t received(Id id) { return entry(id)->record().received; }

	/// It stays until it is removed, and who removes it is the caller. A driver would have kept it.
	[[nodiscard]] Callback<P> *entry(Id id)
	{
		Callback<P> *found = nullptr;
		{
			const typename P::ReadGuard guard;
			found = registry().find(guard, id);
		}
		return found;
	}

protected:
	[[nodiscard]] Registry<P> &registry() { return dispatcher_.registry(); }
	[[nodiscard]] cnx::Dispatcher<P> &dispatcher() { return dispatcher_; }

private:
	cnx::Dispatcher<P> dispatcher_{Registry<P>::Calls::Slots::create().value(),
	                               cnx::Dispatcher<P>::GlobalCounters::create().value()};
};

/// What the receive path does for a message to an atomic callback, and what every peer does.
template <replica::Flavour F>
class Cnx : public CnxBase<F, Kind::atomic>
{
public:
	static constexpr const char *name = "cnx";

	[[nodiscard]] int dispatch(const cnx_message &message)
	{
		const typename CnxBase<F, Kind::atomic>::P::ReadGuard guard;
		const auto *const callback = this->registry().find(guard, message.id);
		if (!callback) [[unlikely]]
			return -ENODEV;
		callback->count(CallbackCounter::received);
		return callback->call(message, driver);
	}
};

/// The same for a sleepable callback, which runs outside the read section.
template <replica::Flavour F>
class CnxSleepable : public CnxBase<F, Kind::sleepable>
{
public:
	static constexpr const char *name = "cnx_sleepable";
	using typename CnxBase<F, Kind::sleepable>::P;

	[[nodiscard]] int dispatch(const cnx_message &message)
	{
		std::optional<typename P::ReadGuard> guard(std::in_place);
		const auto *const callback = this->registry().find(*guard, message.id);
		if (!callback) [[unlikely]]
			return -ENODEV;
		callback->count(CallbackCounter::received);
		const typename Registry<P>::Calls::Call call(this->registry().calls(), *guard, *callback);
		guard.reset();
		return callback->call(message, driver);
	}
};

/// All that cnx_dispatch() does in the kernel, from driver to driver: besides, it asks whether the caller may sleep,
/// and counts the outcome for the whole of cnx.
template <replica::Flavour F>
class CnxDispatcher : public CnxBase<F, Kind::atomic>
{
public:
	static constexpr const char *name = "cnx_dispatcher";

	[[nodiscard]] int dispatch(const cnx_message &message) { return this->dispatcher().dispatch(message).status; }
};

/// No lookup at all: the message says where in an array its callback is. What is left is the read section, the count
/// and the call, which no structure can do without.
template <replica::Flavour F>
class Floor : public CnxBase<F, Kind::atomic>
{
public:
	static constexpr const char *name = "floor";

	[[nodiscard]] bool add(const Registration &registration)
	{
		if (!CnxBase<F, Kind::atomic>::add(registration))
			return false;
		callbacks_.push_back(this->entry(registration.id));
		return true;
	}

	[[nodiscard]] int dispatch(const cnx_message &message)
	{
		const typename CnxBase<F, Kind::atomic>::P::ReadGuard guard;
		const auto *const callback = callbacks_[message.seq];
		callback->count(CallbackCounter::received);
		return callback->call(message, driver);
	}

private:
	std::vector<Callback<typename CnxBase<F, Kind::atomic>::P> *> callbacks_;
};

static_assert(Structure<Cnx<replica::Memb>> && Structure<CnxSleepable<replica::Memb>>);
static_assert(Structure<CnxDispatcher<replica::Memb>> && Structure<Floor<replica::Memb>>);

} // namespace cnx::bench

#endif // CNX_BENCH_CNX_HPP
