// SPDX-License-Identifier: GPL-2.0-only
/* The stress driver in the kernel, as user programs command it. include/cnx/stress.h has its rules. */
#ifndef CNX_STRESS_DRIVER_HPP
#define CNX_STRESS_DRIVER_HPP

#include <utility>

#include <cnx/client.hpp>
#include <cnx/stress.h>

namespace cnx::stress
{

inline constexpr client::Id command_id{CNX_STRESS_IDX, CNX_STRESS_COMMAND_VAL};
inline constexpr client::Id echo_id{CNX_STRESS_IDX, CNX_STRESS_ECHO_VAL};
inline constexpr client::Id sink_id{CNX_STRESS_IDX, CNX_STRESS_SINK_VAL};
inline constexpr client::Id traffic_id{CNX_STRESS_IDX, CNX_STRESS_TRAFFIC_VAL};

using Report = cnx_stress_report;

/* A burst of one thread that ends after `count` messages, one in each datagram, as fast as it goes. */
cnx_stress_burst burst_of(std::uint64_t count, std::uint32_t size = sizeof(cnx_stress_message));

/* Commands go over a client of its own. One thread at a time. */
class Driver
{
public:
	explicit Driver(client::Client client) : client_(std::move(client)) {}

	/* The driver is there and lets itself be commanded: ENODEV, whose sentence says how to load it, or EPERM. */
	client::Result<void> check();

	client::Result<Report> burst(cnx_stress_burst order);
	client::Result<Report> churn(cnx_stress_churn order);
	client::Result<Report> report(std::uint32_t job);
	client::Result<Report> stop(std::uint32_t job);
	client::Result<void> fault(std::uint32_t job, cnx_stress_faulty fault, std::uint32_t value = 0);

private:
	template <class Command>
	client::Result<Report> command(const Command &command);

	client::Client client_;
};

/* A job of the driver's, stopped when this ends. The driver must outlive it. */
class Job
{
public:
	Job(Driver &driver, const Report &started) : driver_(&driver), number_(started.job) {}
	Job(Job &&other) noexcept : driver_(std::exchange(other.driver_, nullptr)), number_(other.number_) {}
	Job &operator=(Job &&) = delete;
	~Job()
	{
		if (driver_) [[maybe_unused]]
			const auto last = driver_->stop(number_);
	}

	std::uint32_t number() const { return number_; }
	client::Result<Report> report() { return driver_->report(number_); }
	/* The last report. The job is then gone. */
	client::Result<Report> stop() { return std::exchange(driver_, nullptr)->stop(number_); }

private:
	Driver *driver_;
	std::uint32_t number_;
};

} // namespace cnx::stress

#endif // CNX_STRESS_DRIVER_HPP
