// SPDX-License-Identifier: GPL-2.0-only
/* The exposition is read by a parser as strict as Prometheus's own, written from the format's description. */
#include <cctype>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "cli/prometheus.hpp"

namespace
{

using namespace cnx;

struct Line {
	std::string name;
	std::map<std::string, std::string> labels;
	std::string value;
};

bool is_name(std::string_view text, bool colons)
{
	if (text.empty() || std::isdigit(static_cast<unsigned char>(text.front())))
		return false;
	for (const char character : text)
		if (!std::isalnum(static_cast<unsigned char>(character)) && character != '_' &&
		    !(colons && character == ':'))
			return false;
	return true;
}

std::optional<Line> parse_sample(std::string_view text)
{
	Line line;
	const auto end = text.find_first_of("{ ");
	if (end == text.npos)
		return std::nullopt;
	line.name = text.substr(0, end);
	text.remove_prefix(end);
	if (text.front() == '{') {
		do {
			text.remove_prefix(1);
			const auto equals = text.find("=\"");
			if (equals == text.npos || !is_name(text.substr(0, equals), false))
				return std::nullopt;
			std::string &value = line.labels[std::string(text.substr(0, equals))];
			if (!value.empty())
				return std::nullopt;
			text.remove_prefix(equals + 2);
			while (!text.empty() && text.front() != '"') {
				if (text.front() == '\\') {
					text.remove_prefix(1);
					if (text.empty() || std::string_view("\\\"n").find(text.front()) == text.npos)
						return std::nullopt;
					value += text.front() == 'n' ? '\n' : text.front();
				} else {
					value += text.front();
				}
				text.remove_prefix(1);
			}
			if (text.size() < 2)
				return std::nullopt;
			text.remove_prefix(1);
		} while (text.front() == ',');
		if (!text.starts_with("} "))
			return std::nullopt;
		text.remove_prefix(1);
	}
	text.remove_prefix(1);
	line.value = text;
	if (!is_name(line.name, true) || line.value.empty() ||
	    line.value.find_first_not_of("0123456789") != std::string::npos)
		return std::nullopt;
	return line;
}

/* Reads a whole exposition, and fails the test where it breaks a rule. */
std::vector<Line> parse_exposition(const std::string &text)
{
	std::vector<Line> lines;
	std::set<std::string> seen_metrics;
	std::set<std::pair<std::string, std::map<std::string, std::string>>> seen_series;
	std::string help_of;
	std::string current;
	std::string type;
	EXPECT_TRUE(text.ends_with('\n'));
	for (std::size_t at = 0; at < text.size();) {
		const auto end = text.find('\n', at);
		const std::string line = text.substr(at, end - at);
		at = end + 1;
		if (line.starts_with("# HELP ")) {
			help_of = line.substr(7, line.find(' ', 7) - 7);
			EXPECT_TRUE(is_name(help_of, true)) << line;
			EXPECT_GT(line.size(), 8 + help_of.size()) << line;
		} else if (line.starts_with("# TYPE ")) {
			const auto blank = line.find(' ', 7);
			current = line.substr(7, blank - 7);
			type = line.substr(blank + 1);
			EXPECT_EQ(current, help_of);
			EXPECT_TRUE(seen_metrics.insert(current).second) << "twice: " << current;
			EXPECT_TRUE(type == "counter" || type == "gauge") << line;
			EXPECT_EQ(type == "counter", current.ends_with("_total")) << line;
		} else {
			const auto sample = parse_sample(line);
			EXPECT_TRUE(sample) << line;
			if (!sample)
				continue;
			EXPECT_EQ(sample->name, current) << line;
			EXPECT_TRUE(seen_series.insert({sample->name, sample->labels}).second) << "twice: " << line;
			lines.push_back(*sample);
		}
	}
	return lines;
}

std::optional<std::string> value_of(const std::vector<Line> &lines, const std::string &name,
                                    const std::map<std::string, std::string> &labels)
{
	for (const auto &line : lines)
		if (line.name == name && line.labels == labels)
			return line.value;
	return std::nullopt;
}

TEST(tool_prometheus, the_parser_refuses_what_prometheus_would)
{
	EXPECT_TRUE(parse_sample("cnx_x{a=\"b\",c=\"d\\\"\\\\\\n\"} 12"));
	for (const char *wrong : {"cnx_x", "cnx_x{a=\"b\" 1", "cnx_x{a=b} 1", "cnx_x{a=\"\\t\"} 1", "9x 1", "cnx-x 1",
	                          "cnx_x{a=\"b\",} 1", "cnx_x one", "cnx_x{a=\"b\",a=\"c\"} 1", "cnx_x{} 1"})
		EXPECT_FALSE(parse_sample(wrong)) << wrong;
}

TEST(tool_prometheus, everything_is_in_it)
{
	tool::Sample sample;
	sample.info = {28, 1024, 16384, 5, 1, 2, "0.1.0"};
	sample.cpus = {{0, {1, 2, 3, 4, 5}}, {3, {10, 20, 30, 40, 18446744073709551615u}}};
	sample.callbacks = {{{100, 1}, 7, false, -1, 11, 12, 13, 14, 15, "echo"}};
	sample.losses = {{{77, {100, 1}, 9}}};
	sample.sockets = {{{77, 1, 5}}};
	const auto lines = parse_exposition(tool::prometheus_text(sample));
	EXPECT_EQ(value_of(lines, "cnx_info", {{"version", "0.1.0"}, {"protocol", "28"}}), "1");
	EXPECT_EQ(value_of(lines, "cnx_callbacks", {}), "1");
	EXPECT_EQ(value_of(lines, "cnx_received_total", {{"cpu", "3"}}), "10");
	EXPECT_EQ(value_of(lines, "cnx_sent_datagrams_total", {{"cpu", "3"}}), "18446744073709551615");
	EXPECT_EQ(value_of(lines, "cnx_callback_lost_total", {{"idx", "100"}, {"val", "1"}, {"name", "echo"}}), "15");
	EXPECT_EQ(value_of(lines, "cnx_listener_lost_total", {{"portid", "77"}, {"idx", "100"}, {"val", "1"}}), "9");
	EXPECT_EQ(value_of(lines, "cnx_socket_drops_total", {{"portid", "77"}}), "5");
}

TEST(tool_prometheus, names_are_drivers_own_affair_and_are_escaped)
{
	tool::Sample sample;
	sample.cpus = {{0, std::vector<std::uint64_t>(CNX_COUNTERS + 2, 1)}};
	sample.callbacks = {{{1, 1}, 1, false, -1, 0, 0, 0, 0, 0, "a\"b\\c\nd"},
	                    {{1, 2}, 2, false, -1, 0, 0, 0, 0, 0, "\xff\xfe"},
	                    {{1, 3}, 3, false, -1, 0, 0, 0, 0, 0, ""}};
	const auto lines = parse_exposition(tool::prometheus_text(sample));
	EXPECT_TRUE(value_of(lines, "cnx_callback_sent_total", {{"idx", "1"}, {"val", "1"}, {"name", "a\"b\\c\nd"}}));
	EXPECT_TRUE(value_of(lines, "cnx_callback_sent_total", {{"idx", "1"}, {"val", "2"}, {"name", "fffe"}}));
	EXPECT_TRUE(value_of(lines, "cnx_counter_25_total", {{"cpu", "0"}}));
}

} // namespace
