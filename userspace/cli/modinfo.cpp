// SPDX-License-Identifier: GPL-2.0-only
#include "cli/modinfo.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>

#include <elf.h>
#include <fmt/format.h>

namespace cnx::tool
{
namespace
{

/* What the kernel looks for at the end of a signed module. */
constexpr std::string_view signature_mark = "~Module signature appended~\n";

/* Part of the file, or nothing where it would reach beyond the end. */
std::optional<std::span<const std::byte>> slice(std::span<const std::byte> file, std::uint64_t offset,
                                                std::uint64_t size)
{
	if (offset > file.size() || size > file.size() - offset)
		return std::nullopt;
	return file.subspan(offset, size);
}

template <class T>
bool load(std::span<const std::byte> file, std::uint64_t offset, T &value)
{
	const auto bytes = slice(file, offset, sizeof(T));
	if (bytes)
		std::memcpy(&value, bytes->data(), sizeof(T));
	return bytes.has_value();
}

std::string_view as_text(std::span<const std::byte> bytes)
{
	// SAFETY: any byte may be read as a char, and the length is the span's own.
	return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

/* The bytes of the section with this name. */
std::optional<std::span<const std::byte>> section(std::span<const std::byte> file, const Elf64_Ehdr &header,
                                                  std::string_view name)
{
	Elf64_Shdr names;
	if (header.e_shentsize != sizeof(Elf64_Shdr) || header.e_shstrndx >= header.e_shnum ||
	    header.e_shoff > file.size() ||
	    !load(file, header.e_shoff + std::uint64_t{header.e_shstrndx} * sizeof names, names))
		return std::nullopt;
	const auto strings = slice(file, names.sh_offset, names.sh_size);
	if (!strings)
		return std::nullopt;
	for (std::uint64_t index = 0; index < header.e_shnum; ++index) {
		Elf64_Shdr candidate;
		if (!load(file, header.e_shoff + index * sizeof candidate, candidate) ||
		    candidate.sh_name >= strings->size())
			return std::nullopt;
		const auto rest = as_text(strings->subspan(candidate.sh_name));
		if (rest.substr(0, rest.find('\0')) == name)
			return slice(file, candidate.sh_offset, candidate.sh_size);
	}
	return std::nullopt;
}

/* Whether the text is a whole number as the kernel's parameter parser reads it (0x and 0 prefixes included). */
bool is_number(const std::string &text, bool negative_allowed)
{
	if (text.empty() || text.front() == '+' || (text.front() == '-' && !negative_allowed))
		return false;
	char *end = nullptr;
	errno = 0;
	(void)std::strtoll(text.c_str(), &end, 0);
	return errno == 0 && *end == '\0';
}

} // namespace

std::string_view Modinfo::release() const
{
	return std::string_view(vermagic).substr(0, vermagic.find(' '));
}

std::expected<Modinfo, std::string> parse_modinfo(std::span<const std::byte> file)
{
	Elf64_Ehdr header;
	if (!load(file, 0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_type != ET_REL)
		return std::unexpected("is no module for a 64-bit kernel");
	const auto information = section(file, header, ".modinfo");
	if (!information)
		return std::unexpected("is cut or damaged: it has no .modinfo section");

	Modinfo modinfo;
	modinfo.is_signed = as_text(file).ends_with(signature_mark);
	auto text = as_text(*information);
	while (!text.empty()) {
		const auto entry = text.substr(0, text.find('\0'));
		text.remove_prefix(std::min(entry.size() + 1, text.size()));
		const auto equals = entry.find('=');
		if (equals == entry.npos)
			continue;
		const auto key = entry.substr(0, equals);
		const auto value = entry.substr(equals + 1);
		const auto colon = value.rfind(':');
		if (key == "vermagic")
			modinfo.vermagic = value;
		else if (key == "parmtype" && colon != value.npos)
			modinfo.parameters[std::string(value.substr(0, colon))] = value.substr(colon + 1);
		else if (key == "parm")
			modinfo.parameters.try_emplace(std::string(value.substr(0, value.find(':'))));
	}
	return modinfo;
}

std::string check_parameter(const Modinfo &modinfo, std::string_view parameter)
{
	const std::string name(parameter.substr(0, parameter.find('=')));
	const std::string value(parameter.substr(std::min(name.size() + 1, parameter.size())));
	const auto known = modinfo.parameters.find(name);
	if (known == modinfo.parameters.end()) {
		std::string names;
		for (const auto &[candidate, type] : modinfo.parameters)
			names += (names.empty() ? "" : ", ") + candidate;
		return names.empty() ? fmt::format("has no parameter '{}', nor any other", name)
		                     : fmt::format("has no parameter '{}': it has {}", name, names);
	}

	static constexpr std::array signed_types = {"int", "short", "long"};
	static constexpr std::array unsigned_types = {"uint", "ushort", "ulong", "ullong", "byte", "hexint"};
	const std::string &type = known->second;
	const bool is_signed = std::find(signed_types.begin(), signed_types.end(), type) != signed_types.end();
	const bool is_unsigned = std::find(unsigned_types.begin(), unsigned_types.end(), type) != unsigned_types.end();
	if ((is_signed || is_unsigned) && !is_number(value, is_signed))
		return fmt::format("wants a number ({}) for '{}', not '{}'", type, name, value);
	static constexpr std::array booleans = {"",   "y",   "Y",  "1",   "n",  "N",  "0",
	                                        "on", "off", "On", "Off", "ON", "OFF"};
	if (type == "bool" && std::find(booleans.begin(), booleans.end(), value) == booleans.end())
		return fmt::format("wants y or n for '{}', not '{}'", name, value);
	return {};
}

} // namespace cnx::tool
