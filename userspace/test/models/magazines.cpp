// SPDX-License-Identifier: GPL-2.0-only
// Magazines: takers, givers and drainers of one CPU's row of slots, the real Magazines.
#include "world.hpp"

#include <cnx/core/magazines.hpp>

namespace model
{
namespace
{

/// A buffer, whose content is its owner's.
struct Buffer {
	Plain<int> content;
};

using Ready = cnx::Magazines<World, Buffer>;

struct Subject {
	Ready ready;
	unsigned given = 0;
	unsigned taken = 0;
	unsigned kept = 0; // that found no room

	void give(Buffer &buffer)
	{
		buffer.content.write(1);
		++(ready.give(buffer) ? given : kept);
	}

	void take()
	{
		const auto [buffer, level] = ready.take();
		if (!buffer)
			return;
		++taken;
		buffer->content.write(2);
	}

	void drain()
	{
		ready.drain(0, [this](Buffer &buffer) {
			++taken;
			buffer.content.write(3);
		});
	}

	/// Nothing is lost: what is not in a hand is in a slot.
	void check()
	{
		if (given != taken + ready.size(0))
			Explorer::instance().fail("a buffer is lost, or in two places");
	}
};

[[nodiscard]] Subject &subject(unsigned depth)
{
	reset_state();
	Subject &made = make<Subject>(Ready::create(depth).value());
	Explorer::instance().at_end([&made] { made.check(); });
	return made;
}

/// One fills while another takes.
void give_and_take()
{
	Subject &all = subject(2);
	Explorer &explorer = Explorer::instance();
	explorer.spawn([&all] {
		all.give(make<Buffer>());
		all.give(make<Buffer>());
	});
	explorer.spawn([&all] {
		all.take();
		all.take();
	});
}

/// Two take from a row while a third fills it: an interrupt, a task and the thread that refills.
void two_takers()
{
	Subject &all = subject(1);
	all.give(make<Buffer>());
	Explorer &explorer = Explorer::instance();
	explorer.spawn([&all] { all.take(); });
	explorer.spawn([&all] { all.take(); });
	explorer.spawn([&all] { all.give(make<Buffer>()); });
}

/// Two fill a row with room for one, while a third empties it.
void two_givers()
{
	Subject &all = subject(1);
	Explorer &explorer = Explorer::instance();
	explorer.spawn([&all] { all.give(make<Buffer>()); });
	explorer.spawn([&all] { all.give(make<Buffer>()); });
	explorer.spawn([&all] { all.drain(); });
}

/// A buffer that goes round: who gives it again has had it from another.
void round_trip()
{
	Subject &all = subject(1);
	Buffer &buffer = make<Buffer>();
	all.give(buffer);
	Explorer &explorer = Explorer::instance();
	for (int i = 0; i < 2; ++i) {
		explorer.spawn([&all] {
			const auto [mine, level] = all.ready.take();
			if (!mine)
				return;
			++all.taken;
			all.give(*mine);
		});
	}
}

} // namespace

std::vector<Model> magazine_models()
{
	return {{"a giver and a taker", give_and_take},
	        {"two takers and a giver", two_takers},
	        {"two givers and a drainer", two_givers},
	        {"a buffer that goes round", round_trip}};
}

} // namespace model
