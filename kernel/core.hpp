// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_KERNEL_CORE_HPP
#define CNX_KERNEL_CORE_HPP

#include "connector.hpp"
#include "notes.hpp"
#include "platform.hpp"
#include "skb_pool.hpp"

#include <cnx/core/memory.hpp>
#include <cnx/core/protected.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace cnx::kernel
{

/// What a driver registered, as a callback in each namespace that it serves.
class Registered
{
public:
	Registered(const CallbackSpec &spec, const std::optional<CoalescingLimits> &limits, cnx_scope scope)
	    : spec_(spec), limits_(limits), scope_(scope)
	{
	}
	Registered(const Registered &) = delete;
	Registered &operator=(const Registered &) = delete;

private:
	friend class Core;

	struct Placement {
		Connector &connector;
		Entry *entry;
		Placement *next;
	};

	const CallbackSpec spec_;
	const std::optional<CoalescingLimits> limits_;
	const cnx_scope scope_;
	// The core's, under its lock. Once it is leaving, its placements are those of who removes it.
	Placement *placements_ = nullptr;
	bool leaving_ = false;
	Registered *next_ = nullptr; // among those that serve every namespace
};

/// All of cnx between load and unload: the namespaces' connectors, and the callbacks that are registered in each.
class Core
{
public:
	/// May sleep. invalid: these are no dimensions of a pool. no_memory.
	[[nodiscard]] static Result<Owned<Platform, Core>> create(std::string_view version, unsigned pool_depth,
	                                                          std::size_t pool_bytes)
	{
		auto pool = CNX_TRY(SkbPool::create(pool_depth, pool_bytes));
		auto notes = CNX_TRY(Notes::create());
		return Owned<Platform, Core>::create(version, std::move(pool), std::move(notes));
	}

	/// For create(). `version` must outlive it.
	Core(std::string_view version, SkbPool &&pool, Notes &&notes)
	    : version_(version), pool_(std::move(pool)), notes_(std::move(notes))
	{
	}
	Core(const Core &) = delete;
	Core &operator=(const Core &) = delete;

	[[nodiscard]] SkbPool &pool() { return pool_; }
	[[nodiscard]] Notes &notes() { return notes_; }

	/// A connector for one more namespace, with the callbacks that serve every one. May sleep. no_memory.
	[[nodiscard]] Result<Connector *> open() CNX_EXCLUDES(read_section)
	{
		auto connector = CNX_TRY(Connector::create(version_, pool_));
		return state_.with([&](State &state) -> Result<Connector *> {
			for (Registered *each = state.everywhere; each; each = each->next_) {
				if (const Status placed = place(*each, *connector); !placed) {
					displace_all(state, *connector);
					return std::unexpected(placed.error());
				}
			}
			connector->next_ = std::exchange(state.connectors, connector.get());
			return std::move(connector).release();
		});
	}

	/// The end of a namespace's connector, which nobody uses any more but drivers that are unregistering. May
	/// sleep.
	void close(Connector *closed) CNX_EXCLUDES(read_section)
	{
		const auto connector = Owned<Platform, Connector>::adopt(closed);
		state_.with([closed](State &state) {
			Connector **at = &state.connectors;
			while (*at != closed)
				at = &(*at)->next_;
			*at = closed->next_;
			displace_all(state, *closed);
		});
		// Pairs with the release in finish().
		removed_.wait_until([closed] { return closed->removals_.load(std::memory_order_acquire) == 0; });
	}

	/// Register a callback. May sleep. exists, no_memory. What is returned stays the core's until remove() has
	/// taken it.
	[[nodiscard]] Result<Registered *> add(const CallbackSpec &spec, const std::optional<CoalescingLimits> &limits,
	                                       cnx_scope scope, Connector &initial)
	{
		auto added = CNX_TRY((Owned<Platform, Registered>::create(spec, limits, scope)));
		const Status placed = state_.with([&](State &state) -> Status {
			CNX_TRY(place(*added, initial));
			if (scope == CNX_INITIAL_NAMESPACE)
				return {};
			added->next_ = std::exchange(state.everywhere, added.get());
			for (Connector *each = state.connectors; each; each = each->next_) {
				if (each != &initial)
					CNX_TRY(place(*added, *each));
			}
			return {};
		});
		if (placed)
			return std::move(added).release();
		// Where it has a place its callback may be running already. That it can be removed is sure: nobody else
		// knows of it, and who may register may sleep.
		if (added->placements_) {
			Registered *const half = std::move(added).release();
			static_cast<void>(remove(std::span(&half, 1)));
		}
		return std::unexpected(placed.error());
	}

	/// Unregister all of them and free them, as Registry::remove() does, with one grace period for all namespaces.
	[[nodiscard]] Status remove(std::span<Registered *const> all) CNX_EXCLUDES(read_section)
	{
		if (Platform::in_read_section())
			return std::unexpected(Error::deadlock);
		CNX_TRY(state_.with([all](State &state) { return retract(state, all); }));
		Platform::synchronize();
		for (Registered *const each : all)
			finish(Owned<Platform, Registered>::adopt(each));
		return {};
	}

private:
	using Placement = Registered::Placement;

	// INVARIANT: every callback of `everywhere` has a place in every connector, unless it is still being added.
	struct State {
		Connector *connectors = nullptr;
		Registered *everywhere = nullptr;

		void unlink(const Registered &gone)
		{
			Registered **at = &everywhere;
			while (*at && *at != &gone)
				at = &(*at)->next_;
			if (*at)
				*at = gone.next_;
		}
	};

	/// exists, no_memory.
	[[nodiscard]] static Status place(Registered &registered, Connector &connector)
	{
		auto placement =
		    CNX_TRY((Owned<Platform, Placement>::create(connector, nullptr, registered.placements_)));
		placement->entry = CNX_TRY(connector.add(registered.spec_, registered.limits_));
		registered.placements_ = std::move(placement).release();
		return {};
	}

	/// Takes the callbacks that serve every namespace out of one in which nobody can call them any more, or yet.
	static void displace_all(State &state, Connector &connector)
	{
		for (Registered *each = state.everywhere; each; each = each->next_) {
			Placement **at = &each->placements_;
			while (*at && &(*at)->connector != &connector)
				at = &(*at)->next;
			if (!*at)
				continue;
			const auto placement = Owned<Platform, Placement>::adopt(*at);
			*at = placement->next;
			retract(*placement);
			connector.finish(placement->entry);
		}
	}

	/// deadlock, invalid: nothing has changed.
	[[nodiscard]] static Status retract(State &state, std::span<Registered *const> all)
	{
		for (const Registered *const each : all) {
			for (const Placement *at = each->placements_; at; at = at->next) {
				if (at->connector.registry().runs_here(*at->entry))
					return std::unexpected(Error::deadlock);
			}
		}
		if (!flag_all(all, &Registered::leaving_))
			return std::unexpected(Error::invalid);
		for (const Registered *const each : all) {
			if (each->scope_ == CNX_EVERY_NAMESPACE)
				state.unlink(*each);
			for (const Placement *at = each->placements_; at; at = at->next) {
				at->connector.removals_.fetch_add(1, std::memory_order_relaxed);
				retract(*at);
			}
		}
		return {};
	}

	static void retract(const Placement &placement)
	{
		// The registry refuses only what is leaving already, which would have been found out before.
		static_cast<void>(placement.connector.registry().retract(std::span(&placement.entry, 1)));
	}

	void finish(Owned<Platform, Registered> &&gone)
	{
		while (gone->placements_) {
			const auto placement = Owned<Platform, Placement>::adopt(gone->placements_);
			gone->placements_ = placement->next;
			placement->connector.finish(placement->entry);
			// From here on the connector may end.
			placement->connector.removals_.fetch_sub(1, std::memory_order_release);
			removed_.wake();
		}
		if (cnx_k_tracing)
			cnx_k_trace_unregister(gone->spec_.id, gone->spec_.name.data());
	}

	const std::string_view version_;
	SkbPool pool_;
	Notes notes_;
	Platform::WaitQueue removed_;
	Protected<State, Platform::Mutex> state_;
};

} // namespace cnx::kernel

#endif // CNX_KERNEL_CORE_HPP
