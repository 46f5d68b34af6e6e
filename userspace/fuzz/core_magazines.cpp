// SPDX-License-Identifier: GPL-2.0-only
// The magazines against a set of buffers for each CPU: none is lost, none is handed out twice, none is found missing
// that is there, and how many a magazine should hold is what was learned.
#include "fuzz/world.hpp"

#include <cnx/core/magazines.hpp>

#include <algorithm>
#include <array>
#include <memory>

using namespace cnx;
using namespace cnx::fuzz;

namespace
{

struct Buffer {
	int held_by = -1; // a CPU; -1: nobody's but this program's
};

class Player
{
public:
	Player(Input input, Magazines<P, Buffer> &&magazines) : input_(input), magazines_(std::move(magazines))
	{
		aims_.fill(least());
	}
	~Player()
	{
		for (unsigned cpu = 0; cpu < P::cpus; ++cpu)
			magazines_.drain(cpu, [](Buffer &) {});
	}
	Player(const Player &) = delete;
	Player &operator=(const Player &) = delete;

	void play()
	{
		while (!input_.empty()) {
			step();
			check();
		}
	}

private:
	enum class Op : std::uint8_t { Take, TakeMany, Give, GiveMany, GiveTo, WantMore, Drain, Move };

	[[nodiscard]] unsigned depth() const { return magazines_.depth(); }
	[[nodiscard]] unsigned least() const { return std::min(depth(), 16u); }

	/// From one who holds it to another.
	static void pass(Buffer &buffer, int from, int to)
	{
		require(buffer.held_by == from);
		buffer.held_by = to;
	}

	void step()
	{
		switch (static_cast<Op>(input_.below(8))) {
		case Op::Take:
			return take();
		case Op::TakeMany:
			for (unsigned left = input_.take<std::uint8_t>(); left != 0; --left)
				take();
			return;
		case Op::Give:
			return give(P::running_on);
		case Op::GiveMany:
			for (unsigned left = input_.take<std::uint8_t>(); left != 0; --left)
				give(P::running_on);
			return;
		case Op::GiveTo:
			return give(input_.below(P::cpus));
		case Op::WantMore:
			magazines_.want_more();
			aims_[P::running_on] = std::min(aims_[P::running_on] * 2, depth());
			return;
		case Op::Drain:
			return drain();
		case Op::Move:
			P::running_on = input_.below(P::cpus);
			return;
		}
	}

	void take()
	{
		const auto taken = magazines_.take();
		if (!taken.buffer) {
			require(held_[P::running_on] == 0 && taken.level == Magazines<P, Buffer>::Level::dry);
			return;
		}
		require(taken.level != Magazines<P, Buffer>::Level::dry);
		pass(*taken.buffer, static_cast<int>(P::running_on), -1);
		--held_[P::running_on];
		free_.push_back(taken.buffer);
	}

	void give(unsigned cpu)
	{
		if (free_.empty()) {
			all_.push_back(std::make_unique<Buffer>());
			free_.push_back(all_.back().get());
		}
		Buffer *const buffer = free_.back();
		const bool given =
		    cpu == P::running_on && input_.below(2) ? magazines_.give(*buffer) : magazines_.give(cpu, *buffer);
		require(given == (held_[cpu] < depth()));
		if (!given)
			return;
		free_.pop_back();
		pass(*buffer, -1, static_cast<int>(cpu));
		++held_[cpu];
	}

	void drain()
	{
		const unsigned cpu = input_.below(P::cpus);
		const unsigned most = input_.take<std::uint8_t>();
		const unsigned expected = std::min(most, held_[cpu]);
		const unsigned drained = magazines_.drain(
		    cpu,
		    [&](Buffer &buffer) {
			    pass(buffer, static_cast<int>(cpu), -1);
			    --held_[cpu];
			    free_.push_back(&buffer);
		    },
		    most);
		require(drained == expected);
		aims_[cpu] = std::max(aims_[cpu] / 2, least());
	}

	void check()
	{
		for (unsigned cpu = 0; cpu < P::cpus; ++cpu) {
			require(magazines_.size(cpu) == held_[cpu]);
			require(magazines_.wanting(cpu) == aims_[cpu] - std::min(aims_[cpu], held_[cpu]));
		}
	}

	Input input_;
	Magazines<P, Buffer> magazines_;
	std::vector<std::unique_ptr<Buffer>> all_;
	std::vector<Buffer *> free_;
	std::array<unsigned, P::cpus> held_{}; // how many
	std::array<unsigned, P::cpus> aims_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	const Fresh fresh;
	Input input(std::as_bytes(std::span(data, size)));
	// Shallow ones are full and empty soon; the deepest and what is beyond it are tried now and then.
	const auto how = input.take<std::uint8_t>();
	const unsigned depth = how < 0xff ? how % 40 : 1020 + input.below(8);
	const Shortage shortage(input);
	auto magazines = Magazines<P, Buffer>::create(depth);
	if (!magazines)
		require(magazines.error() == Error::invalid ? depth == 0 || depth > 1024 : shortage.happened());
	else
		Player(input, *std::move(magazines)).play();
	return 0;
}
