// SPDX-License-Identifier: GPL-2.0-only
#include <cerrno>
#include <cstring>

#include <sched.h>

#include "stress/exchange.hpp"

namespace cnx::stress
{
namespace
{

/* Whether a thread may have a namespace of its own; 0 or an errno. */
int try_unshare()
{
	int code = 0;
	std::thread([&code] { code = ::unshare(CLONE_NEWNET) ? errno : 0; }).join();
	return code;
}

/*
 * In a namespace of its own a thread finds either nobody, or a cnx that serves it. A socket that was opened before
 * belongs to the namespace that it was opened in, and goes on as if nothing had happened.
 */
void visit(Worker &worker)
{
	auto before = Asker::open(worker);
	if (!before)
		return;
	if (::unshare(CLONE_NEWNET)) {
		worker.failed("unsharing the network namespace", {errno, std::strerror(errno)});
		return;
	}
	if (auto inside = worker.open()) {
		std::uint64_t answer = worker.stream().next();
		const auto payload = std::as_bytes(std::span(&answer, 1));
		const auto reply = inside->request({echo_id, 0, 0, 0, payload}, std::chrono::seconds(1));
		if (reply && !std::ranges::equal(reply->payload, payload))
			worker.broke(
			    {{}, whole_payload, "the echo of a question from another namespace", "other bytes"});
	}
	for (auto i = worker.stream().between(1, 8); i > 0; --i)
		if (!before->ask(4, worker.stream().between(16, 512), echo_id))
			return;
	if (before->settle())
		before->tell();
}

class Namespaces : public Scenario
{
public:
	std::string obstacle() override
	{
		if (const int code = try_unshare())
			return std::string("a network namespace cannot be made here: ") + std::strerror(code);
		return {};
	}

	void run(Worker &worker) override
	{
		for (unsigned number = 1; worker.go_on(); ++number) {
			/* The namespace ends with the thread. */
			worker.beside(number, visit).join();
			worker.count("namespaces");
			worker.sleep(std::chrono::milliseconds(worker.stream().between(1, 50)));
		}
	}
};

} // namespace

std::unique_ptr<Scenario> make_netns()
{
	return std::make_unique<Namespaces>();
}

} // namespace cnx::stress
