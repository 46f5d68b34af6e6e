// SPDX-License-Identifier: GPL-2.0-only
#include "cli/parse.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

namespace cnx::tool
{
namespace
{

int digit(char character)
{
	if (character >= '0' && character <= '9')
		return character - '0';
	if (character >= 'a' && character <= 'f')
		return character - 'a' + 10;
	if (character >= 'A' && character <= 'F')
		return character - 'A' + 10;
	return -1;
}

/* What blanks set apart. */
std::vector<std::string_view> words_of(std::string_view line)
{
	std::vector<std::string_view> words;
	while (true) {
		line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
		if (line.empty())
			return words;
		words.push_back(line.substr(0, line.find(' ')));
		line.remove_prefix(words.back().size());
	}
}

/* The length of the UTF-8 sequence at the front of the text; 0 if there is none. */
std::size_t utf8_length(std::string_view text)
{
	const auto first = static_cast<unsigned char>(text.front());
	if (first < 0x80)
		return 1;
	const std::size_t length = first >= 0xf0 && first < 0xf5   ? 4
	                           : first >= 0xe0 && first < 0xf0 ? 3
	                           : first >= 0xc2 && first < 0xe0 ? 2
	                                                           : 0;
	if (length == 0 || text.size() < length)
		return 0;
	for (std::size_t index = 1; index < length; ++index)
		if ((static_cast<unsigned char>(text[index]) & 0xc0) != 0x80)
			return 0;
	/* What is written longer than needed, surrogates, and what lies beyond Unicode; also the C1 controls. */
	const auto second = static_cast<unsigned char>(text[1]);
	if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second >= 0xa0) || (first == 0xf0 && second < 0x90) ||
	    (first == 0xf4 && second >= 0x90) || (first == 0xc2 && second < 0xa0))
		return 0;
	return length;
}

std::string_view without_nul(std::span<const std::byte> payload)
{
	auto text = client::text(payload);
	if (text.ends_with('\0'))
		text.remove_suffix(1);
	return text;
}

constexpr std::array counter_names = {
    std::pair{"received", "messages from sockets handed to a callback"},
    std::pair{"dispatched", "messages from drivers handed to a callback"},
    std::pair{"acknowledged", "acknowledgements sent, of success or failure"},
    std::pair{"sent", "messages sent that reached a listener"},
    std::pair{"sent_datagrams", "datagrams that carried them"},
    std::pair{"drop_truncated", "dropped: ended before its headers did"},
    std::pair{"drop_bad_length", "dropped: a length contradicted the bytes"},
    std::pair{"drop_too_large", "dropped: larger than a message may be"},
    std::pair{"drop_unknown_id", "dropped: no callback has this id"},
    std::pair{"drop_not_permitted", "dropped: the sender lacked the capability"},
    std::pair{"drop_failed", "dropped: the callback returned an error"},
    std::pair{"drop_would_block", "dropped: the callback may sleep, its caller may not"},
    std::pair{"drop_answer", "an answer that the requester could not be given"},
    std::pair{"lost_no_listener", "not sent: nobody listened"},
    std::pair{"lost_filtered", "not sent: every listener was filtered out"},
    std::pair{"lost_overrun", "not delivered: a listener's buffer was full"},
    std::pair{"lost_no_memory", "not sent: no memory"},
    std::pair{"lost_too_large", "not sent: larger than a message may be"},
    std::pair{"pool_hits", "skbs that were ready for their sender"},
    std::pair{"pool_misses", "skbs that should have been ready and were not"},
    std::pair{"pool_fallbacks", "skbs that the sender had to allocate"},
    std::pair{"pool_refills", "skbs made ready"},
    std::pair{"coalesced", "messages that waited for others, to go in one datagram"},
    std::pair{"lost_unnamed", "missed by a listener, and not in the table of losses: no memory"},
};
static_assert(counter_names.size() == CNX_COUNTERS, "each counter of the wire format has a name");

/* By number, as in linux/capability.h. */
constexpr std::array capability_names = {
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
};

} // namespace

std::optional<std::uint32_t> parse_number(std::string_view text)
{
	int base = 10;
	if (text.starts_with("0x") || text.starts_with("0X")) {
		base = 16;
		text.remove_prefix(2);
	}
	std::uint32_t number = 0;
	const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number, base);
	if (problem != std::errc{} || end != text.data() + text.size())
		return std::nullopt;
	return number;
}

std::expected<client::Id, std::string> parse_id(std::string_view text)
{
	const auto colon = text.find(':');
	if (colon != text.npos) {
		const auto idx = parse_number(text.substr(0, colon));
		const auto val = parse_number(text.substr(colon + 1));
		if (idx && val)
			return client::Id{*idx, *val};
	}
	return std::unexpected(fmt::format(
	    "'{}' is no id: write IDX:VAL, two numbers from 0 to 4294967295 in decimal or 0x hexadecimal", text));
}

std::expected<std::vector<std::byte>, std::string> parse_hex(std::string_view text)
{
	std::vector<std::byte> bytes;
	if (text.starts_with("0x") || text.starts_with("0X"))
		text.remove_prefix(2);
	for (std::size_t index = 0; index < text.size();) {
		if (text[index] == ' ' || text[index] == ':' || text[index] == '\n' || text[index] == '\t') {
			++index;
			continue;
		}
		const int high = digit(text[index]);
		const int low = index + 1 < text.size() ? digit(text[index + 1]) : -1;
		if (high < 0 || low < 0)
			return std::unexpected(fmt::format(
			    "the hexadecimal payload is wrong at character {}: write two digits for each byte",
			    index + 1));
		bytes.push_back(static_cast<std::byte>(high << 4 | low));
		index += 2;
	}
	return bytes;
}

std::string format_id(client::Id id)
{
	const auto part = [](std::uint32_t number) {
		return number > 0xffff ? fmt::format("{:#x}", number) : fmt::format("{}", number);
	};
	return part(id.idx) + ":" + part(id.val);
}

std::string format_hex(std::span<const std::byte> payload)
{
	static constexpr std::string_view digits = "0123456789abcdef";
	std::string hex;
	hex.reserve(payload.size() * 2);
	for (const std::byte byte : payload) {
		hex += digits[std::to_integer<unsigned>(byte) >> 4];
		hex += digits[std::to_integer<unsigned>(byte) & 15];
	}
	return hex;
}

bool printable(std::span<const std::byte> payload)
{
	auto text = without_nul(payload);
	while (!text.empty()) {
		const char first = text.front();
		const bool control = (first >= 0 && first < ' ') || first == 0x7f;
		if (control && first != '\n' && first != '\t' && first != '\r')
			return false;
		const std::size_t length = utf8_length(text);
		if (length == 0)
			return false;
		text.remove_prefix(length);
	}
	return true;
}

std::string format_payload(std::span<const std::byte> payload, bool hex)
{
	if (hex || !printable(payload))
		return format_hex(payload);
	std::string line;
	for (const char character : without_nul(payload)) {
		switch (character) {
		case '\n':
			line += "\\n";
			break;
		case '\r':
			line += "\\r";
			break;
		case '\t':
			line += "\\t";
			break;
		case '\\':
			line += "\\\\";
			break;
		default:
			line += character;
		}
	}
	return line;
}

std::string format_capability(int capability)
{
	if (capability == -1)
		return "none";
	const auto index = static_cast<std::size_t>(capability);
	if (capability < 0 || index >= capability_names.size())
		return fmt::format("{}", capability);
	return fmt::format("CAP_{}", capability_names[index]);
}

CounterName counter_name(std::size_t index)
{
	if (index >= counter_names.size())
		return {fmt::format("counter_{}", index), "kept by a later module than this tool knows"};
	return {counter_names[index].first, counter_names[index].second};
}

std::optional<std::vector<NetlinkSocket>> parse_netlink_sockets(std::string_view text, int protocol)
{
	/* Columns are found by their names, since kernels have added some. */
	const auto take_line = [&] {
		const auto line = text.substr(0, text.find('\n'));
		text.remove_prefix(std::min(line.size() + 1, text.size()));
		return words_of(line);
	};
	const auto titles = take_line();
	const auto column = [&](std::string_view title) {
		return static_cast<std::size_t>(std::find(titles.begin(), titles.end(), title) - titles.begin());
	};
	const std::size_t columns[] = {column("Eth"), column("Pid"), column("Groups"), column("Drops")};
	if (std::ranges::find(columns, titles.size()) != std::end(columns))
		return std::nullopt;

	std::vector<NetlinkSocket> sockets;
	do {
		const auto fields = take_line();
		if (fields.empty() && text.empty())
			break;
		std::uint32_t values[std::size(columns)];
		for (std::size_t index = 0; index < std::size(columns); ++index) {
			const std::string_view field =
			    columns[index] < fields.size() ? fields[columns[index]] : std::string_view();
			const auto [end, problem] = std::from_chars(field.data(), field.data() + field.size(),
			                                            values[index], index == 2 ? 16 : 10);
			if (problem != std::errc{} || end != field.data() + field.size())
				return std::nullopt;
		}
		if (values[0] == static_cast<std::uint32_t>(protocol) && values[1] != 0)
			sockets.push_back({values[1], values[2], values[3]});
	} while (!text.empty());
	return sockets;
}

std::string module_name(std::string_view text)
{
	std::string name(text);
	std::replace(name.begin(), name.end(), '-', '_');
	if (name != "cnx" && !name.starts_with("cnx_"))
		name.insert(0, "cnx_");
	return name;
}

} // namespace cnx::tool
