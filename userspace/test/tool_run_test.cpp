// SPDX-License-Identifier: GPL-2.0-only
/* Which words of `cnx run` are the tool's, and which are the command's. */
#include <initializer_list>
#include <vector>

#include <gtest/gtest.h>

#include "cli/command_words.hpp"

namespace
{

/* How many words are the tool's own, and where the command begins. */
std::vector<std::size_t> own(std::initializer_list<const char *> words)
{
	const std::vector<const char *> all(words);
	const auto [count, command] = cnx::tool::own_words(all);
	return {count, command};
}

using Words = std::vector<std::size_t>;

TEST(tool_run, the_command_begins_at_the_first_word_that_is_no_option)
{
	EXPECT_EQ(own({"cnx", "run", "forkstat", "-e", "exec"}), (Words{2, 2}));
	EXPECT_EQ(own({"cnx", "run", "--root", "forkstat", "-j"}), (Words{3, 3}));
	EXPECT_EQ(own({"cnx", "-j", "run", "run", "--root"}), (Words{3, 3}));
}

TEST(tool_run, two_dashes_are_nobodys)
{
	EXPECT_EQ(own({"cnx", "run", "--", "forkstat"}), (Words{2, 3}));
	EXPECT_EQ(own({"cnx", "run", "--root", "--", "--strange", "--"}), (Words{3, 4}));
	EXPECT_EQ(own({"cnx", "run", "sh", "--", "file"}), (Words{2, 2}));
}

TEST(tool_run, a_value_of_an_option_is_no_command)
{
	EXPECT_EQ(own({"cnx", "--protocol", "11", "run", "--protocol", "28", "ls"}), (Words{6, 6}));
	EXPECT_EQ(own({"cnx", "--protocol", "run", "list", "x"}), (Words{5, 5}));
}

TEST(tool_run, without_a_command_all_words_are_the_tools)
{
	EXPECT_EQ(own({"cnx", "run"}), (Words{2, 2}));
	EXPECT_EQ(own({"cnx", "run", "--root"}), (Words{3, 3}));
	EXPECT_EQ(own({"cnx", "run", "--"}), (Words{2, 3}));
	EXPECT_EQ(own({"cnx", "run", "--protocol"}), (Words{3, 3}));
	EXPECT_EQ(own({"cnx"}), (Words{1, 1}));
	EXPECT_EQ(own({}), (Words{0, 0}));
}

TEST(tool_run, other_verbs_keep_their_words)
{
	EXPECT_EQ(own({"cnx", "send", "32:1", "run", "ls", "-l"}), (Words{6, 6}));
	EXPECT_EQ(own({"cnx", "help", "run"}), (Words{3, 3}));
}

} // namespace
