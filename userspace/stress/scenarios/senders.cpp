// SPDX-License-Identifier: GPL-2.0-only
#include "stress/exchange.hpp"

namespace cnx::stress
{
namespace
{

constexpr unsigned threads = 4;

/* What a datagram may hold without the send buffer refusing it. */
constexpr std::size_t most_bytes = 64 << 10;

void send(Worker &worker)
{
	auto asker = Asker::open(worker);
	if (!asker)
		return;
	const auto echo = [] { return echo_id; };
	auto &stream = worker.stream();
	for (std::uint64_t round = 1; worker.go_on(); ++round) {
		const auto size = stream.once_in(16) ? stream.between(1024, 16000) : stream.between(16, 1024);
		const auto count = std::min<std::uint64_t>(stream.between(1, 32), most_bytes / size + 1);
		if (!asker->ask(static_cast<unsigned>(count), size, echo))
			return;
		/* Now and then nobody reads for so long that the queue fills, and replies are lost. */
		if (stream.once_in(64)) {
			for (unsigned i = 0; i < 32 && worker.go_on(); ++i)
				if (!asker->send(16, stream.between(16, 1024), echo))
					return;
			if (!asker->settle())
				return;
		}
		if (round % 128 == 0 && !asker->settle())
			return;
	}
	if (asker->settle())
		asker->tell();
}

class Senders : public Scenario
{
public:
	void run(Worker &worker) override
	{
		std::vector<std::jthread> others;
		for (unsigned i = 1; i < threads; ++i)
			others.push_back(worker.beside(i, send));
		send(worker);
		/* Joining is waiting for workers who give signs of life of their own. */
		for (auto &other : others)
			other.join();
		worker.beat();
	}
};

} // namespace

std::unique_ptr<Scenario> make_senders()
{
	return std::make_unique<Senders>();
}

} // namespace cnx::stress
