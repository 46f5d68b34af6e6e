// SPDX-License-Identifier: GPL-2.0-only
// Losses: counts that are made, raised, visited and forgotten at the same time, the real Losses.
#include "world.hpp"

#include <cnx/core/losses.hpp>

namespace model
{
namespace
{

using Losses = cnx::Losses<World>;

constexpr cnx::Id id{1, 1};
constexpr cnx::Id other{1, 2};

/// A portid whose pair with the id lies in the chain of another's. Where Losses hashes otherwise by now, they do not,
/// and what they are needed for is not found out any more.
[[nodiscard]] constexpr std::uint32_t collides_with(std::uint32_t portid)
{
	const auto chain = [](std::uint32_t of) {
		return (cnx::key_of(id) ^ std::uint64_t{of} << 17) * 0x9e3779b97f4a7c15u >> 56;
	};
	std::uint32_t other = portid + 1;
	while (chain(other) != chain(portid))
		++other;
	return other;
}

[[nodiscard]] Losses &subject()
{
	reset_state();
	return make<Losses>();
}

void lose(Losses &all, std::uint32_t portid, cnx::Id which = id)
{
	if (!all.add(portid, which, 1))
		Explorer::instance().fail("a loss is not counted");
}

[[nodiscard]] std::uint64_t sum(const Losses &all)
{
	std::uint64_t lost = 0;
	std::uint64_t last = 0;
	all.visit_after(0, [&](std::uint64_t serial, const cnx_loss &loss) {
		if (serial <= last || loss.portid == 0)
			Explorer::instance().fail("a visitor saw what is not whole");
		last = serial;
		lost += loss.lost;
		return true;
	});
	return lost;
}

void expect(Losses &all, std::uint64_t losses)
{
	Explorer::instance().at_end([&all, losses] {
		if (sum(all) != losses)
			Explorer::instance().fail("a loss is not counted, or twice");
	});
}

/// Two who lose the same for the first time make one count.
void first()
{
	Losses &all = subject();
	expect(all, 2);
	for (int i = 0; i < 2; ++i)
		Explorer::instance().spawn([&all] { lose(all, 7); });
}

/// A visitor meanwhile, and a count that is there.
void visit()
{
	Losses &all = subject();
	lose(all, 7);
	expect(all, 2);
	Explorer::instance().spawn([&all] { lose(all, 7, other); });
	Explorer::instance().spawn([&all] { static_cast<void>(sum(all)); });
}

/// The socket closes while somebody loses for it.
void forget()
{
	Losses &all = subject();
	lose(all, 7);
	Explorer::instance().spawn([&all] { all.forget(7); });
	Explorer::instance().spawn([&all] { lose(all, 7); });
}

/// The one behind which another was found is forgotten: the one that stays is reached past it.
void forget_before()
{
	// Two pairs of one hash.
	static constexpr std::uint32_t stays = 1;
	static constexpr std::uint32_t goes = collides_with(stays);
	Losses &all = subject();
	expect(all, 2);
	Explorer::instance().spawn([&all] {
		lose(all, stays);
		lose(all, goes);
		all.forget(goes);
	});
	Explorer::instance().spawn([&all] { lose(all, stays); });
}

/// The same while somebody visits.
void forget_and_visit()
{
	Losses &all = subject();
	lose(all, 7);
	lose(all, 8);
	Explorer::instance().spawn([&all] { all.forget(7); });
	Explorer::instance().spawn([&all] { static_cast<void>(sum(all)); });
}

} // namespace

std::vector<Model> loss_models()
{
	return {{"losing for the first time", first},
	        {"losing while somebody visits", visit},
	        {"forgetting while somebody loses", forget},
	        {"forgetting one of a chain", forget_before},
	        {"forgetting while somebody visits", forget_and_visit}};
}

} // namespace model
