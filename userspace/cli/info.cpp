// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/output.hpp"
#include "cli/verbs.hpp"

namespace cnx::tool
{
namespace
{

int info(const Context &context)
{
	auto client = context.open();
	if (!client)
		return context.fail(client.error());
	const auto info = client->info();
	if (!info)
		return context.fail(info.error());

	if (context.json) {
		context.print({{"version", info->version},
		               {"protocol", info->protocol},
		               {"groups", info->groups},
		               {"max_message", info->max_message},
		               {"callbacks", info->callbacks},
		               {"subscriptions", info->subscriptions},
		               {"counters", info->counters}});
		return exit_ok;
	}
	put("version        {}\n"
	    "protocol       {}\n"
	    "groups         {}\n"
	    "max message    {} bytes\n"
	    "callbacks      {}\n"
	    "subscriptions  {}\n",
	    info->version, info->protocol, info->groups, info->max_message, info->callbacks, info->subscriptions);
	return exit_ok;
}

} // namespace

void add_info(CLI::App &application, Context &context)
{
	auto *verb = application.add_subcommand("info", "Show the module's version, protocol number and limits");
	verb->footer("Examples:\n"
	             "  cnx info\n"
	             "  cnx info -j -p\n");
	verb->callback([&context] { context.status = info(context); });
}

} // namespace cnx::tool
