// SPDX-License-Identifier: GPL-2.0-only
/* The tool's pure helpers: what users write, and what they read. */
#include <cstring>
#include <string>
#include <vector>

#include <elf.h>
#include <gtest/gtest.h>

#include "cli/modinfo.hpp"
#include "cli/parse.hpp"

namespace
{

using namespace cnx;

TEST(client_tool, numbers)
{
	EXPECT_EQ(tool::parse_number("0"), 0u);
	EXPECT_EQ(tool::parse_number("4294967295"), 0xffffffffu);
	EXPECT_EQ(tool::parse_number("0xFFFFffff"), 0xffffffffu);
	for (const char *wrong : {"", "0x", "-1", "+1", " 1", "1 ", "1x", "4294967296", "0x100000000", "ff"})
		EXPECT_FALSE(tool::parse_number(wrong)) << wrong;
}

TEST(client_tool, ids)
{
	EXPECT_EQ(tool::parse_id("100:1"), (client::Id{100, 1}));
	EXPECT_EQ(tool::parse_id("0x10:0xff"), (client::Id{16, 255}));
	for (const char *wrong : {"", ":", "1", "1:", ":1", "1:2:3", "a:b", "1:-1"})
		EXPECT_FALSE(tool::parse_id(wrong)) << wrong;
	EXPECT_EQ(tool::format_id({100, 1}), "100:1");
	EXPECT_EQ(tool::format_id({0xffffffff, 1}), "0xffffffff:1");
}

TEST(client_tool, hexadecimal)
{
	const auto parsed = tool::parse_hex("0x01 02:fF\n");
	ASSERT_TRUE(parsed);
	EXPECT_EQ(tool::format_hex(*parsed), "0102ff");
	EXPECT_TRUE(tool::parse_hex("")->empty());
	for (const char *wrong : {"1", "0 1", "zz", "01 2", "0x1"})
		EXPECT_FALSE(tool::parse_hex(wrong)) << wrong;
}

TEST(client_tool, payloads)
{
	const auto show = [](std::string_view text) { return tool::format_payload(client::bytes(text), false); };
	EXPECT_EQ(show("hello"), "hello");
	EXPECT_EQ(show(std::string_view("hello\0", 6)), "hello");
	EXPECT_EQ(show("two\nlines\\"), "two\\nlines\\\\");
	EXPECT_EQ(show("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
	EXPECT_EQ(show(""), "");
	/* What would steer a terminal, or is no UTF-8, is shown as digits. */
	EXPECT_EQ(show("\x1b[2J"), "1b5b324a");
	EXPECT_EQ(show("\xc0\x80"), "c080");
	EXPECT_EQ(show("\xed\xa0\x80"), "eda080");
	EXPECT_EQ(show("\xc2\x9b"), "c29b");
	EXPECT_EQ(show("\xe2\x82"), "e282");
	EXPECT_EQ(tool::format_payload(client::bytes("hi"), true), "6869");
}

TEST(client_tool, names)
{
	EXPECT_EQ(tool::format_capability(-1), "none");
	EXPECT_EQ(tool::format_capability(12), "CAP_NET_ADMIN");
	EXPECT_EQ(tool::format_capability(21), "CAP_SYS_ADMIN");
	EXPECT_EQ(tool::format_capability(40), "CAP_CHECKPOINT_RESTORE");
	EXPECT_EQ(tool::format_capability(99), "99");
	EXPECT_EQ(tool::counter_name(CNX_RECEIVED).name, "received");
	EXPECT_EQ(tool::counter_name(CNX_DROP_UNKNOWN_ID).name, "drop_unknown_id");
	EXPECT_EQ(tool::counter_name(CNX_LOST_TOO_LARGE).name, "lost_too_large");
	EXPECT_EQ(tool::counter_name(CNX_COUNTERS).name, "counter_" + std::to_string(CNX_COUNTERS));
	EXPECT_EQ(tool::module_name("echo"), "cnx_echo");
	EXPECT_EQ(tool::module_name("cnx-echo"), "cnx_echo");
	EXPECT_EQ(tool::module_name("cnx"), "cnx");
}

constexpr std::string_view netlink_file =
    "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n"
    "00000000b2bd23cf 0   1234       00000001 0        0        0     2        7        13155   \n"
    "0000000000000000 28  0          00000000 0        0        0     2        0        13301   \n"
    "000000007f3bd1c8 28  4294963027 80000002 0        0        0     2        4294967295 13302   \n"
    "000000007f3bd1c9 28  312        00000000 12       0        0     2        3        13303   \n";

TEST(client_tool, netlink_sockets)
{
	const auto sockets = tool::parse_netlink_sockets(netlink_file, 28);
	ASSERT_TRUE(sockets);
	ASSERT_EQ(sockets->size(), 2u);
	EXPECT_EQ(sockets->front().portid, 4294963027u);
	EXPECT_EQ(sockets->front().groups, 0x80000002u);
	EXPECT_EQ(sockets->front().drops, 4294967295u);
	EXPECT_EQ(sockets->back().portid, 312u);
	EXPECT_EQ(sockets->back().groups, 0u);
	EXPECT_EQ(sockets->back().drops, 3u);
	EXPECT_TRUE(tool::parse_netlink_sockets(netlink_file, 11)->empty());
	EXPECT_EQ(tool::parse_netlink_sockets("Drops Groups Pid Eth New\n5 2 9 28 x\n", 28)->front().portid, 9u);
}

TEST(client_tool, netlink_sockets_of_damaged_files)
{
	for (const char *wrong : {"", "\n", "Eth Pid Groups\n28 9 0\n", "Eth Pid Groups Drops\n28 9 0\n",
	                          "Eth Pid Groups Drops\n28 9 0 x\n", "Eth Pid Groups Drops\n28 9 0x1 1\n",
	                          "Eth Pid Groups Drops\n28 -9 0 1\n", "Eth Pid Groups Drops\n\n28 9 0 1\n",
	                          "Eth Pid Groups Drops\n28 4294967296 0 1\n"})
		EXPECT_FALSE(tool::parse_netlink_sockets(wrong, 28)) << wrong;
	/* A file that is cut anywhere and of which any one byte is anything; the sanitizers watch. */
	for (std::size_t size = 0; size < netlink_file.size(); ++size) {
		(void)tool::parse_netlink_sockets(netlink_file.substr(0, size), 28);
		std::string file(netlink_file);
		file[size] = '\xff';
		(void)tool::parse_netlink_sockets(file, 28);
	}
}

/* The smallest file with a .modinfo section. */
std::vector<std::byte> module_file(std::string_view modinfo)
{
	static constexpr char names[] = "\0.modinfo\0.shstrtab";
	Elf64_Ehdr header{};
	std::memcpy(header.e_ident, ELFMAG, SELFMAG);
	header.e_ident[EI_CLASS] = ELFCLASS64;
	header.e_ident[EI_DATA] = ELFDATA2LSB;
	header.e_type = ET_REL;
	header.e_shoff = sizeof header;
	header.e_shentsize = sizeof(Elf64_Shdr);
	header.e_shnum = 3;
	header.e_shstrndx = 2;
	Elf64_Shdr sections[3]{};
	sections[1].sh_name = 1;
	sections[1].sh_offset = sizeof header + sizeof sections;
	sections[1].sh_size = modinfo.size();
	sections[2].sh_name = 10;
	sections[2].sh_offset = sections[1].sh_offset + modinfo.size();
	sections[2].sh_size = sizeof names;

	std::vector<std::byte> file;
	const auto append = [&](const void *source, std::size_t size) {
		// SAFETY: any object may be read as bytes, and callers give its size.
		const auto *bytes = static_cast<const std::byte *>(source);
		file.insert(file.end(), bytes, bytes + size);
	};
	append(&header, sizeof header);
	append(sections, sizeof sections);
	append(modinfo.data(), modinfo.size());
	append(names, sizeof names);
	return file;
}

constexpr char literal[] = "license=GPL\0parm=protocol:netlink protocol\0parmtype=protocol:int\0"
                           "parm=loud:say more\0parmtype=loud:bool\0"
                           "vermagic=6.1.0-13-cloud-amd64 SMP mod_unload ";
/* With the NULs in it, and the last. */
constexpr std::string_view information(literal, sizeof literal);

TEST(client_tool, modinfo)
{
	auto file = module_file(information);
	const auto modinfo = tool::parse_modinfo(file);
	ASSERT_TRUE(modinfo) << modinfo.error();
	EXPECT_EQ(modinfo->release(), "6.1.0-13-cloud-amd64");
	EXPECT_FALSE(modinfo->is_signed);
	EXPECT_EQ(modinfo->parameters.at("protocol"), "int");
	EXPECT_EQ(tool::check_parameter(*modinfo, "protocol=28"), "");
	EXPECT_EQ(tool::check_parameter(*modinfo, "protocol=0x1c"), "");
	EXPECT_EQ(tool::check_parameter(*modinfo, "loud=y"), "");
	for (const char *wrong : {"protocol=", "protocol=x", "protocol=1x", "protokoll=1", "loud=maybe", "=", ""})
		EXPECT_NE(tool::check_parameter(*modinfo, wrong), "") << wrong;

	for (const char character : std::string_view("~Module signature appended~\n"))
		file.push_back(static_cast<std::byte>(character));
	EXPECT_TRUE(tool::parse_modinfo(file)->is_signed);
}

TEST(client_tool, modinfo_of_damaged_files)
{
	const auto whole = module_file(information);
	for (std::size_t size = 0; size < whole.size(); ++size) {
		const std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
		EXPECT_FALSE(tool::parse_modinfo(cut)) << size;
	}
	/* Any one byte of the headers may be anything; the sanitizers watch. */
	for (std::size_t offset = 0; offset < sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Shdr); ++offset) {
		auto file = whole;
		file[offset] = std::byte{0xff};
		(void)tool::parse_modinfo(file);
	}
}

} // namespace
