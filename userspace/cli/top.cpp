// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/screen.hpp"
#include "cli/top_model.hpp"
#include "cli/verbs.hpp"

namespace cnx::tool
{
namespace
{

using Clock = Interrupt::Clock;

struct TopOptions {
	double delay = 1; /* seconds */
	TopOrder order = TopOrder::Sent;
	bool once = false;
};

Json to_json(const TopFrame &frame)
{
	const auto us = [](std::chrono::nanoseconds time) {
		return std::chrono::duration<double, std::micro>(time).count();
	};
	Json json{{"seconds", frame.rates.seconds}, {"rates", Json::object()}};
	for (std::size_t index = 0; index < frame.rates.counters.size(); ++index)
		json["rates"][counter_name(index).name] = frame.rates.counters[index];
	json["latency_us"] = {{"last", us(frame.latency.last)},
	                      {"median", us(frame.latency.median)},
	                      {"p99", us(frame.latency.p99)},
	                      {"worst", us(frame.latency.worst)}};
	json["pool_hits"] = frame.pool_hits ? Json(*frame.pool_hits) : Json(nullptr);
	json["callbacks"] = Json::array();
	for (const auto &callback : frame.rates.callbacks)
		json["callbacks"].push_back({{"idx", callback.id.idx},
		                             {"val", callback.id.val},
		                             {"name", callback.name},
		                             {"received", callback.received},
		                             {"refused", callback.refused},
		                             {"failed", callback.failed},
		                             {"sent", callback.sent},
		                             {"lost", callback.lost}});
	json["listeners"] = Json::array();
	for (const auto &listener : frame.rates.listeners)
		json["listeners"].push_back({{"portid", listener.portid},
		                             {"idx", listener.id.idx},
		                             {"val", listener.id.val},
		                             {"lost", listener.lost},
		                             {"total", listener.total}});
	return json;
}

Clock::duration delay_of(const TopOptions &options)
{
	return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.delay));
}

client::Result<void> refresh(client::Client &client, TopModel &model)
{
	auto sample = take_sample(client);
	if (!sample)
		return std::unexpected(sample.error());
	model.add(std::move(*sample));
	return {};
}

int show_once(const Context &context, const TopOptions &options, client::Client &client)
{
	const Interrupt interrupt;
	TopModel model;
	while (true) {
		if (const auto refreshed = refresh(client, model); !refreshed)
			return context.fail(refreshed.error());
		if (model.ready())
			break;
		Interrupt::wait(-1, Clock::now() + delay_of(options));
		if (Interrupt::asked())
			return exit_ok;
	}
	const auto frame = model.frame(options.order, false);
	if (context.json)
		context.print(to_json(frame));
	else
		for (const auto &line : top_lines(frame))
			put("{}\n", line.text);
	return exit_ok;
}

/* What the user has asked for with keys. */
struct Wishes {
	TopOrder order;
	bool reversed = false;
	bool end = false;
	std::size_t from = 0; /* lines of the tables that are scrolled away */

	void obey(int key)
	{
		switch (key) {
		case 's':
			order = TopOrder::Sent;
			break;
		case 'r':
			order = TopOrder::Received;
			break;
		case 'l':
			order = TopOrder::Lost;
			break;
		case 'n':
			order = TopOrder::Name;
			break;
		case 'i':
			order = TopOrder::Id;
			break;
		case 'R':
			reversed = !reversed;
			break;
		case 'j':
			++from;
			break;
		case 'k':
			from -= from > 0;
			break;
		case 'q':
			end = true;
			break;
		default:
			break;
		}
	}
};

/* The counters and the head of the first table stay where they are. */
constexpr std::size_t fixed_lines = 8;

void show(Screen &screen, const TopModel &model, Wishes &wishes)
{
	if (!model.ready()) {
		screen.show({{"measuring the first interval"}}, 1, 0, "q quit");
		return;
	}
	const auto lines = top_lines(model.frame(wishes.order, wishes.reversed));
	wishes.from = std::min(wishes.from, lines.size() - std::min(lines.size(), fixed_lines + 1));
	screen.show(lines, fixed_lines, wishes.from,
	            "q quit  sort by: s sent  r received  l lost  n name  i id  R reversed  j k scroll");
}

client::Result<void> run(Screen &screen, client::Client &client, const TopOptions &options)
{
	TopModel model;
	Wishes wishes{options.order};
	auto next = Clock::now();
	int silent = 0;
	while (!wishes.end && !Interrupt::asked()) {
		if (Clock::now() >= next) {
			if (auto refreshed = refresh(client, model); !refreshed)
				return refreshed;
			next = Clock::now() + delay_of(options);
		}
		show(screen, model, wishes);
		const auto woken = Interrupt::wait(0, next);
		bool any = false;
		for (int key = screen.key(); key != -1; key = screen.key()) {
			wishes.obey(key);
			any = true;
		}
		/* A terminal that has gone is always readable, and never says anything. */
		silent = woken == Interrupt::Woken::Ready && !any ? silent + 1 : 0;
		wishes.end |= silent > 3;
	}
	return {};
}

int top(const Context &context, const TopOptions &options)
{
	if (context.json && !options.once)
		return context.misuse("-j is for --once: for JSON again and again use `cnx stats --watch -j`");
	auto client = context.open();
	if (!client)
		return context.fail(client.error());
	if (options.once)
		return show_once(context, options, *client);
	const Interrupt interrupt;
	client::Result<void> done;
	{
		auto screen = Screen::open();
		if (!screen)
			return context.fail(screen.error());
		done = run(*screen, *client, options);
	}
	return done ? exit_ok : context.fail(done.error());
}

} // namespace

void add_top(CLI::App &application, Context &context)
{
	auto *verb = application.add_subcommand("top", "Show rates, drops, magazines and latency as they change");
	auto options = std::make_shared<TopOptions>();
	static const std::map<std::string, TopOrder> orders = {{"sent", TopOrder::Sent},
	                                                       {"received", TopOrder::Received},
	                                                       {"lost", TopOrder::Lost},
	                                                       {"name", TopOrder::Name},
	                                                       {"id", TopOrder::Id}};
	verb->add_option("--delay", options->delay, "Seconds from one look to the next")
	    ->check(CLI::Range(0.1, 3600.0))
	    ->capture_default_str();
	verb->add_option("--sort", options->order, "What callbacks are sorted by: sent, received, lost, name or id")
	    ->transform(CLI::CheckedTransformer(orders))
	    ->option_text("ORDER");
	verb->add_flag("--once", options->once, "One frame as text, or as JSON under -j, without a terminal");
	verb->footer(
	    "Keys: q or Ctrl-C ends it; s, r, l, n, i sort by sent, received, lost, name, id, and R turns the\n"
	    "order round; j and k scroll. Latency is that of a request to cnx itself, one at each look.\n"
	    "Examples:\n"
	    "  cnx top\n"
	    "  cnx top --delay 5 --sort lost\n"
	    "  cnx top --once -j\n");
	verb->callback([&context, options] { context.status = top(context, *options); });
}

} // namespace cnx::tool
