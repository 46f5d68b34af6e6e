// SPDX-License-Identifier: GPL-2.0-only
// The coalescer under a clock that is moved by hand, with more messages coming while others are being sent: each one
// that was taken is delivered once, in order, in time, and in datagrams within the bounds.
#include "fuzz/world.hpp"

#include <cnx/core/coalescer.hpp>

#include <deque>
#include <map>
#include <optional>

using namespace cnx;
using namespace cnx::fuzz;

namespace
{

struct Buffer {
	explicit Buffer(std::size_t bytes) : room(bytes) {}
	Buffer(Buffer &&) = default;
	Buffer &operator=(Buffer &&) = delete;

	bool append(const cnx_message &message)
	{
		const std::size_t needed = datagram_room(message.length);
		if (needed > room)
			return false;
		room -= needed;
		used += needed;
		messages.push_back(message.seq);
		return true;
	}

	std::size_t room;
	std::size_t used = 0;
	std::vector<std::uint32_t> messages;
};

/// A message that was handed over, and has not been delivered.
struct Waiting {
	std::uint32_t seq;
	bool decided = false; // whether it was taken is known
	bool passed = false;  // later ones were delivered, so it was not
};

class Player final : public CoalescerSink<Buffer>
{
public:
	explicit Player(Input input)
	    : input_(input), limits_{.bytes = input_.take<std::uint8_t>() * std::size_t{8},
	                             .messages = 1 + input_.below(16),
	                             .delay = 1 + input_.take<std::uint8_t>() * std::uint64_t{4}},
	      coalescer_(*this, limits_)
	{
	}

	void play()
	{
		while (!input_.empty()) {
			step();
			check();
		}
		coalescer_.finish();
		for (const auto &[to, waiting] : taken_)
			require(waiting.empty());
	}

	Result<Buffer> allocate(std::size_t bytes) override
	{
		if (no_memory_)
			return std::unexpected(Error::no_memory);
		return Buffer(bytes);
	}

	void deliver(Buffer &&datagram, std::uint32_t messages, const CoalescedTo &to) override
	{
		require(messages == datagram.messages.size() && messages != 0 && messages <= limits_.messages);
		require(datagram.used <= limits_.bytes || messages == 1);
		auto &waiting = taken_[{to.portid, to.group}];
		for (const std::uint32_t seq : datagram.messages) {
			auto at = waiting.begin();
			for (; at != waiting.end() && at->seq != seq; ++at) {
				require(!at->decided);
				at->passed = true;
			}
			require(at != waiting.end() && !at->passed);
			waiting.erase(at);
		}
		// Others send meanwhile, or an interrupt does.
		if (depth_ == 3)
			return;
		++depth_;
		for (unsigned steps = input_.below(48); steps != 0 && !input_.empty(); --steps)
			step();
		--depth_;
	}

	void arm(std::uint64_t nanoseconds) override
	{
		require(nanoseconds != 0 || limits_.delay == 0);
		due_ = now_ + nanoseconds;
	}

	std::uint64_t now() override { return now_; }

private:
	enum class Op : std::uint8_t { Add, AddMany, Wait, WaitForTimer };

	void step()
	{
		switch (static_cast<Op>(input_.below(4))) {
		case Op::Add:
			return add();
		case Op::AddMany:
			for (unsigned left = input_.below(40); left != 0; --left)
				add();
			return;
		case Op::Wait:
			return wait(input_.take<std::uint16_t>() % 2048);
		case Op::WaitForTimer:
			return wait(due_ ? *due_ - std::min(*due_, now_) : 0);
		}
	}

	void add()
	{
		const auto where = input_.take<std::uint8_t>();
		const CoalescedTo to{.portid = where & 3u, .group = where >> 2 & 3u};
		const cnx_message message{
		    .id = {1, 1},
		    .seq = ++seq_,
		    .ack = 0,
		    .flags = 0,
		    .length = static_cast<std::uint16_t>(where >> 7 ? input_.take<std::uint16_t>() % 4096 : where >> 4),
		    .payload = nullptr};
		const bool short_of_memory = input_.take<std::uint8_t>() >= 0xf0;
		no_memory_ = short_of_memory;
		// Before it is there, since it may be sent before add() returns. Others that come meanwhile go behind
		// it.
		auto &waiting = taken_[{to.portid, to.group}];
		waiting.push_back({message.seq});
		const bool nobody_sends = left_to_timer();
		const Status added = coalescer_.add(message, to);
		const auto own = std::find_if(waiting.begin(), waiting.end(),
		                              [&](const Waiting &one) { return one.seq == message.seq; });
		if (added) {
			require(own == waiting.end() || !own->passed);
			if (own != waiting.end())
				own->decided = true;
		} else {
			require(added.error() == Error::no_memory
			            ? short_of_memory
			            : added.error() == Error::no_space && (depth_ != 0 || nobody_sends));
			// Whatever was sent meanwhile, this one was not.
			require(own != waiting.end());
			waiting.erase(own);
		}
		no_memory_ = false;
	}

	/// Time goes on, and the timer that falls due is heeded.
	void wait(std::uint64_t nanoseconds)
	{
		const std::uint64_t until = now_ + nanoseconds;
		while (due_ && *due_ <= until) {
			now_ = std::max(now_, *due_);
			due_.reset();
			coalescer_.expire();
		}
		now_ = std::max(now_, until);
	}

	/// Whether who sent last may have done his share, and left what is queued to the timer.
	[[nodiscard]] bool left_to_timer() const { return due_ && *due_ <= now_ + 1; }

	/// Nothing waits without a timer, nor longer than it should while nobody sends.
	void check() const
	{
		for (const auto &[to, waiting] : taken_) {
			if (waiting.empty())
				continue;
			require(due_ && *due_ >= now_);
			const std::size_t most = left_to_timer()
			                             ? limits_.messages * (Coalescer<P, Buffer>::queue_depth + 1)
			                             : limits_.messages * std::size_t{2} + 40;
			require(waiting.size() <= most);
		}
	}

	Input input_;
	const CoalescingLimits limits_;
	Coalescer<P, Buffer> coalescer_;
	std::map<std::pair<std::uint32_t, std::uint32_t>, std::deque<Waiting>> taken_;
	std::uint64_t now_ = 0;
	std::optional<std::uint64_t> due_;
	std::uint32_t seq_ = 0;
	unsigned depth_ = 0;
	bool no_memory_ = false;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	const Fresh fresh;
	Player(Input(std::as_bytes(std::span(data, size)))).play();
	return 0;
}
