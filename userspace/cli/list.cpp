// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/output.hpp"
#include "cli/parse.hpp"
#include "cli/verbs.hpp"

namespace cnx::tool
{
namespace
{

int list(const Context &context)
{
	auto client = context.open();
	if (!client)
		return context.fail(client.error());
	const auto callbacks = client->list();
	if (!callbacks)
		return context.fail(callbacks.error());

	if (context.json) {
		Json all = Json::array();
		for (const auto &callback : *callbacks)
			all.push_back(to_json(callback));
		context.print(all);
		return exit_ok;
	}
	put("{:<22} {:<20} {:<9} {:<16} {:>10} {:>8} {:>8} {:>10} {:>8}\n", "ID", "NAME", "KIND", "CAPABILITY",
	    "RECEIVED", "REFUSED", "FAILED", "SENT", "LOST");
	for (const auto &callback : *callbacks)
		put("{:<22} {:<20} {:<9} {:<16} {:>10} {:>8} {:>8} {:>10} {:>8}\n", format_id(callback.id),
		    format_payload(client::bytes(callback.name), false), callback.sleepable ? "sleepable" : "atomic",
		    format_capability(callback.capability), callback.received, callback.refused, callback.failed,
		    callback.sent, callback.lost);
	return exit_ok;
}

} // namespace

void add_list(CLI::App &application, Context &context)
{
	auto *verb = application.add_subcommand("list", "List the callbacks that drivers have registered");
	verb->footer("Examples:\n"
	             "  cnx list\n"
	             "  cnx list -j | jq '.[].name'\n");
	verb->callback([&context] { context.status = list(context); });
}

} // namespace cnx::tool
