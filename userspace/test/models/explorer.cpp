// SPDX-License-Identifier: GPL-2.0-only
#include "explorer.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace model
{
namespace
{

constexpr std::size_t stack_bytes = 64 * 1024;
constexpr std::size_t arena_bytes = 256 * 1024;
constexpr std::size_t line = 64;
constexpr std::size_t first_object = 2;    // after the beginning of threads, and RCU
constexpr std::size_t most_objects = 4096; // of a thread
alignas(line) std::byte arena[arena_bytes];

[[nodiscard]] bool commute(const Explorer::Step &one, const Explorer::Step &other)
{
	return one.object != other.object || (!one.writes && !other.writes);
}

[[nodiscard]] std::string_view base_name(std::string_view path)
{
	return path.substr(path.rfind('/') + 1);
}

} // namespace

void View::join(const View &other)
{
	seen.resize(std::max(seen.size(), other.seen.size()));
	for (std::size_t i = 0; i < other.seen.size(); ++i)
		seen[i] = std::max(seen[i], other.seen[i]);
	for (unsigned i = 0; i < most_threads; ++i)
		clock[i] = std::max(clock[i], other.clock[i]);
}

void View::see(std::size_t location, double stamp)
{
	if (location >= seen.size())
		seen.resize(location + 1);
	seen[location] = std::max(seen[location], stamp);
}

Explorer &Explorer::instance()
{
	static Explorer instance;
	return instance;
}

Explorer::Result Explorer::explore(const std::function<void()> &program, std::string_view without)
{
	without_ = without;
	choices_.clear();
	violation_.reset();
	Result result;
	do {
		run(program);
		result.runs += !pruned_;
		if (met_) {
			choices_.clear();
			result.runs = 0;
		}
	} while (!violation_ && (std::exchange(met_, false) || next_run()));
	result.complete = !violation_;
	result.violation = violation_;
	return result;
}

bool Explorer::taken_away(const Where &where, const char *what)
{
	auto &name = sites_[{where.file, where.line, what}];
	if (name.empty()) {
		// Of a template, without its arguments.
		const std::string_view function(where.function);
		name = std::string(base_name(where.file)) + '#' + std::string(function.substr(0, function.find('<'))) +
		       ": " + what;
		// A function may have several; they are numbered in the order in which they are met.
		unsigned same = 1;
		for (const auto &[place, other] : sites_)
			same += &other != &name && (other == name || other.starts_with(name + ' '));
		if (same > 1)
			name += ' ' + std::to_string(same);
	}
	met_sites_.insert(name);
	return name == without_;
}

void Explorer::run(const std::function<void()> &program)
{
	depth_ = 0;
	asleep_.clear();
	for (Thread &thread : threads_) {
		if (thread.stack)
			stacks_.push_back(std::move(thread.stack));
	}
	threads_.clear();
	threads_.reserve(most_threads);
	locations_.clear();
	blocks_.clear();
	visitors_.clear();
	objects_.fill(first_object);
	used_ = 0;
	pruned_ = false;
	started_ = false;
	check_ = nullptr;
	running_ = 0;
	threads_.emplace_back().ended = true; // who makes the state
	threads_[0].view.clock[0] = 1;
	program();
	started_ = true;
	if (!violation_) {
		// Comes back when the run is over, from whichever thread that finds it so.
		volatile bool over = false;
		getcontext(&main_);
		if (!over) {
			over = true;
			go_on();
		}
	}
	started_ = false;
	running_ = 0;
	if (violation_ || pruned_ || met_ || !check_)
		return;
	for (const Thread &thread : threads_)
		threads_[0].view.join(thread.view);
	check_();
}

bool Explorer::next_run()
{
	while (!choices_.empty()) {
		if (++choices_.back().taken < choices_.back().count)
			return true;
		choices_.pop_back();
	}
	return false;
}

void Explorer::spawn(std::function<void()> body)
{
	if (threads_.size() == most_threads) {
		std::fputs("models: a model has too many threads; raise most_threads.\n", stderr);
		std::abort();
	}
	const View seen = snapshot();
	Thread &thread = threads_.emplace_back();
	thread.body = std::move(body);
	thread.view = seen;
	thread.view.clock[threads_.size() - 1] = 1;
	if (!stacks_.empty()) {
		thread.stack = std::move(stacks_.back());
		stacks_.pop_back();
	} else {
		thread.stack = std::make_unique_for_overwrite<std::byte[]>(stack_bytes);
	}
	getcontext(&thread.context);
	thread.context.uc_stack.ss_sp = thread.stack.get();
	thread.context.uc_stack.ss_size = stack_bytes;
	thread.context.uc_link = nullptr;
	makecontext(&thread.context, enter, 0);
}

void Explorer::spawn_helper(std::function<void()> body)
{
	spawn(std::move(body));
	threads_.back().helper = true;
}

void Explorer::enter()
{
	Explorer &explorer = instance();
	explorer.threads_[explorer.running_].body();
	explorer.threads_[explorer.running_].ended = true;
	explorer.go_on();
}

void Explorer::fail(std::string what)
{
	if (!violation_)
		violation_ = std::move(what);
	if (started_)
		end_run();
}

void Explorer::end_run()
{
	setcontext(&main_);
}

bool Explorer::possible(const Thread &thread) const
{
	return !thread.ended && (!thread.pending.possible || thread.pending.possible());
}

void Explorer::go_on()
{
	if (depth_ == choices_.size()) {
		Choice choice{.options = {}, .count = 0, .asleep = asleep_};
		bool stuck = true;
		const auto consider = [&](unsigned number) {
			if (!possible(threads_[number]))
				return;
			stuck = false;
			if (std::find(asleep_.begin(), asleep_.end(), number) == asleep_.end())
				choice.options.push_back(number);
		};
		// To go on with the same thread costs least.
		consider(running_);
		for (unsigned number = 1; number < threads_.size(); ++number) {
			if (number != running_)
				consider(number);
		}
		if (stuck) {
			for (const Thread &thread : threads_) {
				if (!thread.ended && !thread.helper)
					fail("somebody waits for ever");
			}
			end_run();
		}
		if (choice.options.empty()) {
			pruned_ = true;
			end_run();
		}
		choice.count = choice.options.size();
		choices_.push_back(std::move(choice));
	}
	const Choice &choice = choices_[depth_++];
	const auto next = static_cast<unsigned>(choice.options[choice.taken]);
	std::vector<unsigned> asleep;
	const auto stays_asleep = [&](unsigned number) {
		if (commute(threads_[number].pending, threads_[next].pending))
			asleep.push_back(number);
	};
	for (const unsigned number : choice.asleep)
		stays_asleep(number);
	for (std::size_t i = 0; i < choice.taken; ++i)
		stays_asleep(static_cast<unsigned>(choice.options[i]));
	asleep_ = std::move(asleep);
	switch_to(next);
}

void Explorer::switch_to(unsigned thread)
{
	const unsigned from = std::exchange(running_, thread);
	if (from == thread)
		return;
	if (threads_[from].ended)
		setcontext(&threads_[thread].context);
	else
		swapcontext(&threads_[from].context, &threads_[thread].context);
}

std::size_t Explorer::new_object()
{
	// The same name in each run, as far as a thread does the same.
	return running_ * most_objects + objects_[running_]++;
}

bool Explorer::meets_nobody(const Step &step)
{
	if (step.object < first_object || shared_.contains(step.object))
		return false;
	Visitors &visitors = visitors_[step.object];
	(step.writes ? visitors.writers : visitors.readers) |= 1u << running_;
	const unsigned everybody = visitors.readers | visitors.writers;
	if (visitors.writers == 0 || std::has_single_bit(everybody))
		return true;
	shared_.insert(step.object);
	met_ = true;
	end_run();
	return false;
}

void Explorer::step(Step step)
{
	if (started_ && !meets_nobody(step)) {
		threads_[running_].pending = std::move(step);
		go_on();
	}
	++view().clock[running_];
}

std::size_t Explorer::choose(std::size_t alternatives)
{
	if (!started_ || alternatives == 1)
		return 0;
	if (depth_ == choices_.size())
		choices_.push_back({.options = {}, .count = alternatives});
	return choices_[depth_++].taken;
}

View Explorer::snapshot()
{
	View seen = view();
	++view().clock[running_];
	return seen;
}

std::size_t Explorer::new_location(const void *address, std::uint64_t value)
{
	Location &location = locations_.emplace_back(Location{.address = address, .object = new_object()});
	location.messages.push_back({.stamp = 0, .value = value, .thread = running_, .work = now()});
	return locations_.size() - 1;
}

Explorer::Location &Explorer::use(std::size_t index)
{
	Location &location = locations_[index];
	// SAFETY: only looks up to whose memory the address belongs.
	const Block *const block = block_of(reinterpret_cast<std::uintptr_t>(location.address));
	if (block && block->released)
		fail("what was freed is used");
	location.used[running_] = now();
	return location;
}

void Explorer::read(const Location &location, std::size_t index, std::size_t message, Order order)
{
	const Message &chosen = location.messages[message];
	if (chosen.stamp == 0 && !happened(chosen.thread, chosen.work))
		fail("what is read may not have been made yet");
	last_read_ = chosen;
	view().see(index, chosen.stamp);
	if (order.acquire && chosen.told)
		view().join(*chosen.told);
}

std::uint64_t Explorer::load(std::size_t index, Order order)
{
	step({.object = locations_[index].object, .writes = false});
	const Location &location = use(index);
	std::size_t readable = 0;
	while (readable < location.messages.size() &&
	       location.messages[location.messages.size() - 1 - readable].stamp >= view().oldest(index))
		++readable;
	const std::size_t chosen = location.messages.size() - 1 - choose(readable);
	const std::uint64_t value = location.messages[chosen].value;
	read(location, index, chosen, order);
	return value;
}

void Explorer::store(std::size_t index, std::uint64_t value, Order order)
{
	step({.object = locations_[index].object, .writes = true});
	Location &location = use(index);
	auto &messages = location.messages;
	if (!started_) {
		// Who makes the state is alone.
		messages.back() = {.stamp = messages.back().stamp, .value = value, .thread = running_, .work = now()};
		return;
	}
	// What it may come directly after.
	std::vector<std::size_t> places;
	for (std::size_t i = messages.size(); i-- > 0 && messages[i].stamp >= view().oldest(index);) {
		if (i + 1 == messages.size() || !messages[i + 1].follows)
			places.push_back(i);
	}
	const std::size_t after = places[choose(places.size())];
	const double stamp = after + 1 == messages.size() ? messages[after].stamp + 1
	                                                  : (messages[after].stamp + messages[after + 1].stamp) / 2;
	view().see(index, stamp);
	Message message{.stamp = stamp, .value = value, .thread = running_, .work = now()};
	if (order.release)
		message.told = snapshot();
	messages.insert(messages.begin() + static_cast<std::ptrdiff_t>(after) + 1, std::move(message));
}

std::uint64_t Explorer::change(std::size_t index, Order order, Order otherwise,
                               const std::function<std::optional<std::uint64_t>(std::uint64_t)> &change)
{
	step({.object = locations_[index].object, .writes = true});
	Location &location = use(index);
	auto &messages = location.messages;
	std::vector<std::size_t> places;
	for (std::size_t i = messages.size(); i-- > 0 && messages[i].stamp >= view().oldest(index);) {
		const bool taken = i + 1 < messages.size() && messages[i + 1].follows;
		if (!taken || !change(messages[i].value))
			places.push_back(i);
	}
	const std::size_t at = places[choose(places.size())];
	const std::uint64_t before = messages[at].value;
	const auto value = change(before);
	if (!value) {
		read(location, index, at, otherwise);
		return before;
	}
	const auto told = messages[at].told;
	read(location, index, at, order);
	const double stamp =
	    at + 1 == messages.size() ? messages[at].stamp + 1 : (messages[at].stamp + messages[at + 1].stamp) / 2;
	view().see(index, stamp);
	Message message{
	    .stamp = stamp, .value = *value, .thread = running_, .work = now(), .follows = true, .told = told};
	if (order.release) {
		View seen = snapshot();
		if (message.told)
			seen.join(*message.told);
		message.told = std::move(seen);
	}
	messages.insert(messages.begin() + static_cast<std::ptrdiff_t>(at) + 1, std::move(message));
	return before;
}

void Explorer::check_published(std::uint64_t address)
{
	if (!block_of(address))
		return;
	if (!happened(last_read_->thread, last_read_->work))
		fail("the address of what may not be there yet is read");
	// SAFETY: the address of a block, which is not followed.
	touch(reinterpret_cast<const void *>(address));
}

void *Explorer::allocate(std::size_t bytes)
{
	const std::size_t whole = (std::max(bytes, std::size_t{1}) + line - 1) / line * line;
	if (used_ + whole > arena_bytes) {
		std::fputs("models: a run needs too much memory; raise arena_bytes.\n", stderr);
		std::abort();
	}
	std::byte *const memory = arena + used_;
	used_ += whole;
	std::memset(memory, 0, whole);
	// SAFETY: only reads the address.
	const auto begin = reinterpret_cast<std::uintptr_t>(memory);
	blocks_.push_back({.begin = begin, .end = begin + whole});
	return memory;
}

Explorer::Block *Explorer::block_of(std::uintptr_t address)
{
	const auto after =
	    std::upper_bound(blocks_.begin(), blocks_.end(), address,
	                     [](std::uintptr_t sought, const Block &block) { return sought < block.begin; });
	if (after == blocks_.begin() || address >= std::prev(after)->end)
		return nullptr;
	return &*std::prev(after);
}

void Explorer::release(void *memory)
{
	// SAFETY: only reads the address.
	Block *const block = block_of(reinterpret_cast<std::uintptr_t>(memory));
	if (!block || block->released)
		return fail("something is freed twice");
	const auto all_done = [this](const Clock &used) {
		for (unsigned thread = 0; thread < most_threads; ++thread) {
			if (!happened(thread, used[thread]))
				return false;
		}
		return true;
	};
	bool done = all_done(block->read) && all_done(block->written);
	for (const Location &location : locations_) {
		// SAFETY: only reads the address.
		const auto address = reinterpret_cast<std::uintptr_t>(location.address);
		if (address >= block->begin && address < block->end)
			done = done && all_done(location.used);
	}
	block->released = true;
	if (!done)
		fail("what is in use is freed");
}

void Explorer::touch(const void *address, bool write)
{
	// SAFETY: only reads the address.
	Block *const block = block_of(reinterpret_cast<std::uintptr_t>(address));
	if (!block)
		return;
	if (block->released)
		return fail("what was freed is used");
	for (unsigned thread = 0; thread < most_threads; ++thread) {
		if (!happened(thread, block->written[thread]) || (write && !happened(thread, block->read[thread])))
			return fail("two threads meet in the same memory");
	}
	(write ? block->written : block->read)[running_] = now();
}

} // namespace model
