// SPDX-License-Identifier: GPL-2.0-only
#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/listen.hpp"
#include "cli/output.hpp"
#include "cli/parse.hpp"
#include "cli/time_of_day.hpp"
#include "cli/verbs.hpp"

namespace cnx::tool
{
namespace
{

struct MonitorOptions {
	ListenOptions listen;
	bool hex = false;
};

class Display final : public Audience
{
public:
	Display(const Context &context, bool hex) : context_(context), hex_(hex)
	{
		/* What came at once is written at once: to a file, to a pipe, and to a terminal. */
		std::setvbuf(stdout, nullptr, _IOFBF, std::size_t{256} << 10);
	}

	void message(const client::Message &message) override
	{
		if (context_.json) {
			Json json{{"time", time_of_day()}, {"event", "message"}};
			json.update(to_json(message));
			context_.print(json);
			return;
		}
		put("{} ", time_of_day());
		if (message.group)
			put("group {}", message.group);
		else
			put("unicast");
		put(" {} seq {} ack {} len {}{}{}\n", format_id(message.id), message.seq, message.ack,
		    message.payload.size(), message.payload.empty() ? "" : ": ", format_payload(message.payload, hex_));
	}

	void overrun(const client::Overrun &overrun) override
	{
		if (context_.json) {
			Json json{{"time", time_of_day()}, {"event", "overrun"}, {"overrun", overrun.count}};
			json["missed"] = overrun.missed ? Json(*overrun.missed) : Json(nullptr);
			context_.print(json);
			return;
		}
		put("{} OVERRUN {}: {}; a larger --buffer may help\n", time_of_day(), overrun.count,
		    overrun.missed
		        ? fmt::format("missed {} {}", *overrun.missed, *overrun.missed == 1 ? "message" : "messages")
		        : "missed messages, number unknown");
	}

	void change(const client::CallbackEvent &change, const client::Message &message) override
	{
		const char *what = change.registered ? "registered" : "unregistered";
		const char *kind = change.sleepable ? "sleepable" : "atomic";
		if (context_.json)
			context_.print({{"time", time_of_day()},
			                {"event", what},
			                {"seq", message.seq},
			                {"idx", change.id.idx},
			                {"val", change.id.val},
			                {"name", change.name},
			                {"kind", kind}});
		else
			put("{} control {} {} {} ({})\n", time_of_day(), what, format_id(change.id),
			    format_payload(client::bytes(change.name), false), kind);
	}

	bool flush() override { return flush_output(); }

	/* Beside the messages, for whoever reads only the end of it. */
	void end(const Heard &heard) override
	{
		flush_output();
		if (heard.overruns == 0)
			return;
		if (context_.json) {
			Json json{{"event", "end"}, {"shown", heard.messages}, {"overruns", heard.overruns}};
			json["missed"] = heard.missed_is_whole ? Json(heard.missed) : Json(nullptr);
			json["losses"] = Json::array();
			for (const auto &loss : heard.losses)
				json["losses"].push_back(
				    {{"idx", loss.id.idx}, {"val", loss.id.val}, {"lost", loss.lost}});
			context_.print(json);
			return;
		}
		put(stderr, "cnx: {} shown, {}{} missed in {} {}", heard.messages,
		    heard.missed_is_whole ? "" : "more than ", heard.missed, heard.overruns,
		    heard.overruns == 1 ? "overrun" : "overruns");
		const char *before = ": ";
		for (const auto &loss : heard.losses) {
			put(stderr, "{}{} of {}", before, loss.lost, format_id(loss.id));
			before = ", ";
		}
		put(stderr, "\n");
	}

private:
	const Context &context_;
	bool hex_;
};

} // namespace

void add_monitor(CLI::App &application, Context &context)
{
	auto *verb = application.add_subcommand("monitor", "Show what drivers send, and callbacks coming and going");
	auto options = std::make_shared<MonitorOptions>();
	options->listen.add_to(*verb);
	verb->add_flag("--control", options->listen.control, "Show callbacks coming and going");
	verb->add_flag("--hex", options->hex, "Print payloads in hexadecimal even if they are text");
	verb->footer(
	    "Examples:\n"
	    "  cnx monitor --group 101\n"
	    "  cnx monitor --id 101:1 --count 10 --timeout 5\n"
	    "  cnx monitor --idx 101 --val 2 --hex\n"
	    "  cnx monitor --follow -j >messages\n"
	    "  cnx monitor --control -j\n"
	    "It ends at Ctrl-C, or exits with 5 if --timeout passes before --count is reached. What could not\n"
	    "be read in time is told where it is missing, and summed up at the end.\n");
	verb->callback([&context, options] {
		Display display(context, options->hex);
		context.status = listen(context, options->listen, display);
	});
}

} // namespace cnx::tool
