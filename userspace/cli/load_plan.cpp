// SPDX-License-Identifier: GPL-2.0-only
#include "cli/load_plan.hpp"

#include <algorithm>

#include "cli/parse.hpp"

namespace cnx::tool
{
namespace
{

WantedModule &find_or_add(std::vector<WantedModule> &wanted, const std::string &name)
{
	const auto found = std::ranges::find(wanted, name, &WantedModule::name);
	return found != wanted.end() ? *found : wanted.emplace_back(WantedModule{name, {}});
}

} // namespace

std::vector<WantedModule> load_plan(const std::vector<std::string> &words)
{
	std::vector<WantedModule> wanted{{"cnx", {}}};
	std::string current = "cnx";
	for (const auto &word : words) {
		if (word.find('=') != word.npos) {
			find_or_add(wanted, current).parameters.push_back(word);
			continue;
		}
		current = module_name(word);
		find_or_add(wanted, current);
	}
	return wanted;
}

std::vector<std::string> unload_plan(const std::vector<std::string> &words)
{
	std::vector<std::string> names;
	for (const auto &word : words)
		if (const auto name = module_name(word); std::ranges::find(names, name) == names.end())
			names.push_back(name);
	if (names.empty())
		names.emplace_back("cnx");
	std::ranges::stable_partition(names, [](const std::string &name) { return name != "cnx"; });
	return names;
}

std::vector<WantedModule> reload_plan(const std::vector<std::string> &words, const std::vector<std::string> &holders)
{
	auto wanted = load_plan(words);
	const bool named = std::ranges::any_of(
	    words, [](const auto &word) { return word.find('=') == word.npos && module_name(word) == "cnx"; });
	if (!words.empty() && !named && wanted.front().parameters.empty()) {
		wanted.erase(wanted.begin());
		return wanted;
	}
	for (const auto &holder : holders)
		find_or_add(wanted, holder);
	return wanted;
}

} // namespace cnx::tool
