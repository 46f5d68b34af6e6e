// SPDX-License-Identifier: GPL-2.0-only
// Subscriptions: readers of a snapshot that is exchanged, the real Subscriptions.
#include "world.hpp"

#include <cnx/core/subscriptions.hpp>

namespace model
{
namespace
{

using Subscriptions = cnx::Subscriptions<World>;

[[nodiscard]] Subscriptions &subject()
{
	reset_state();
	return make<Subscriptions>();
}

void must(cnx::Status status)
{
	if (!status)
		Explorer::instance().fail("a change is refused");
}

/// Finds what a group had before or after a change, and holds it while others run.
void look_up(Subscriptions &all, std::size_t most)
{
	const World::ReadGuard guard;
	std::size_t found = 0;
	for (const cnx::Subscription &each : all.of_group(guard, 1)) {
		Explorer::instance().touch(&each);
		Explorer::instance().step({});
		Explorer::instance().touch(&each);
		found += each.group == 1 && each.portid != 0;
	}
	if (found > most)
		Explorer::instance().fail("a reader saw more than there ever was");
}

void add()
{
	Subscriptions &all = subject();
	Explorer &explorer = Explorer::instance();
	explorer.spawn([&all] { must(all.add({1, 10})); });
	explorer.spawn([&all] { look_up(all, 1); });
}

void change()
{
	Subscriptions &all = subject();
	must(all.add({1, 10}));
	Explorer &explorer = Explorer::instance();
	explorer.spawn([&all] { must(all.add({1, 11})); });
	explorer.spawn([&all] { look_up(all, 2); });
}

void remove()
{
	Subscriptions &all = subject();
	must(all.add({1, 10}));
	Explorer &explorer = Explorer::instance();
	explorer.spawn([&all] { must(all.remove({1, 10})); });
	explorer.spawn([&all] { look_up(all, 1); });
}

void two_writers()
{
	Subscriptions &all = subject();
	Explorer &explorer = Explorer::instance();
	explorer.spawn([&all] { must(all.add({1, 10})); });
	explorer.spawn([&all] { must(all.add({1, 11})); });
	explorer.at_end([&all] {
		if (all.size() != 2)
			Explorer::instance().fail("a subscription is lost");
	});
}

/// Who knows of a subscription does not take its group for one without.
void likely()
{
	struct Subject {
		Subscriptions subscriptions;
		cnx::std::atomic<bool> told{false};
	};
	reset_state();
	Subject &all = make<Subject>();
	Explorer &explorer = Explorer::instance();
	explorer.spawn([&all] {
		must(all.subscriptions.add({1, 10}));
		all.told.store(true, std::memory_order_release, {.function = "told"});
	});
	explorer.spawn([&all] {
		if (all.told.load(std::memory_order_acquire, {.function = "told"}) && !all.subscriptions.likely(1))
			Explorer::instance().fail("a subscription is overlooked");
	});
}

} // namespace

std::vector<Model> subscription_models()
{
	return {{"subscribing first", add},
	        {"subscribing besides", change},
	        {"unsubscribing", remove},
	        {"two who subscribe", two_writers},
	        {"sending to a group that has a subscription", likely}};
}

} // namespace model
