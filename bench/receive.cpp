// SPDX-License-Identifier: GPL-2.0-only
// The receive path on the bytes of real datagrams: parse, look up, check the sender, count, call, account.
#include "families.hpp"
#include "receive.hpp"

#include <cnx/core/dispatcher.hpp>
#include <cnx/replica/platform.hpp>

#include <cstring>
#include <optional>

namespace cnx::bench
{
namespace
{

constexpr std::size_t callbacks = 1024;
constexpr std::size_t payload = 64;

/// A netlink datagram of so many messages, as a program would send it.
class Datagram
{
public:
	void append(Id id)
	{
		struct {
			NetlinkHeader netlink;
			cnx_msg connector;
			std::byte payload[bench::payload];
		} message{};
		static_assert(sizeof(message) % 4 == 0);
		message.netlink.length = sizeof(message);
		message.netlink.type = netlink_type_done;
		message.connector.id = id;
		message.connector.len = bench::payload;
		const auto at = bytes_.size();
		bytes_.resize(at + sizeof(message));
		std::memcpy(bytes_.data() + at, &message, sizeof(message));
	}

	[[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

private:
	std::vector<std::byte> bytes_;
};

std::vector<Datagram> datagrams(std::size_t batch, unsigned thread)
{
	std::vector<Datagram> datagrams;
	const Messages messages(callbacks, thread);
	for (const cnx_message &message : messages.all()) {
		if (datagrams.empty() || datagrams.back().bytes().size() >= batch * datagram_room(payload))
			datagrams.emplace_back();
		datagrams.back().append(message.id);
	}
	return datagrams;
}

template <replica::Flavour F>
class Receive
{
public:
	using P = replica::Platform<F>;

	static void set_up(const benchmark::State &state)
	{
		Progress::begin("receive/cnx/batch:" + std::to_string(state.range(0)));
		const typename P::Thread thread;
		dispatcher_.emplace(Dispatcher<P>::create().value());
		for (std::size_t number = 0; number < callbacks; ++number) {
			const Registration registration = registration_of(number);
			const auto spec =
			    Registry<P>::check(registration.id, "bench", registration.function, registration.context,
			                       CNX_KIND_ATOMIC, CNX_SENDER_NET_ADMIN, false);
			if (!spec || !(*dispatcher_)->registry().add(*spec))
				std::abort();
		}
	}

	static void tear_down(const benchmark::State &)
	{
		const typename P::Thread thread;
		dispatcher_.reset();
	}

	static void run(benchmark::State &state)
	{
		const Pinned pinned(static_cast<unsigned>(state.thread_index()));
		const typename P::Thread thread;
		const auto batch = static_cast<std::size_t>(state.range(0));
		const auto all = datagrams(batch, static_cast<unsigned>(state.thread_index()));
		cnx_sender sender{};
		sender.portid = 1;
		for (std::size_t at = 0; state.KeepRunningBatch(static_cast<std::int64_t>(batch)); ++at) {
			if (at == all.size()) {
				at = 0;
				P::Thread::quiescent();
			}
			(*dispatcher_)->receive(all[at].bytes(), sender, [](const NetlinkMessage &, const Outcome &) {
			});
		}
		state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
		if (state.thread_index() == 0 && (*dispatcher_)->counters().sum(CNX_DROP_FAILED) != 0)
			state.SkipWithError("a message did not reach its own callback");
	}

private:
	static inline std::optional<Owned<P, Dispatcher<P>>> dispatcher_;
};

} // namespace

void add_receive(const Options &options)
{
	with_flavour(options.flavour, [&]<replica::Flavour F>() {
		for (const long batch : {1, 8, 32}) {
			for (unsigned threads = 1; threads <= options.threads; ++threads) {
				if (!selected(options, "receive/cnx/batch:" + std::to_string(batch) +
				                           "/threads:" + std::to_string(threads)))
					continue;
				benchmark::RegisterBenchmark("receive/cnx", Receive<F>::run)
				    ->ArgName("batch")
				    ->Arg(batch)
				    ->Threads(static_cast<int>(threads))
				    ->UseRealTime()
				    ->Setup(Receive<F>::set_up)
				    ->Teardown(Receive<F>::tear_down);
			}
		}
	});
}

} // namespace cnx::bench
