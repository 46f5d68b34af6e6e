// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_KERNEL_ROUTE_HPP
#define CNX_KERNEL_ROUTE_HPP

#include "bindings.h"
#include "skb.hpp"

#include <cnx/core/subscriptions.hpp>

#include <array>
#include <cstdint>
#include <span>
#include <utility>

namespace cnx::kernel
{

/// What a datagram carries, as far as counting goes.
struct Cargo {
	Id id; // of its first message
	std::uint32_t messages;
	const Skb *manifest = nullptr; // the datagram again, where there are messages of other ids in it
};

/// Subscribers that are to be served next, in order of portid. They are found in a read section and served outside it,
/// since the sender may sleep meanwhile; so their sockets are held.
class Handful
{
public:
	struct Subscriber {
		std::uint32_t portid;
		sock *socket;
	};

	static constexpr unsigned most = CNX_LISTENERS_AT_ONCE;

	Handful() : count_(0) {}
	Handful(const Handful &) = delete;
	Handful &operator=(const Handful &) = delete;
	~Handful() { clear(); }

	[[nodiscard]] bool empty() const { return count_ == 0; }
	[[nodiscard]] bool full() const { return count_ == subscribers_.size(); }

	/// One more, if it is not full. Inside the read section that the subscription was found in.
	void add(const Subscription &subscription)
	{
		// SAFETY: an endpoint is the address of a socket under an opaque name; see Platform::endpoint(). Its
		// subscription ends before the socket is freed, which takes a grace period more.
		add({subscription.portid, reinterpret_cast<sock *>(subscription.endpoint)});
	}

	/// The same of a socket that somebody holds.
	void add(const Subscriber &subscriber)
	{
		cnx_k_socket_hold(subscriber.socket);
		subscribers_[count_++] = subscriber;
	}

	void clear()
	{
		for (const Subscriber &subscriber : all())
			cnx_k_socket_put(subscriber.socket);
		count_ = 0;
	}

	[[nodiscard]] std::span<const Subscriber> all() const { return std::span(subscribers_).first(count_); }

private:
	// INVARIANT: the first count_ of them are held.
	unsigned count_;
	std::array<Subscriber, most> subscribers_;
};

/// One socket that a driver serves by itself.
struct Addressee {
	Handful::Subscriber listener;
	std::uint32_t group; // that it is told that it was sent to; 0: to itself
};

/// Which listeners of a group a send is for, by whether they asked for batches.
enum class Audience { everyone, singles, batches };

/// Where one send goes, and what has become of it.
struct Route {
	Route(const cnx_destination &destination, std::uint32_t to_group, bool sleeps,
	      Audience to_audience = Audience::everyone)
	    : to(destination), group(to_group), may_sleep(sleeps), audience(to_audience), label(to_group)
	{
	}

	/// To the sockets that are added to its subscribers.
	Route(std::uint32_t told_group, bool sleeps, const cnx_destination &how = nowhere)
	    : to(how), group(0), may_sleep(sleeps), audience(Audience::everyone), label(told_group)
	{
	}

	Route(const Addressee &addressee, bool sleeps, const cnx_destination &how = nowhere)
	    : Route(addressee.group, sleeps, how)
	{
		subscribers.add(addressee.listener);
	}
	Route(const Route &) = delete;
	Route &operator=(const Route &) = delete;

	[[nodiscard]] bool is_for(const Subscription &subscription) const
	{
		return audience == Audience::everyone ||
		       subscription.wants_batches() == (audience == Audience::batches);
	}

	const cnx_destination &to;
	const std::uint32_t group; // 0: none
	const bool may_sleep;
	const Audience audience;
	const std::uint32_t label; // the group that receivers are told
	bool members = false;      // whether netlink's own group is to be served

	// The subscribers to serve next, and whether there are no more after them.
	bool last_handful = true;
	std::uint32_t after = 0; // where the next handful begins

	// What became of the copies of the datagram.
	unsigned delivered = 0;
	unsigned overrun = 0;
	unsigned filtered = 0;
	unsigned no_memory = 0;
	int unicast = 0; // what the socket at portid came to

	Handful subscribers;

	// What a socket that was found otherwise has for a destination.
	static constexpr cnx_destination nowhere{};
	static constexpr cnx_destination lossless{.lossless = true};
};

} // namespace cnx::kernel

#endif // CNX_KERNEL_ROUTE_HPP
