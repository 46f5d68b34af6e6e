// SPDX-License-Identifier: GPL-2.0-only
// The core's world in a model: locks, grace periods, memory and wait queues over the explorer, each of which orders
// what it promises to and no more.
#ifndef CNX_TEST_MODELS_WORLD_HPP
#define CNX_TEST_MODELS_WORLD_HPP

#include "atomic.hpp"

#include <cnx/core/platform.hpp>

#include <deque>
#include <vector>

namespace cnx
{

/// Stands in for a socket.
struct Endpoint {
	bool closed = false;
};

} // namespace cnx

namespace model
{

/// RCU as its law says it, for every read section and every grace period: what came before the grace period has
/// happened before the section begins, or the section has happened before the grace period is over (Alglave and others,
/// "Frightening Small Children and Disconcerting Grown-ups", 2018). A section that begins while the grace period runs
/// may turn out to be either.
class Rcu
{
public:
	void read_lock();
	void read_unlock();
	[[nodiscard]] bool reading() const;
	void synchronize();
	/// Calls `reclaim(head)` in a thread of its own, after a grace period that begins now.
	void retire(cnx::RetireHead *head, void (*reclaim)(cnx::RetireHead *));

private:
	struct GracePeriod {
		View begun;
		std::vector<std::size_t> sections{}; // that it waits for
		bool over = false;
	};
	struct Section {
		bool open = true;
		View ended{};
	};

	[[nodiscard]] std::size_t begin();
	void end(std::size_t grace_period);

	std::deque<GracePeriod> grace_periods_;
	std::deque<Section> sections_;
	std::array<unsigned, most_threads> depth_{};
	std::array<std::size_t, most_threads> section_{};
};

/// What each run has of its own.
struct State {
	Rcu rcu;
	std::array<unsigned, most_threads> cpu{};
};
[[nodiscard]] State &state();
/// To be called first by every program.
void reset_state();

/// A lock tells who takes it what those who held it before have seen.
class Lock
{
public:
	Lock() : object_(Explorer::instance().new_object()) {}
	Lock(const Lock &) = delete;
	Lock &operator=(const Lock &) = delete;
	void lock(Where where = {});
	void unlock();

private:
	std::size_t object_;
	bool held_ = false;
	View seen_;
};

struct World {
	class ReadGuard
	{
	public:
		explicit ReadGuard(Where where = {});
		~ReadGuard();
		ReadGuard(const ReadGuard &) = delete;
		ReadGuard &operator=(const ReadGuard &) = delete;

	private:
		bool open_;
	};

	using Mutex = Lock;
	using SpinLock = Lock;

	/// Who sleeps has put himself down before he looks, and looks again each time that somebody wakes.
	class WaitQueue
	{
	public:
		WaitQueue() : object_(Explorer::instance().new_object()) {}
		WaitQueue(const WaitQueue &) = delete;
		WaitQueue &operator=(const WaitQueue &) = delete;

		template <typename Predicate>
		void wait_until(Predicate predicate, Where where = {})
		{
			const bool late = Explorer::instance().taken_away(where, "being put down before looking");
			for (;;) {
				if (late && predicate())
					return;
				put_down();
				if (!late && predicate())
					return;
				sleep();
			}
		}
		void wake();

	private:
		void put_down();
		void sleep();

		std::size_t object_;
		View seen_;
		std::array<bool, most_threads> waits_{};
	};

	struct Counters {
		void *memory = nullptr;
		explicit operator bool() const { return memory != nullptr; }
	};

	static void *allocate(std::size_t bytes) { return Explorer::instance().allocate(bytes); }
	static void *allocate_now(std::size_t bytes) { return allocate(bytes); }
	static void release(void *memory, std::size_t)
	{
		if (memory)
			Explorer::instance().release(memory);
	}
	static void retire(cnx::RetireHead *head, void (*reclaim)(cnx::RetireHead *), Where where = {});
	static void synchronize(Where where = {});
	static void flush_retired() {}

	static unsigned cpu() { return state().cpu[Explorer::instance().self()]; }
	static unsigned cpu_count() { return 2; }
	static const void *task() { return &state().cpu[Explorer::instance().self()]; }
	static bool in_read_section() { return state().rcu.reading(); }
	static bool may_sleep() { return !in_read_section(); }

	static Counters counters_allocate(std::size_t n) { return {allocate(n * sizeof(std::uint64_t))}; }
	static void counters_release(Counters counters, std::size_t) { release(counters.memory, 0); }
	static void counter_add(Counters counters, std::size_t, std::uint64_t)
	{
		Explorer::instance().touch(counters.memory);
	}
	static std::uint64_t counter_read(Counters, std::size_t, unsigned) { return 0; }

	static bool permits(const cnx_sender &, int) { return true; }
	static cnx::Endpoint *endpoint(const cnx_sender &) { return nullptr; }
	static bool is_closed(const cnx::Endpoint *endpoint) { return endpoint->closed; }
};

/// Plain data of a model, in memory that is watched: two threads that meet in it are found.
template <typename T>
class Plain
{
public:
	// SAFETY: the memory is for a T, which is plain data.
	explicit Plain(T value = {}) : data_(static_cast<T *>(Explorer::instance().allocate(sizeof(T))))
	{
		*data_ = value;
	}

	[[nodiscard]] T read() const
	{
		Explorer::instance().touch(data_);
		return *data_;
	}
	void write(T value)
	{
		Explorer::instance().touch(data_, true);
		*data_ = value;
	}

private:
	T *data_;
};

/// Something of a run that no destructor ends, since a run may be left in the middle.
template <typename T, typename... Args>
[[nodiscard]] T &make(Args &&...args)
{
	return *new (Explorer::instance().allocate(sizeof(T))) T(std::forward<Args>(args)...);
}

/// A protocol of the core, and what a program may do with it.
struct Model {
	const char *name;
	void (*program)();
};

[[nodiscard]] std::vector<Model> table_models();
[[nodiscard]] std::vector<Model> unregister_models();
[[nodiscard]] std::vector<Model> magazine_models();
[[nodiscard]] std::vector<Model> subscription_models();
[[nodiscard]] std::vector<Model> loss_models();

} // namespace model

static_assert(cnx::Platform<model::World>);

#endif // CNX_TEST_MODELS_WORLD_HPP
