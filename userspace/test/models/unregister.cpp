// SPDX-License-Identifier: GPL-2.0-only
// The promise of unregistering: the real Dispatcher, Registry and RunningCalls.
#include "world.hpp"

#include <cnx/core/dispatcher.hpp>

#include <optional>

namespace model
{
namespace
{

using Dispatcher = cnx::Dispatcher<World>;
using Registry = cnx::Registry<World>;

constexpr cnx::Id id{1, 1};

/// What a driver frees, or unloads, once it has unregistered.
struct Driver {
	Plain<int> state;
	Registry::Entry *entry = nullptr;
	std::size_t work = Explorer::instance().new_object();
};

struct Subject {
	Dispatcher dispatcher{Registry::Calls::Slots::create().value(), Dispatcher::GlobalCounters::create().value()};
	Driver driver;

	explicit Subject(cnx::Kind kind, cnx_callback_fn callback = works)
	{
		cnx::CallbackSpec spec{.id = id,
		                       .kind = kind,
		                       .capability = cnx::no_capability,
		                       .open_to_listeners = false,
		                       .function = callback,
		                       .context = this,
		                       .name = {"model"}};
		driver.entry = dispatcher.registry().add(spec).value();
	}

	static int works(void *context, const cnx_message *, const cnx_sender *)
	{
		// SAFETY: the context that the constructor gave.
		const Driver &driver = static_cast<Subject *>(context)->driver;
		static_cast<void>(driver.state.read());
		// Others run meanwhile.
		Explorer::instance().step({.object = driver.work});
		static_cast<void>(driver.state.read());
		return 0;
	}

	void dispatch()
	{
		cnx_message message{};
		message.id = id;
		static_cast<void>(dispatcher.dispatch(message));
	}

	void unregister()
	{
		if (!dispatcher.registry().remove(std::span(&driver.entry, 1)))
			Explorer::instance().fail("a removal is refused");
		driver.state.write(1);
	}
};

[[nodiscard]] Subject &subject(cnx::Kind kind)
{
	reset_state();
	return make<Subject>(kind);
}

void one_call(cnx::Kind kind)
{
	Subject &all = subject(kind);
	Explorer &explorer = Explorer::instance();
	explorer.spawn([&all] { all.dispatch(); });
	explorer.spawn([&all] { all.unregister(); });
}

void atomic_call()
{
	one_call(cnx::Kind::atomic);
}

void sleepable_call()
{
	one_call(cnx::Kind::sleepable);
}

/// What is left of it without the table, so that more can meet.
struct Bare {
	struct Callback {
		Plain<int> state;
	};
	using Calls = cnx::RunningCalls<World, Callback>;

	Calls calls{Calls::Slots::create().value()};
	cnx::std::atomic<Callback *> published{nullptr};

	void call(bool asks)
	{
		std::optional<World::ReadGuard> guard(std::in_place);
		// It was published long ago; that is the table's part.
		Callback *const callback = published.load(std::memory_order_relaxed);
		if (!callback)
			return;
		const Calls::Call running(calls, *guard, *callback);
		guard.reset();
		if (asks && !calls.running_here(*callback))
			Explorer::instance().fail("a call does not know itself");
		static_cast<void>(callback->state.read());
	}

	void unregister(Callback &callback)
	{
		published.store(nullptr, std::memory_order_relaxed);
		calls.announce_waiter();
		World::synchronize();
		calls.wait(callback);
		calls.dismiss_waiter();
		callback.state.write(1);
	}
};

[[nodiscard]] Bare &bare(Bare::Callback &callback)
{
	Bare &made = make<Bare>();
	made.published.store(&callback, std::memory_order_relaxed);
	return made;
}

void two_calls()
{
	reset_state();
	Bare::Callback &callback = make<Bare::Callback>();
	Bare &all = bare(callback);
	Explorer &explorer = Explorer::instance();
	explorer.spawn([&all] { all.call(false); });
	explorer.spawn([&all] {
		state().cpu[Explorer::instance().self()] = 1;
		all.call(false);
	});
	explorer.spawn([&all, &callback] { all.unregister(callback); });
}

/// A slot that one call leaves and another takes.
void slot_again()
{
	reset_state();
	Bare &all = bare(make<Bare::Callback>());
	Explorer &explorer = Explorer::instance();
	explorer.spawn([&all] { all.call(true); });
	explorer.spawn([&all] { all.call(true); });
}

} // namespace

std::vector<Model> unregister_models()
{
	return {{"unregistering an atomic callback", atomic_call},
	        {"unregistering a sleepable callback", sleepable_call},
	        {"calls that take turns in a slot", slot_again},
	        {"unregistering with two calls", two_calls}};
}

} // namespace model
