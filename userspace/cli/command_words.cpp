// SPDX-License-Identifier: GPL-2.0-only
#include "cli/command_words.hpp"

#include <string_view>

namespace cnx::tool
{
namespace
{

/* The next word from `at` on that is no option, or a `--`, or the end. */
std::size_t behind_options(std::span<const char *const> words, std::size_t at)
{
	for (; at < words.size(); ++at) {
		const std::string_view word = words[at];
		/* The one option before a command whose value may be a word of its own. */
		if (word == "--protocol")
			++at;
		else if (!word.starts_with('-') || word == "--")
			return at;
	}
	return words.size();
}

} // namespace

OwnWords own_words(std::span<const char *const> words)
{
	const std::size_t all = words.size();
	const std::size_t verb = behind_options(words, 1);
	if (verb >= all || words[verb] != std::string_view("run"))
		return {all, all};
	const std::size_t end = behind_options(words, verb + 1);
	if (end >= all)
		return {all, all};
	return {end, words[end] == std::string_view("--") ? end + 1 : end};
}

} // namespace cnx::tool
