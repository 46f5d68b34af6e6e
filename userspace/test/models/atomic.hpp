// SPDX-License-Identifier: GPL-2.0-only
// What namespace cnx finds under std::atomic in a model: the same interface, over the explorer. To be included before
// any header of the core. Everything else in std is what it is.
#ifndef CNX_TEST_MODELS_ATOMIC_HPP
#define CNX_TEST_MODELS_ATOMIC_HPP

#include "explorer.hpp"

#include <atomic>
#include <cstring>
#include <type_traits>
#include <utility>

namespace model
{

/// Of an operation of that order, what is left of it in this exploration.
[[nodiscard]] inline Order left_of(std::memory_order order, const Where &where)
{
	Explorer &explorer = Explorer::instance();
	Order left;
	if (order == std::memory_order_acquire || order == std::memory_order_acq_rel ||
	    order == std::memory_order_seq_cst)
		left.acquire = !explorer.taken_away(where, "acquire");
	if (order == std::memory_order_release || order == std::memory_order_acq_rel ||
	    order == std::memory_order_seq_cst)
		left.release = !explorer.taken_away(where, "release");
	return left;
}

/// Whether addresses that are loaded at a place are followed. Those in running_calls.hpp are names, and compared.
[[nodiscard]] inline bool is_followed(const Where &where)
{
	return !std::string_view(where.file).ends_with("running_calls.hpp");
}

} // namespace model

namespace cnx::std
{

using namespace ::std;

template <typename T>
class atomic
{
	static_assert(sizeof(T) <= sizeof(::std::uint64_t) && is_trivially_copyable_v<T>);

public:
	atomic() : atomic(T{}) {}
	atomic(T value) : location_(explorer().new_location(this, raw(value))) {}
	atomic(const atomic &) = delete;
	atomic &operator=(const atomic &) = delete;

	T load(memory_order order = memory_order_seq_cst, model::Where where = {}) const
	{
		const T value = cooked(explorer().load(location_, model::left_of(order, where)));
		if constexpr (is_pointer_v<T>) {
			if (model::is_followed(where))
				explorer().check_published(raw(value));
		}
		return value;
	}

	void store(T value, memory_order order = memory_order_seq_cst, model::Where where = {})
	{
		explorer().store(location_, raw(value), model::left_of(order, where));
	}

	T exchange(T value, memory_order order = memory_order_seq_cst, model::Where where = {})
	{
		if (explorer().taken_away(where, "being one step")) {
			const T before = cooked(explorer().load(location_, model::left_of(order, where)));
			explorer().store(location_, raw(value), model::left_of(order, where));
			return before;
		}
		return cooked(explorer().change(location_, model::left_of(order, where), {},
		                                [raw = raw(value)](::std::uint64_t) { return optional(raw); }));
	}

	T fetch_add(T n, memory_order order = memory_order_seq_cst, model::Where where = {})
	{
		return cooked(
		    explorer().change(location_, model::left_of(order, where), {}, [n](::std::uint64_t before) {
			    return optional(raw(static_cast<T>(cooked(before) + n)));
		    }));
	}

	T fetch_sub(T n, memory_order order = memory_order_seq_cst, model::Where where = {})
	{
		return cooked(
		    explorer().change(location_, model::left_of(order, where), {}, [n](::std::uint64_t before) {
			    return optional(raw(static_cast<T>(cooked(before) - n)));
		    }));
	}

	bool compare_exchange_strong(T &expected, T desired, memory_order success, memory_order failure,
	                             model::Where where = {})
	{
		// One that orders nothing else only keeps a hint right.
		if (success != memory_order_relaxed && explorer().taken_away(where, "being one step")) {
			const T seen = cooked(explorer().load(location_, model::left_of(success, where)));
			if (raw(seen) == raw(expected))
				explorer().store(location_, raw(desired), model::left_of(success, where));
			return raw(::std::exchange(expected, seen)) == raw(seen);
		}
		const ::std::uint64_t before =
		    explorer().change(location_, model::left_of(success, where), model::left_of(failure, where),
		                      [expected = raw(expected), desired = raw(desired)](::std::uint64_t value) {
			                      return value == expected ? optional(desired) : nullopt;
		                      });
		const bool done = before == raw(expected);
		expected = cooked(before);
		return done;
	}
	bool compare_exchange_strong(T &expected, T desired, memory_order order, model::Where where = {})
	{
		return compare_exchange_strong(expected, desired, order, memory_order_relaxed, where);
	}

private:
	static model::Explorer &explorer() { return model::Explorer::instance(); }

	static ::std::uint64_t raw(T value)
	{
		::std::uint64_t raw = 0;
		::std::memcpy(&raw, &value, sizeof(T));
		return raw;
	}
	static T cooked(::std::uint64_t raw)
	{
		T value;
		::std::memcpy(&value, &raw, sizeof(T));
		return value;
	}

	// As large as what it stands for, since the core counts on that.
	::std::uint64_t location_;
};

} // namespace cnx::std

#endif // CNX_TEST_MODELS_ATOMIC_HPP
