// SPDX-License-Identifier: GPL-2.0-only
#include "stress/driver.hpp"

#include <cerrno>
#include <cstring>
#include <span>

namespace cnx::stress
{
namespace
{

/* Ending a job waits for callbacks to go, each for a grace period. */
constexpr std::chrono::seconds patience{25};

} // namespace

cnx_stress_burst burst_of(std::uint64_t count, std::uint32_t size)
{
	cnx_stress_burst order{};
	order.threads = 1;
	order.count = count;
	order.size = size;
	order.batch = 1;
	return order;
}

template <class Command>
client::Result<Report> Driver::command(const Command &command)
{
	const auto reply = client_.request({command_id, 0, 0, 0, std::as_bytes(std::span(&command, 1))}, patience);
	if (!reply)
		return std::unexpected(reply.error());
	Report report{};
	if (reply->payload.size() < sizeof(report))
		return std::unexpected(client::Error{EPROTO, "the stress driver's report is too short: it and this "
		                                             "program are of different ages, so rebuild both"});
	std::memcpy(&report, reply->payload.data(), sizeof(report));
	return report;
}

client::Result<void> Driver::check()
{
	const auto report = this->report(0);
	if (report)
		return {};
	client::Error error = report.error();
	if (error.code == ENODEV)
		error.what = "the stress driver is not loaded: load it with `cnx load stress`";
	else if (error.code == EPERM)
		error.what = "the stress driver obeys only those with CAP_NET_ADMIN: run it as root (`sudo cnx ...`)";
	return std::unexpected(error);
}

client::Result<Report> Driver::burst(cnx_stress_burst order)
{
	order.head = {CNX_STRESS_VERSION, CNX_STRESS_BURST, 0};
	return command(order);
}

client::Result<Report> Driver::churn(cnx_stress_churn order)
{
	order.head = {CNX_STRESS_VERSION, CNX_STRESS_CHURN, 0};
	return command(order);
}

client::Result<Report> Driver::report(std::uint32_t job)
{
	return command(cnx_stress_head{CNX_STRESS_VERSION, CNX_STRESS_REPORT, job});
}

client::Result<Report> Driver::stop(std::uint32_t job)
{
	return command(cnx_stress_head{CNX_STRESS_VERSION, CNX_STRESS_STOP, job});
}

client::Result<void> Driver::fault(std::uint32_t job, cnx_stress_faulty fault, std::uint32_t value)
{
	const auto report = command(cnx_stress_fault{{CNX_STRESS_VERSION, CNX_STRESS_FAULT, job}, fault, value});
	if (!report)
		return std::unexpected(report.error());
	return {};
}

} // namespace cnx::stress
