// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stress/exchange.hpp"

namespace cnx::stress
{
namespace
{

constexpr const char *drop_caches = "/proc/sys/vm/drop_caches";
constexpr const char *failslab = "/sys/kernel/debug/failslab/";
constexpr const char *make_it_fail = "/proc/thread-self/make-it-fail";

/* Takes a part of what is available, and no more, and gives it back. */
void take_memory(Worker &worker)
{
	constexpr std::size_t step = std::size_t{1} << 20;
	const auto memory = read_memory();
	const std::size_t size = std::min<std::size_t>(memory ? memory->available / 4 : 0, 64 << 10) << 10;
	/* Not all at once, which would keep this program's other threads from the memory that they touch first. */
	void *const taken = size < step
	                        ? MAP_FAILED
	                        : ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (taken == MAP_FAILED)
		return;
	for (std::size_t at = 0; at + step <= size && worker.go_on(); at += step)
		// SAFETY: the step lies within what was mapped.
		std::memset(static_cast<std::byte *>(taken) + at, 1, step);
	::munmap(taken, size);
	worker.count("memory taken");
}

/*
 * Has one allocation in ten of this thread fail, where the kernel can do that. What is sent may then be refused for
 * want of memory, and so may the word of that; but what is answered is answered rightly.
 */
void fail_allocations(Worker &worker)
{
	auto client = worker.open();
	if (!client) {
		worker.failed("opening a socket", client.error());
		return;
	}
	/* Opened once: to open it again could fail, too. */
	const int fail = ::open(make_it_fail, O_WRONLY | O_CLOEXEC);
	const auto failing = [fail](const char *on) { return ::pwrite(fail, on, 1, 0) == 1; };
	std::uint64_t number = 0;
	while (worker.go_on()) {
		const Question question{client->portid(), worker.number(), ++number};
		const auto payload = write_question(question, worker.stream().between(16, 1024));
		/* Only the sending is to fail, and not what this program does for itself. */
		const bool armed = failing("1");
		const auto sent = client->send({echo_id, static_cast<std::uint32_t>(number), 0, 0, payload});
		if (!armed || !failing("0"))
			break;
		worker.count(sent ? "sent while allocations fail" : "allocations failed");
		while (const auto event = client->receive(client::Timeout::zero())) {
			const auto *message = std::get_if<client::Message>(&*event);
			if (!message)
				continue;
			Question head{};
			if (message->payload.size() >= sizeof(head))
				std::memcpy(&head, message->payload.data(), sizeof(head));
			if (message->payload != write_question(head, message->payload.size()) ||
			    head.portid != client->portid())
				worker.broke({{}, whole_payload, "the echo of what was sent", "other bytes"});
		}
		std::this_thread::sleep_for(std::chrono::milliseconds(1));
	}
	::close(fail);
}

class MemoryPressure : public Scenario
{
public:
	std::string obstacle() override
	{
		if (::access(drop_caches, W_OK))
			return std::string("caches cannot be dropped here: ") + std::strerror(errno);
		return {};
	}

	void run(Worker &worker) override
	{
		std::vector<std::jthread> others;
		others.push_back(worker.beside(1, [](Worker &own) { ask_until_over(own, echo_id, 2048); }));
		if (arm())
			others.push_back(worker.beside(2, fail_allocations));
		while (worker.go_on()) {
			if (worker.stream().once_in(4)) {
				take_memory(worker);
			} else {
				/* 2 and 3 make shrinkers run, that of cnx's magazines among them. */
				const int code = write_file(drop_caches, worker.stream().once_in(2) ? "2" : "3");
				if (code) {
					worker.failed("dropping caches", {code, std::strerror(code)});
					return;
				}
				worker.count("caches dropped");
			}
			worker.sleep(std::chrono::milliseconds(worker.stream().between(5, 200)));
		}
	}

	void restore() override
	{
		if (armed_)
			static_cast<void>(write_file(std::string(failslab) + "probability", "0"));
	}

private:
	/* Makes failslab ready for threads that ask for it, where there is one. */
	bool arm()
	{
		const auto set = [](const char *name, const char *value) {
			return write_file(std::string(failslab) + name, value) == 0;
		};
		if (::access(failslab, F_OK) || ::access(make_it_fail, W_OK))
			return false;
		armed_ = true;
		return set("task-filter", "Y") && set("ignore-gfp-wait", "N") && set("interval", "1") &&
		       set("times", "-1") && set("verbose", "0") && set("probability", "10");
	}

	bool armed_ = false;
};

} // namespace

std::unique_ptr<Scenario> make_memory()
{
	return std::make_unique<MemoryPressure>();
}

} // namespace cnx::stress
