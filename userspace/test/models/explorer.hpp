// SPDX-License-Identifier: GPL-2.0-only
// Runs a program of a few threads in every way in which the C++ memory model lets it run.
#ifndef CNX_TEST_MODELS_EXPLORER_HPP
#define CNX_TEST_MODELS_EXPLORER_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <ucontext.h>
#include <utility>
#include <vector>

namespace model
{

inline constexpr unsigned most_threads = 8;

/// How much of each thread's work has happened before.
using Clock = std::array<std::uint32_t, most_threads>;

/// What a thread has seen: of each location a message, and nothing older any more, and of each thread its work.
struct View {
	std::vector<double> seen; // by location, the time stamp of a message
	Clock clock{};

	void join(const View &other);
	void see(std::size_t location, double stamp);
	[[nodiscard]] double oldest(std::size_t location) const { return location < seen.size() ? seen[location] : 0; }
};

/// A place in the sources where something keeps order, and what it is.
struct Where {
	const char *file = __builtin_FILE();
	const char *function = __builtin_FUNCTION();
	unsigned line = __builtin_LINE();
};

/// How an access to a location is ordered.
struct Order {
	bool acquire = false;
	bool release = false;
};

/// Explores by stateless search: a run is a sequence of choices, and each run takes, from its beginning on, those of
/// the last one up to a choice that has another outcome left (Godefroid, "Model Checking for Programming Languages
/// using VeriSoft", 1997). Choices are which thread takes the next step, which message a load reads, and where among
/// the messages of its location a store goes. Runs that differ only in the order of steps that have nothing to do with
/// each other are run once (sleep sets; Godefroid, 1996), and a step that meets nobody is no step: objects are taken
/// for a thread's own until two threads are seen to meet at one, and then all begins anew with that one shared.
///
/// Memory is that of C++ without read-modify-write across loads out of thin air (RC11; Lahav and others, 2017): a
/// location is a sequence of messages, a thread reads any that is not older than what it has seen, a release puts what
/// its thread has seen into the message, and an acquire takes it out. Sequentially consistent operations are no more
/// here than acquire and release, so whatever holds does not lean on them.
///
/// What a run must not do ends the search: see fail().
class Explorer
{
public:
	/// The only one that there is while a model runs.
	static Explorer &instance();

	/// One step of exploring: an access to one object, alone or with the others that only read it.
	struct Step {
		std::size_t object = 0;
		bool writes = false;
		std::function<bool()> possible{}; // empty: always
	};

	struct Result {
		std::optional<std::string> violation;
		std::uint64_t runs = 0; // to their end
		bool complete = false;  // nothing was left to try
	};

	/// Everything that `program` can do, which makes the state of a run and spawns its threads; `without` names one
	/// thing that is taken away from it, as sites() does.
	Result explore(const std::function<void()> &program, std::string_view without = {});

	/// What was seen to keep order in the explorations of this program, by name: what can be taken away.
	[[nodiscard]] std::set<std::string> sites() const { return met_sites_; }
	/// What comes next is another program.
	void forget()
	{
		met_sites_.clear();
		shared_.clear();
	}

	// For programs.

	void spawn(std::function<void()> body);
	/// After all threads have ended, and having seen all that they did.
	void at_end(std::function<void()> check) { check_ = std::move(check); }
	/// The run is wrong, in one phrase.
	void fail(std::string what);

	// For the world that programs run in.

	/// Lets others go first, and takes the step.
	void step(Step step);
	[[nodiscard]] std::size_t new_object();
	[[nodiscard]] unsigned self() const { return running_; }
	/// One of so many alternatives.
	[[nodiscard]] std::size_t choose(std::size_t alternatives);
	/// Whether what keeps order here has been taken away for this exploration.
	[[nodiscard]] bool taken_away(const Where &where, const char *what);

	[[nodiscard]] View &view() { return threads_[running_].view; }
	/// What the running thread has seen, as others may be told of it. Its work goes on after this.
	[[nodiscard]] View snapshot();
	[[nodiscard]] bool happened(unsigned thread, std::uint32_t work) const
	{
		return threads_[running_].view.clock[thread] >= work;
	}
	[[nodiscard]] std::uint32_t now() const { return threads_[running_].view.clock[running_]; }
	/// A thread that need not end: it waits for what may never come.
	void spawn_helper(std::function<void()> body);

	[[nodiscard]] std::size_t new_location(const void *address, std::uint64_t value);
	[[nodiscard]] std::uint64_t load(std::size_t location, Order order);
	void store(std::size_t location, std::uint64_t value, Order order);
	/// `change` says what to store instead of what is there, or that nothing is to be stored, which makes it a load
	/// ordered as `otherwise`. Returns what was there.
	std::uint64_t change(std::size_t location, Order order, Order otherwise,
	                     const std::function<std::optional<std::uint64_t>(std::uint64_t)> &change);
	/// The address that was loaded last was stored by work that may not have happened before: what lies there
	/// cannot be relied on.
	void check_published(std::uint64_t address);

	/// Zero-filled memory of this run, which is not used again in it.
	[[nodiscard]] void *allocate(std::size_t bytes);
	/// Everybody must be done with it.
	void release(void *memory);
	/// The running thread reads what lies at an address, or writes there, by other means than locations.
	void touch(const void *address, bool write = false);

private:
	struct Message {
		double stamp;
		std::uint64_t value;
		unsigned thread;
		std::uint32_t work;
		bool follows = false;       // directly the one before it, as an atomic change does
		std::optional<View> told{}; // what is seen by whoever acquires it
	};
	struct Location {
		const void *address;
		std::size_t object;
		std::vector<Message> messages{}; // in their order
		Clock used{};
	};
	struct Block {
		std::uintptr_t begin, end;
		Clock read{};
		Clock written{};
		bool released = false;
	};
	struct Thread {
		std::function<void()> body;
		View view{};
		Step pending{};
		bool helper = false;
		bool ended = false;
		ucontext_t context{};
		std::unique_ptr<std::byte[]> stack{};
	};
	/// A choice of a run: which thread goes on, or one of several alternatives.
	struct Choice {
		std::vector<std::size_t> options; // threads, or empty
		std::size_t count;                // of alternatives
		std::size_t taken = 0;
		std::vector<unsigned> asleep{}; // threads whose step was tried before, and commutes with all since
	};

	static void enter();
	void run(const std::function<void()> &program);
	[[nodiscard]] bool next_run();
	[[nodiscard]] bool meets_nobody(const Step &step);
	void go_on();
	[[nodiscard]] bool possible(const Thread &thread) const;
	void switch_to(unsigned thread);
	void end_run();
	[[nodiscard]] Block *block_of(std::uintptr_t address);
	Location &use(std::size_t location);
	std::size_t pick(const Location &location, double oldest, bool for_change);
	void read(const Location &location, std::size_t index, std::size_t message, Order order);

	// Of all explorations.
	std::map<std::tuple<std::string_view, unsigned, std::string_view>, std::string> sites_;
	std::string_view without_;

	// Of all explorations of a program.
	std::set<std::string> met_sites_;
	std::set<std::size_t> shared_; // objects at which threads meet

	// Of one exploration.
	std::vector<Choice> choices_;
	std::optional<std::string> violation_;
	bool pruned_ = false;
	bool met_ = false; // threads have met at an object that was not known to be shared

	// Of one run.
	struct Visitors {
		unsigned readers = 0; // a bit for each thread
		unsigned writers = 0;
	};
	std::map<std::size_t, Visitors> visitors_;
	std::size_t depth_ = 0;
	std::vector<unsigned> asleep_;
	std::vector<Thread> threads_;
	std::vector<std::unique_ptr<std::byte[]>> stacks_;
	std::vector<Location> locations_;
	std::vector<Block> blocks_;
	std::array<std::size_t, most_threads> objects_{}; // that each thread has made
	std::size_t used_ = 0;
	unsigned running_ = 0;
	bool started_ = false;
	std::optional<Message> last_read_;
	std::function<void()> check_;
	ucontext_t main_{};
};

} // namespace model

#endif // CNX_TEST_MODELS_EXPLORER_HPP
