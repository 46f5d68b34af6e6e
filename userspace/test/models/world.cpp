// SPDX-License-Identifier: GPL-2.0-only
#include "world.hpp"

namespace model
{
namespace
{

constexpr std::size_t rcu_object = 1;

[[nodiscard]] Explorer &explorer()
{
	return Explorer::instance();
}

/// What those before have told is seen, and the next one is told.
void exchange(View &told)
{
	explorer().view().join(told);
	told = explorer().snapshot();
}

std::optional<State> the_state;

} // namespace

State &state()
{
	return *the_state;
}

void reset_state()
{
	the_state.emplace();
}

void Rcu::read_lock()
{
	const unsigned self = explorer().self();
	if (depth_[self]++ != 0)
		return;
	explorer().step({.object = rcu_object, .writes = false});
	section_[self] = sections_.size();
	sections_.emplace_back();
	for (GracePeriod &each : grace_periods_) {
		if (each.over || explorer().choose(2) == 0)
			explorer().view().join(each.begun);
		else
			each.sections.push_back(section_[self]);
	}
}

void Rcu::read_unlock()
{
	const unsigned self = explorer().self();
	if (--depth_[self] != 0)
		return;
	explorer().step({.object = rcu_object, .writes = false});
	sections_[section_[self]].ended = explorer().snapshot();
	sections_[section_[self]].open = false;
}

bool Rcu::reading() const
{
	return depth_[explorer().self()] != 0;
}

std::size_t Rcu::begin()
{
	explorer().step({.object = rcu_object, .writes = true});
	GracePeriod &begun = grace_periods_.emplace_back(GracePeriod{.begun = explorer().snapshot()});
	for (std::size_t i = 0; i < sections_.size(); ++i)
		begun.sections.push_back(i);
	return grace_periods_.size() - 1;
}

void Rcu::end(std::size_t number)
{
	explorer().step({.object = rcu_object, .writes = true, .possible = [this, number] {
		                 for (const std::size_t section : grace_periods_[number].sections) {
			                 if (sections_[section].open)
				                 return false;
		                 }
		                 return true;
	                 }});
	for (const std::size_t section : grace_periods_[number].sections)
		explorer().view().join(sections_[section].ended);
	grace_periods_[number].over = true;
}

void Rcu::synchronize()
{
	end(begin());
}

void Rcu::retire(cnx::RetireHead *head, void (*reclaim)(cnx::RetireHead *))
{
	const std::size_t begun = begin();
	explorer().spawn_helper([this, begun, head, reclaim] {
		end(begun);
		reclaim(head);
	});
}

void Lock::lock(Where where)
{
	if (explorer().taken_away(where, "the lock"))
		return;
	explorer().step({.object = object_, .writes = true, .possible = [this] { return !held_; }});
	held_ = true;
	explorer().view().join(seen_);
}

void Lock::unlock()
{
	if (!held_)
		return;
	explorer().step({.object = object_, .writes = true});
	held_ = false;
	exchange(seen_);
}

World::ReadGuard::ReadGuard(Where where)
{
	// The one that is in an optional, so that it can end early, is made by the standard library.
	if (std::string_view(where.file).ends_with("/optional"))
		where = {.file = "dispatcher.hpp", .function = "deliver_sleepable", .line = 0};
	open_ = !explorer().taken_away(where, "the read section");
	if (open_)
		state().rcu.read_lock();
}

World::ReadGuard::~ReadGuard()
{
	if (open_)
		state().rcu.read_unlock();
}

void World::WaitQueue::put_down()
{
	explorer().step({.object = object_, .writes = true});
	waits_[explorer().self()] = true;
	exchange(seen_);
}

void World::WaitQueue::sleep()
{
	const unsigned self = explorer().self();
	explorer().step({.object = object_, .writes = true, .possible = [this, self] { return !waits_[self]; }});
	exchange(seen_);
}

void World::WaitQueue::wake()
{
	explorer().step({.object = object_, .writes = true});
	waits_.fill(false);
	exchange(seen_);
}

void World::retire(cnx::RetireHead *head, void (*reclaim)(cnx::RetireHead *), Where where)
{
	if (explorer().taken_away(where, "the grace period before it is freed"))
		reclaim(head);
	else
		state().rcu.retire(head, reclaim);
}

void World::synchronize(Where where)
{
	if (!explorer().taken_away(where, "the grace period"))
		state().rcu.synchronize();
}

} // namespace model
