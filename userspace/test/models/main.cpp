// SPDX-License-Identifier: GPL-2.0-only
// Explores programs whose outcomes are known, then each model as the code is, which must never go wrong, and then with
// each thing that keeps order taken away, which must. What keeps order is not listed here: it is whatever was met in
// the core's own code. Prints TAP.
//
//	models [DOCUMENT]	the document must name everything that was taken away, and nothing else so
#include "litmus.hpp"
#include "world.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

namespace
{

class Tap
{
public:
	explicit Tap(const char *only) : only_(only ? only : "") {}

	[[nodiscard]] bool wants(const std::string &name) const { return name.find(only_) != std::string::npos; }

	void result(bool passed, const std::string &name, const std::string &remark)
	{
		failed_ += !passed;
		std::printf("%s %u - %s\n", passed ? "ok" : "not ok", ++count_, name.c_str());
		if (!remark.empty())
			std::printf("#   %s\n", remark.c_str());
		std::fflush(stdout);
	}

	[[nodiscard]] int end() const
	{
		std::printf("1..%u\n", count_);
		return failed_ != 0;
	}

private:
	std::string only_;
	unsigned count_ = 0;
	unsigned failed_ = 0;
};

[[nodiscard]] std::vector<model::Model> all_models()
{
	std::vector<model::Model> all;
	for (const auto &some : {model::table_models(), model::unregister_models(), model::magazine_models(),
	                         model::subscription_models(), model::loss_models()})
		all.insert(all.end(), some.begin(), some.end());
	return all;
}

[[nodiscard]] std::string text_of(const char *path)
{
	std::ifstream file(path);
	if (!file) {
		std::fprintf(stderr, "models: %s cannot be read; name a document that is there.\n", path);
		std::exit(2);
	}
	return {std::istreambuf_iterator<char>(file), {}};
}

/// What a document says between backticks that names something to take away: FILE#FUNCTION: WHAT.
[[nodiscard]] std::set<std::string> named_in(const std::string &document)
{
	std::set<std::string> names;
	std::size_t at = document.find('`');
	while (at != std::string::npos) {
		const std::size_t end = std::min(document.find('`', at + 1), document.size());
		const std::string name = document.substr(at + 1, end - at - 1);
		const std::size_t mark = name.find('#');
		if (mark != std::string::npos && name.find(": ", mark) != std::string::npos)
			names.insert(name);
		at = document.find('`', end + 1);
	}
	return names;
}

void judge_explorer(Tap &tap)
{
	for (const model::Litmus &each : model::litmus_tests()) {
		const std::string name = std::string("models: the explorer knows ") + each.name;
		if (!tap.wants(name))
			continue;
		std::string found;
		const auto outcomes = model::outcomes_of(each);
		for (const std::string &outcome : outcomes)
			found += outcome + ' ';
		tap.result(outcomes == each.outcomes, name, found);
	}
}

/// What was taken away, by name, and how that was found out; empty where it was not.
using Caught = std::map<std::string, std::string>;

/// False: not all models were wanted.
[[nodiscard]] bool explore_models(Tap &tap, Caught &caught)
{
	model::Explorer &explorer = model::Explorer::instance();
	bool everything = true;
	for (const model::Model &each : all_models()) {
		const std::string name = std::string("models: ") + each.name + " goes right in every run";
		if (!tap.wants(name)) {
			everything = false;
			continue;
		}
		explorer.forget();
		const auto whole = explorer.explore(each.program);
		tap.result(whole.complete, name,
		           whole.violation ? *whole.violation : std::to_string(whole.runs) + " runs");
		for (const std::string &site : explorer.sites()) {
			const auto maimed = explorer.explore(each.program, site);
			std::string &how = caught[site];
			if (maimed.violation && how.empty())
				how = std::string(each.name) + ": " + *maimed.violation;
		}
	}
	return everything;
}

} // namespace

int main(int count, char **arguments)
{
	if (count > 2 || (count == 2 && arguments[1][0] == '-')) {
		std::fprintf(stderr, "usage: models [DOCUMENT]\n");
		return 2;
	}
	const std::set<std::string> named = named_in(count == 2 ? text_of(arguments[1]) : std::string());
	std::puts("TAP version 13");
	Tap tap(std::getenv("CNX_ONLY"));
	judge_explorer(tap);
	Caught caught;
	const bool everything = explore_models(tap, caught);
	for (const auto &[site, how] : caught) {
		// What one model does not need, another may.
		if (everything || !how.empty())
			tap.result(!how.empty(), "models: something goes wrong without " + site,
			           how.empty() ? "nothing did" : how);
		if (count == 2)
			tap.result(named.contains(site), "models: the document has " + site, "");
	}
	for (const std::string &name : named) {
		if (everything && !caught.contains(name))
			tap.result(false, "models: the document has what is not there any more, " + name, "");
	}
	return tap.end();
}
