// SPDX-License-Identifier: GPL-2.0-only
#include "core_world.hpp"

#include <cnx/core/coalescer.hpp>

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

namespace cnx::test
{
namespace
{

constexpr std::size_t payload = 4;

/// A datagram that remembers the seq of each message.
class Buffer
{
public:
	explicit Buffer(std::size_t bytes) : room_(bytes) {}
	Buffer(Buffer &&) = default;
	Buffer &operator=(Buffer &&) = delete;

	bool append(const cnx_message &message)
	{
		const std::size_t needed = datagram_room(message.length);
		if (needed > room_)
			return false;
		room_ -= needed;
		messages.push_back(message.seq);
		return true;
	}

	std::vector<std::uint32_t> messages;

private:
	std::size_t room_;
};

struct Sent {
	CoalescedTo to;
	std::vector<std::uint32_t> messages;
};

class Sink final : public CoalescerSink<Buffer>
{
public:
	Result<Buffer> allocate(std::size_t bytes) override
	{
		if (no_memory)
			return std::unexpected(Error::no_memory);
		return Buffer(bytes);
	}
	void deliver(Buffer &&datagram, std::uint32_t messages, const CoalescedTo &to) override
	{
		EXPECT_EQ(messages, datagram.messages.size());
		// Whatever comes between is to wait for this one.
		if (on_deliver)
			on_deliver();
		const std::lock_guard guard(mutex);
		sent.push_back({to, datagram.messages});
	}
	void arm(std::uint64_t nanoseconds) override { armed = clock + nanoseconds; }
	std::uint64_t now() override { return clock; }

	std::atomic<std::uint64_t> clock{1000};
	std::atomic<std::uint64_t> armed{0}; // when the timer is to fire; 0: never was armed
	std::atomic<bool> no_memory{false};
	std::function<void()> on_deliver;
	std::mutex mutex;
	std::vector<Sent> sent;
};

class CoreCoalescer : public ::testing::Test
{
protected:
	using Lists = std::vector<std::vector<std::uint32_t>>;
	static constexpr CoalescedTo somewhere{0, 5};
	static constexpr std::uint64_t delay = 500;

	void limit(std::size_t messages_of_bytes, std::uint32_t messages)
	{
		coalescer.emplace(sink, CoalescingLimits{.bytes = messages_of_bytes * datagram_room(payload),
		                                         .messages = messages,
		                                         .delay = delay});
	}

	int add(std::uint32_t seq, const CoalescedTo &to = somewhere, std::size_t length = payload)
	{
		cnx_message message{};
		message.seq = seq;
		message.length = static_cast<std::uint16_t>(length);
		return error_of(coalescer->add(message, to));
	}

	Lists sent() const
	{
		Lists lists;
		for (const Sent &one : sink.sent)
			lists.push_back(one.messages);
		return lists;
	}

	P::Thread thread;
	Sink sink;
	std::optional<Coalescer<P, Buffer>> coalescer;
};

TEST_F(CoreCoalescer, SendsWhenThereAreEnough)
{
	limit(100, 3);
	for (std::uint32_t seq = 1; seq <= 7; ++seq)
		EXPECT_EQ(add(seq), 0);
	EXPECT_EQ(sent(), (Lists{{1, 2, 3}, {4, 5, 6}}));
	coalescer->finish();
	EXPECT_EQ(sent(), (Lists{{1, 2, 3}, {4, 5, 6}, {7}}));
	coalescer->finish();
	EXPECT_EQ(sent().size(), 3u);
}

TEST_F(CoreCoalescer, SendsWhatIsFull)
{
	limit(2, 1000);
	for (std::uint32_t seq = 1; seq <= 5; ++seq)
		EXPECT_EQ(add(seq), 0);
	EXPECT_EQ(sent(), (Lists{{1, 2}, {3, 4}}));
}

TEST_F(CoreCoalescer, TakesOneThatIsLargerThanADatagramShouldBe)
{
	limit(2, 1000);
	EXPECT_EQ(add(1), 0);
	EXPECT_EQ(add(2, somewhere, 1000), 0);
	EXPECT_EQ(add(3), 0);
	coalescer->finish();
	EXPECT_EQ(sent(), (Lists{{1}, {2}, {3}}));
}

TEST_F(CoreCoalescer, SendsWhatHasWaitedLongEnough)
{
	limit(100, 100);
	EXPECT_EQ(sink.armed, 0u);
	add(1);
	EXPECT_EQ(sink.armed, 1000 + delay);
	sink.clock = 1300;
	add(2);
	const CoalescedTo elsewhere{0, 6};
	add(3, elsewhere);
	EXPECT_EQ(sink.armed, 1000 + delay) << "the first one's time is the next";
	sink.clock = 1000 + delay - 1;
	coalescer->expire();
	EXPECT_EQ(sent(), Lists{}) << "it came early, and nothing has waited long enough";
	EXPECT_EQ(sink.armed, 1000 + delay);
	sink.clock = 1000 + delay;
	coalescer->expire();
	EXPECT_EQ(sent(), (Lists{{1, 2}}));
	EXPECT_EQ(sink.armed, 1300 + delay);
	sink.clock = 1300 + delay;
	coalescer->expire();
	EXPECT_EQ(sent(), (Lists{{1, 2}, {3}}));
	EXPECT_EQ(sink.sent.back().to, elsewhere);
	sink.armed = 0;
	coalescer->expire();
	EXPECT_EQ(sink.armed, 0u) << "nothing waits";
	add(4);
	EXPECT_EQ(sink.armed, 1300 + delay + delay);
}

TEST_F(CoreCoalescer, KeepsDestinationsApart)
{
	limit(100, 2);
	const CoalescedTo unicast{7, 0};
	add(1);
	add(10, unicast);
	add(2);
	add(20, unicast);
	ASSERT_EQ(sent(), (Lists{{1, 2}, {10, 20}}));
	EXPECT_EQ(sink.sent[0].to, somewhere);
	EXPECT_EQ(sink.sent[1].to, unicast);
}

TEST_F(CoreCoalescer, LetsTheOldestGoWhenThereAreTooManyDestinations)
{
	limit(100, 100);
	constexpr std::uint32_t places = Coalescer<P, Buffer>::destinations;
	for (std::uint32_t portid = 1; portid <= places; ++portid) {
		sink.clock = 1000 + (portid + 2) % places;
		add(portid, {portid, 0});
	}
	EXPECT_EQ(sent(), Lists{});
	add(99, {99, 0});
	ASSERT_EQ(sink.sent.size(), 1u);
	EXPECT_EQ(sink.sent[0].to.portid, places - 2) << "the one whose first message is the oldest";
}

TEST_F(CoreCoalescer, RefusesWhatThereIsNoMemoryFor)
{
	limit(2, 100);
	add(1);
	sink.no_memory = true;
	EXPECT_EQ(add(2), 0) << "there is room for it";
	EXPECT_EQ(add(3), -ENOMEM);
	EXPECT_EQ(sent(), (Lists{{1, 2}})) << "what was full has gone";
	sink.no_memory = false;
	EXPECT_EQ(add(4), 0);
	coalescer->finish();
	EXPECT_EQ(sent(), (Lists{{1, 2}, {4}}));
}

/// What an interrupt does that comes while a datagram is sent, and sends, too.
TEST_F(CoreCoalescer, KeepsTheOrderOfAnInterrupter)
{
	limit(100, 2);
	std::uint32_t next = 3;
	sink.on_deliver = [&] {
		for (unsigned i = 0; i < 3 && next < 30; ++i) {
			EXPECT_EQ(add(next++), 0);
		}
	};
	add(1);
	add(2);
	coalescer->finish();
	std::uint32_t expected = 1;
	for (const auto &messages : sent()) {
		for (const std::uint32_t seq : messages)
			EXPECT_EQ(seq, expected++);
	}
	EXPECT_EQ(expected, next);
}

TEST_F(CoreCoalescer, RefusesMoreThanItsQueueHolds)
{
	limit(100, 1);
	constexpr std::uint32_t depth = Coalescer<P, Buffer>::queue_depth;
	bool first = true;
	std::uint32_t added = 1;
	int refused = 0;
	sink.on_deliver = [&] {
		if (!std::exchange(first, false))
			return;
		while ((refused = add(added + 1)) == 0)
			++added;
	};
	EXPECT_EQ(add(1), 0);
	// All places of the queue, and the datagram that waits for one with its message.
	EXPECT_EQ(refused, -ENOSPC);
	EXPECT_GE(added, depth);
	coalescer->finish();
	std::uint32_t expected = 1;
	for (const auto &messages : sent()) {
		for (const std::uint32_t seq : messages)
			EXPECT_EQ(seq, expected++);
	}
	EXPECT_EQ(expected, added + 1) << "what was added was sent";
}

TEST_F(CoreCoalescer, DoesNotSendForOthersForEver)
{
	limit(100, 1);
	std::uint32_t next = 2;
	sink.on_deliver = [&] { EXPECT_EQ(add(next++), 0); };
	add(1);
	EXPECT_LT(next, 200u);
	EXPECT_EQ(sink.armed, sink.clock + 1) << "the timer sends the rest";
	sink.on_deliver = nullptr;
	coalescer->expire();
	EXPECT_EQ(sink.sent.size(), next - 1);
}

/// Many senders, a timer that never waits, and slow deliveries: each sender's messages arrive in order, and all that
/// were accepted arrive once.
TEST_F(CoreCoalescer, KeepsEachSendersOrder)
{
	limit(8, 5);
	constexpr std::uint32_t senders = 4;
	constexpr std::uint32_t each = 4000;
	std::atomic<bool> stop{false};
	sink.on_deliver = [] { std::this_thread::yield(); };
	std::array<std::vector<std::uint32_t>, senders> accepted;
	std::vector<std::thread> threads;
	for (std::uint32_t sender = 0; sender < senders; ++sender) {
		threads.emplace_back([&, sender] {
			const P::Thread registered;
			// On a machine that is busy with other things, one may be refused for long.
			for (std::uint32_t i = 0; i < each || accepted[sender].size() <= each / 10; ++i) {
				if (add(i * senders + sender) == 0)
					accepted[sender].push_back(i * senders + sender);
				else
					std::this_thread::yield();
			}
		});
	}
	std::thread timer([&] {
		const P::Thread registered;
		while (!stop.load()) {
			sink.clock += delay / 2;
			coalescer->expire();
		}
	});
	join(threads);
	stop = true;
	join({&timer, 1});
	coalescer->finish();
	std::array<std::vector<std::uint32_t>, senders> arrived;
	for (const auto &messages : sent()) {
		EXPECT_LE(messages.size(), 5u);
		for (const std::uint32_t seq : messages)
			arrived[seq % senders].push_back(seq);
	}
	for (std::uint32_t sender = 0; sender < senders; ++sender) {
		EXPECT_EQ(arrived[sender], accepted[sender]);
		EXPECT_GT(accepted[sender].size(), each / 10);
	}
}

} // namespace
} // namespace cnx::test
