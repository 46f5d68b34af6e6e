// SPDX-License-Identifier: GPL-2.0-only
/* Which of the tool's words are another program's. Pure. */
#ifndef CNX_CLI_COMMAND_WORDS_HPP
#define CNX_CLI_COMMAND_WORDS_HPP

#include <cstddef>
#include <span>

namespace cnx::tool
{

/*
 * How many of the words, the tool's name being the first, are the tool's own. In `cnx run [OPTIONS] [--] COMMAND...`
 * the command and what follows it are not, whatever they look like; in all else, all are. The `--` is nobody's: it is
 * not counted, and `command` begins behind it.
 */
struct OwnWords {
	std::size_t own;
	std::size_t command; /* where the command begins; the number of words, where there is none */
};
OwnWords own_words(std::span<const char *const> words);

} // namespace cnx::tool

#endif // CNX_CLI_COMMAND_WORDS_HPP
