// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "measure/measurement.hpp"

namespace cnx::measure
{
namespace
{

/* Pixels. */
constexpr double left = 170, plot = 520, right = 190, top = 64, row = 26, bottom = 50;

/* Of text that is to stand in a document. */
std::string escaped(std::string_view text)
{
	std::string safe;
	for (const char letter : text)
		switch (letter) {
		case '<':
			safe += "&lt;";
			break;
		case '>':
			safe += "&gt;";
			break;
		case '&':
			safe += "&amp;";
			break;
		case '"':
			safe += "&quot;";
			break;
		default:
			safe += letter;
		}
	return safe;
}

/* Whole powers of ten of nanoseconds that hold all latencies. */
struct Scale {
	double first = 3, last = 4;

	explicit Scale(std::span<const Measurement> measurements)
	{
		double smallest = 1e300, largest = 0;
		for (const auto &one : measurements)
			if (one.latency && one.latency->p50 > 0) {
				smallest = std::min(smallest, static_cast<double>(one.latency->p50));
				largest = std::max(largest, static_cast<double>(one.latency->max));
			}
		if (largest <= 0)
			return;
		first = std::floor(std::log10(smallest));
		last = std::max(first + 1, std::ceil(std::log10(largest)));
	}
	double x(double nanoseconds) const
	{
		const double at = (std::log10(std::max(nanoseconds, 1.0)) - first) / (last - first);
		return left + plot * std::clamp(at, 0.0, 1.0);
	}
};

std::string unit(double power)
{
	constexpr const char *units[] = {"ns", "us", "ms", "s"};
	const auto step = std::clamp(static_cast<int>(power) / 3, 0, 3);
	return fmt::format("{:.0f} {}", std::pow(10, power - 3 * step), units[step]);
}

std::string grid(const Scale &scale, double height)
{
	std::string svg;
	for (double power = scale.first; power <= scale.last; ++power) {
		const double x = scale.x(std::pow(10, power));
		svg += fmt::format("<line x1=\"{0:.1f}\" y1=\"{1}\" x2=\"{0:.1f}\" y2=\"{2}\" stroke=\"#ddd\"/>\n"
		                   "<text x=\"{0:.1f}\" y=\"{3}\" text-anchor=\"middle\">{4}</text>\n",
		                   x, top - 6, height - bottom, height - bottom + 16, unit(power));
	}
	return svg;
}

std::string row_of(const Measurement &one, const Scale &scale, double y)
{
	std::string svg =
	    fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n", left - 10, y + 4, escaped(one.name));
	svg += fmt::format("<text x=\"{}\" y=\"{}\">{:.0f}/s, {:.1f}% lost</text>\n", left + plot + 12, y + 4,
	                   one.received_each_second(), one.lost_percent());
	if (!one.latency || !one.received)
		return svg;
	const auto at = [&](std::uint64_t nanoseconds) { return scale.x(static_cast<double>(nanoseconds)); };
	svg += fmt::format("<line x1=\"{:.1f}\" y1=\"{}\" x2=\"{:.1f}\" y2=\"{}\" stroke=\"#888\"/>\n",
	                   at(one.latency->p50), y, at(one.latency->max), y);
	svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{}\" r=\"4\" fill=\"#1f5fa8\"/>\n", at(one.latency->p50), y);
	for (const auto nanoseconds : {one.latency->p99, one.latency->p999})
		svg += fmt::format("<line x1=\"{0:.1f}\" y1=\"{1}\" x2=\"{0:.1f}\" y2=\"{2}\" stroke=\"#1f5fa8\" "
		                   "stroke-width=\"2\"/>\n",
		                   at(nanoseconds), y - 5, y + 5);
	svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{}\" r=\"3\" fill=\"none\" stroke=\"#b03030\"/>\n",
	                   at(one.latency->max), y);
	return svg;
}

} // namespace

std::string to_svg(const Machine &machine, std::span<const Measurement> measurements)
{
	const Scale scale(measurements);
	const double width = left + plot + right;
	const double height = top + row * static_cast<double>(measurements.size()) + bottom;
	std::string svg =
	    fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
	                "viewBox=\"0 0 {0} {1}\" font-family=\"sans-serif\" font-size=\"12\">\n"
	                "<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n"
	                "<text x=\"{2}\" y=\"22\" font-size=\"15\">cnx {3}, Linux {4}, {5} CPUs</text>\n"
	                "<text x=\"{2}\" y=\"42\">latency: dot p50, bars p99 and p99.9, ring max; messages a "
	                "second and loss beside it</text>\n",
	                width, height, 16, escaped(machine.version), escaped(machine.kernel), machine.cpus);
	svg += grid(scale, height);
	double y = top + row / 2;
	for (const auto &one : measurements) {
		svg += row_of(one, scale, y);
		y += row;
	}
	return svg + "</svg>\n";
}

} // namespace cnx::measure
