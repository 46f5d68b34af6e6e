// SPDX-License-Identifier: GPL-2.0-only
// What the tests of the core share: the core over the replica, and datagrams to feed it with.
#ifndef CNX_TEST_CORE_WORLD_HPP
#define CNX_TEST_CORE_WORLD_HPP

#include <cnx/replica/default.hpp>

#include <cnx/core/control.hpp>

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace cnx::test
{

using P = replica::Default;
using Entry = Callback<P>;
using Bytes = std::vector<std::byte>;

template <typename T>
void append(Bytes &bytes, const T &value)
{
	const auto at = bytes.size();
	bytes.resize(at + sizeof(T));
	std::memcpy(bytes.data() + at, &value, sizeof(T));
}

/// A connector message with a payload of so many bytes, all 0x5a, and `claimed` in its length field.
inline Bytes connector_message(Id id, std::size_t payload, std::uint16_t claimed)
{
	Bytes bytes;
	cnx_msg header{};
	header.id = id;
	header.seq = 7;
	header.ack = 8;
	header.len = claimed;
	header.flags = 9;
	append(bytes, header);
	bytes.resize(bytes.size() + payload, std::byte{0x5a});
	return bytes;
}

inline Bytes connector_message(Id id, std::size_t payload = 4)
{
	return connector_message(id, payload, static_cast<std::uint16_t>(payload));
}

/// Puts a netlink message at the end of a datagram, padded as its successor needs it.
inline void append_netlink(Bytes &datagram, const Bytes &body, std::uint16_t flags = 0,
                           std::uint16_t type = netlink_type_done)
{
	const auto length = sizeof(NetlinkHeader) + body.size();
	append(datagram, NetlinkHeader{static_cast<std::uint32_t>(length), type, flags, 1, 0});
	datagram.insert(datagram.end(), body.begin(), body.end());
	datagram.resize(netlink_align(datagram.size()));
}

inline Bytes datagram_of(std::initializer_list<Bytes> bodies, std::uint16_t flags = 0)
{
	Bytes datagram;
	for (const auto &body : bodies)
		append_netlink(datagram, body, flags);
	return datagram;
}

/// The errno of a result, negative as everywhere; 0 where it has a value.
template <typename T>
int error_of(const Result<T> &result)
{
	return result ? 0 : to_errno(result.error());
}

/// Waits for the end of threads. Whoever waits holds up no grace period that they may wait for.
inline void join(std::span<std::thread> threads)
{
	const P::Thread::Offline waiting;
	for (auto &thread : threads)
		thread.join();
}

/// A callback that runs whatever the test wants.
using Body = std::function<int(const cnx_message &, const cnx_sender &)>;

inline int run_body(void *context, const cnx_message *message, const cnx_sender *sender)
{
	// SAFETY: add() registers this function with the address of a Body that the test keeps.
	return (*static_cast<Body *>(context))(*message, *sender);
}

class World : public ::testing::Test
{
protected:
	~World() override { P::flush_retired(); }

	Result<Entry *> add(Id id, Body &body, Kind kind = Kind::atomic, int sender = CNX_SENDER_ANYONE,
	                    const char *name = "test", bool open = false)
	{
		const auto spec =
		    Registry<P>::check(id, name, run_body, &body,
		                       kind == Kind::atomic ? CNX_KIND_ATOMIC : CNX_KIND_SLEEPABLE, sender, open);
		if (!spec)
			return std::unexpected(spec.error());
		return registry().add(*spec);
	}

	Status remove(Entry *entry) { return registry().remove({&entry, 1}); }

	Registry<P> &registry() { return dispatcher_.registry(); }
	Dispatcher<P> &dispatcher() { return dispatcher_; }

	std::uint64_t counter(cnx_counter which) { return dispatcher_.counters().sum(which); }

	struct Answered {
		std::uint32_t seq;
		int status;
	};
	std::vector<Answered> receive(const Bytes &bytes, const cnx_sender &sender)
	{
		std::vector<Answered> answers;
		dispatcher_.receive(bytes, sender, [&](const NetlinkMessage &message, const Outcome &outcome) {
			answers.push_back({message.header.seq, outcome.status});
		});
		return answers;
	}

	static cnx_message message_for(Id id)
	{
		cnx_message message{};
		message.id = id;
		return message;
	}

	static cnx_sender root()
	{
		cnx_sender sender{};
		sender.portid = 100;
		return sender;
	}

	static cnx_sender nobody()
	{
		cnx_sender sender{};
		sender.portid = 200;
		sender.uid = 65534;
		return sender;
	}

private:
	P::Thread thread_;
	Dispatcher<P> dispatcher_{Registry<P>::Calls::Slots::create().value(),
	                          Dispatcher<P>::GlobalCounters::create().value()};
};

/// Makes the allocation after `successes` more ones fail, and all of them succeed again when it ends.
class FailAllocation
{
public:
	explicit FailAllocation(long successes) { replica::Hooks::allocations_until_failure = successes; }
	~FailAllocation() { replica::Hooks::allocations_until_failure = -1; }
	FailAllocation(const FailAllocation &) = delete;
	FailAllocation &operator=(const FailAllocation &) = delete;

	/// Whether there were so many allocations that one has failed.
	[[nodiscard]] static bool happened() { return replica::Hooks::allocations_until_failure < 0; }
};

} // namespace cnx::test

#endif // CNX_TEST_CORE_WORLD_HPP
