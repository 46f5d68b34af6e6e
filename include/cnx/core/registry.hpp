// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_CORE_REGISTRY_HPP
#define CNX_CORE_REGISTRY_HPP

#include <cnx/core/annotations.hpp>
#include <cnx/core/callback.hpp>
#include <cnx/core/memory.hpp>
#include <cnx/core/protected.hpp>
#include <cnx/core/rcu_table.hpp>
#include <cnx/core/running_calls.hpp>

#include <algorithm>
#include <span>

namespace cnx
{

/// Sets a flag of all of them, or of none: false if one has it already, or stands there twice.
template <typename T>
[[nodiscard]] bool flag_all(std::span<T *const> all, bool T::*flag)
{
	for (std::size_t i = 0; i < all.size(); ++i) {
		if (!std::exchange(all[i]->*flag, true))
			continue;
		for (T *const each : all.first(i))
			each->*flag = false;
		return false;
	}
	return true;
}

/// The registered callbacks: who comes, who goes, and the promise that one who has gone is not running.
template <Platform P>
class Registry
{
public:
	using Entry = Callback<P>;
	using Calls = RunningCalls<P, Entry>;

	explicit Registry(typename Calls::Slots &&slots) : calls_(std::move(slots)), state_(table_) {}
	Registry(const Registry &) = delete;
	Registry &operator=(const Registry &) = delete;

	/// Every callback that its driver left behind is dropped; no reader and no call may be left.
	~Registry()
	{
		state_.with([](State &state) {
			while (state.first) {
				Entry *const entry = state.first;
				state.unlink(*entry);
				static_cast<void>(Owned<P, Entry>::adopt(entry));
			}
		});
	}

	static constexpr int default_capability = 12; // CAP_NET_ADMIN
	/// Highest capability that exists (CAP_CHECKPOINT_RESTORE). A kernel that knows more is asked no more of.
	static constexpr int last_capability = 40;

	/// What a driver asked for, as a CallbackSpec. invalid: a part is missing, too long or unknown.
	[[nodiscard]] static Result<CallbackSpec> check(Id id, const char *name, cnx_callback_fn function,
	                                                void *context, int kind, int sender, bool open_to_listeners)
	{
		CallbackSpec spec{.id = id,
		                  .kind = kind == CNX_KIND_SLEEPABLE ? Kind::sleepable : Kind::atomic,
		                  .capability = default_capability,
		                  .open_to_listeners = open_to_listeners,
		                  .function = function,
		                  .context = context,
		                  .name = {}};
		if (!function || !name || (kind != CNX_KIND_ATOMIC && kind != CNX_KIND_SLEEPABLE))
			return std::unexpected(Error::invalid);
		if (sender == CNX_SENDER_ANYONE)
			spec.capability = no_capability;
		else if (sender != CNX_SENDER_NET_ADMIN)
			spec.capability = sender > 0 ? sender - CNX_SENDER_CAPABLE(0) : last_capability + 1;
		if (spec.capability > last_capability)
			return std::unexpected(Error::invalid);
		std::size_t length = 0;
		CNX_UNSAFE_BUFFERS_BEGIN
		// SAFETY: a name ends with a NUL, or it is not read any further than it may be long.
		while (length < spec.name.size() && name[length] != '\0') {
			spec.name[length] = name[length];
			++length;
		}
		CNX_UNSAFE_BUFFERS_END
		if (length == 0 || length == spec.name.size())
			return std::unexpected(Error::invalid);
		return spec;
	}

	/// Register. May sleep. exists, no_memory. The entry stays the registry's until remove() has taken it.
	[[nodiscard]] Result<Entry *> add(const CallbackSpec &spec) CNX_EXCLUDES(read_section)
	{
		auto entry = CNX_TRY(Entry::create(spec));
		return state_.with([&](State &state) -> Result<Entry *> {
			entry->label_->serial = state.next_serial;
			CNX_TRY(state.writer.insert(*entry));
			++state.next_serial;
			Entry *const added = std::move(entry).release();
			state.append(*added);
			return added;
		});
	}

	/// Unregister all of `entries` and free them. May sleep: one grace period for them all, and their running
	/// calls. With nothing changed, deadlock: called from a read section or from inside a call of one of them;
	/// invalid: one of them stands in `entries` twice, or is being removed by someone else. `gone(entry)` is called
	/// for each when the promise holds, last of all before the entry is freed.
	template <typename Gone>
	[[nodiscard]] Status remove(std::span<Entry *const> entries, Gone &&gone) CNX_EXCLUDES(read_section)
	{
		if (P::in_read_section() ||
		    std::any_of(entries.begin(), entries.end(), [this](Entry *entry) { return runs_here(*entry); }))
			return std::unexpected(Error::deadlock);
		CNX_TRY(retract(entries));
		P::synchronize();
		finish(entries, std::forward<Gone>(gone));
		return {};
	}
	[[nodiscard]] Status remove(std::span<Entry *const> entries) CNX_EXCLUDES(read_section)
	{
		return remove(entries, [](const Entry &) {});
	}

	/// Whether to wait for the end of the entry's calls, here and now, would be to wait for oneself.
	[[nodiscard]] bool runs_here(const Entry &entry)
	{
		return entry.kind() == Kind::sleepable && calls_.running_here(entry);
	}

	/// The first half of remove(), for who removes from several registries with one grace period for them all: from
	/// here on nobody finds the entries who has not found them yet. invalid, with nothing changed: as for remove().
	[[nodiscard]] Status retract(std::span<Entry *const> entries) CNX_EXCLUDES(read_section)
	{
		CNX_TRY(state_.with([&](State &state) -> Status {
			if (!flag_all(entries, &Entry::leaving_))
				return std::unexpected(Error::invalid);
			for (Entry *const entry : entries) {
				// It is live by the registry's own invariant, so there is nothing to report.
				static_cast<void>(state.writer.erase(entry->key()));
				state.unlink(*entry);
			}
			return {};
		}));
		calls_.announce_waiter();
		return {};
	}

	/// The second half, a grace period after the first: waits for the running calls, and frees. May sleep.
	template <typename Gone>
	void finish(std::span<Entry *const> entries, Gone &&gone) CNX_EXCLUDES(read_section)
	{
		for (Entry *const entry : entries) {
			if (entry->kind() == Kind::sleepable)
				calls_.wait(*entry);
		}
		calls_.dismiss_waiter();
		state_.with([&](State &state) {
			for (Entry *const entry : entries)
				state.writer.recycle(*entry);
		});
		for (Entry *const entry : entries) {
			gone(static_cast<const Entry &>(*entry));
			static_cast<void>(Owned<P, Entry>::adopt(entry));
		}
	}

	/// The callback of an id, or nullptr; valid while the guard is open.
	[[nodiscard]] Entry *find(const typename P::ReadGuard &guard CNX_LIFETIME_BOUND, Id id) const
	{
		return table_.find(guard, key_of(id));
	}
	Entry *find(const typename P::ReadGuard &&, Id) const = delete;

	[[nodiscard]] Calls &calls() { return calls_; }

	/// Number of registered callbacks.
	[[nodiscard]] std::size_t size() CNX_EXCLUDES(read_section)
	{
		return state_.with([](State &state) { return state.writer.size(); });
	}

	/// Hand entries to `visit`, in order of registration, from the first whose serial is above `after` on, until
	/// it returns false. Returns whether it went through to the end. May sleep; `visit` must not register.
	template <typename Visit>
	bool visit_after(std::uint64_t after, Visit &&visit) CNX_EXCLUDES(read_section)
	{
		return state_.with([&](State &state) {
			Entry *entry = state.first_after(after);
			for (; entry; entry = entry->next_) {
				if (!visit(static_cast<const Entry &>(*entry)))
					return false;
				state.hint = entry;
			}
			return true;
		});
	}

	/// Whether a callback with this idx, whatever its val, lets anyone listen, and none forbids it.
	[[nodiscard]] bool open_to_listeners(std::uint32_t idx) CNX_EXCLUDES(read_section)
	{
		bool open = false;
		return visit_after(0,
		                   [&](const Entry &entry) {
			                   if (entry.id().idx != idx)
				                   return true;
			                   open = entry.open_to_listeners();
			                   return open;
		                   }) &&
		       open;
	}

private:
	// INVARIANT: an entry is in the list if and only if its id is live in the table.
	struct State {
		explicit State(RcuTable<P, Entry> &table) : writer(table) {}

		typename RcuTable<P, Entry>::Writer writer;
		Entry *first = nullptr;
		Entry *last = nullptr;
		Entry *hint = nullptr; // where the last visit was, so that a listing page by page stays linear
		std::uint64_t next_serial = 1;

		void append(Entry &entry)
		{
			entry.previous_ = last;
			(last ? last->next_ : first) = &entry;
			last = &entry;
		}

		void unlink(Entry &entry)
		{
			if (hint == &entry)
				hint = nullptr;
			(entry.previous_ ? entry.previous_->next_ : first) = entry.next_;
			(entry.next_ ? entry.next_->previous_ : last) = entry.previous_;
		}

		[[nodiscard]] Entry *first_after(std::uint64_t serial) const
		{
			// A cursor from outside may be beyond every callback; finding that out must not cost a walk.
			if (!last || last->serial() <= serial)
				return nullptr;
			Entry *entry = hint && hint->serial() <= serial ? hint : first;
			while (entry && entry->serial() <= serial)
				entry = entry->next_;
			return entry;
		}
	};

	RcuTable<P, Entry> table_;
	Calls calls_;
	Protected<State, typename P::Mutex> state_;
};

} // namespace cnx

#endif // CNX_CORE_REGISTRY_HPP
