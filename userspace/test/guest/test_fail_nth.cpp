// SPDX-License-Identifier: GPL-2.0-only
// Each thing that can fail in an operation fails once, in turn, until the operation is done without: what fails says so
// cleanly, and cnx works afterwards.
//
//	test_fail_nth load MODULE [PARAMETERS]		with all that it needs loaded
//	test_fail_nth unload MODULE [PARAMETERS]	the same
//	test_fail_nth load-thread MODULE TASK		the faults are those of the task, which works for whoever loads
//	test_fail_nth program				what programs ask: with cnx and cnx_echo
//	test_fail_nth procevents			with cnx, cnx_echo and cnx_procevents
//	test_fail_nth driver				what drivers ask: with cnx, cnx_echo and cnx_test_traffic
//	test_fail_nth namespace				namespaces that come: with cnx and cnx_echo
//	test_fail_nth refill TASK			with cnx, cnx_echo, and the task that fills its pool
#include "fault.hpp"
#include "ktap.hpp"
#include "procevents.hpp"
#include "traffic.hpp"

#include <set>

using namespace cnx::test;

namespace
{

/// No operation can fail in so many places; one that goes on failing would never be done.
constexpr unsigned most = 5000;

/// What came of an operation in which one thing was to fail.
struct Attempt {
	int status; // 0 or a negative errno
	bool struck;
};

using Try = std::function<Attempt(unsigned n)>;

/// With which a program's request may end: EAGAIN is an answer that could not be given, and is counted.
const std::set<int> of_requests = {ENOMEM, ENOBUFS, EFAULT, EAGAIN};
const std::set<int> of_files = {ENOMEM, EFAULT, ENFILE};
const std::set<int> of_memory = {ENOMEM};

constexpr auto nothing = [] {};
constexpr std::uint32_t far_group = 70000; // beyond netlink's own

/// An operation that is prepared before the fault is set, and whose success is taken back afterwards.
template <typename Run, typename Before, typename After>
Try under(const Faults &faults, Run run, Before before, After after)
{
	return [=, &faults](unsigned n) {
		before();
		faults.arm(n);
		const int status = run(); // 0 or a negative errno
		const bool struck = faults.disarm();
		after(status);
		return Attempt{status, struck};
	};
}

template <typename Run>
Try under(const Faults &faults, Run run)
{
	return under(faults, run, nothing, [](int) {});
}

std::optional<Received> echoed(Socket &socket)
{
	if (socket.send(one(echo_id, 7, bytes_of("probe"), NLM_F_REQUEST)))
		return std::nullopt;
	while (auto received = socket.receive()) {
		if (received->is_error || received->message.id.idx == echo_id.idx)
			return received;
	}
	return std::nullopt;
}

/// Whether what should be loaded is there and works, and what is not can be loaded and works.
bool works()
{
	if (protocol() == 0)
		return !load_module("cnx") && works() && eventually([] { return !unload_module("cnx"); });
	const bool there = !::access("/sys/module/cnx_echo", F_OK);
	if (!there && load_module("cnx_echo"))
		return false;
	bool answered = false;
	{
		Socket socket;
		const auto received = echoed(socket);
		answered = received && !received->is_error && received->payload == bytes_of("probe") &&
		           !ask(socket, CNX_CONTROL_INFO).error;
	}
	return answered && (there || eventually([] { return !unload_module("cnx_echo"); }));
}

/// After each fault it is looked whether cnx works, or after each so many.
void in_turn(Ktap &ktap, const std::string &name, const std::set<int> &errors, const Try &attempt, unsigned each = 1)
{
	unsigned n = 1;
	unsigned survived = 0;
	std::map<int, unsigned> seen;
	std::string unclean;
	std::string broken;
	for (;; ++n) {
		const auto [status, struck] = attempt(n);
		if (!struck || n == most) {
			ktap.equal(name + ": without a fault it is done", 0, status);
			broken += works() ? "" : " " + std::to_string(n);
			break;
		}
		if (status == 0)
			++survived;
		else
			++seen[-status];
		if (status != 0 && !errors.contains(-status))
			unclean += " " + std::to_string(n) + ":" + std::to_string(-status);
		if (n % each == 0 && !works())
			broken += " " + std::to_string(n);
	}
	std::string summary = name + ": " + std::to_string(n - 1) + " faults, " + std::to_string(survived) +
	                      " of them without consequence";
	for (const auto &[error, times] : seen)
		summary += ", " + std::to_string(times) + " with errno " + std::to_string(error);
	ktap.note(summary);
	ktap.check(name + ": there is an end of faults", n < most);
	if (!ktap.check(name + ": each fault ends in a clean error, or in none", unclean.empty()))
		ktap.note("fault and errno:" + unclean);
	if (!ktap.check(name + ": cnx works afterwards", broken.empty()))
		ktap.note("not after fault" + broken);
}

// ---------------------------------------------------------------------------------------------------- modules

/// A module's file, which is opened where no fault is.
class Module
{
public:
	Module(const char *name, const char *parameters)
	    : name_(name), parameters_(parameters), fd_(::open(("/ko/" + name_ + ".ko").c_str(), O_RDONLY | O_CLOEXEC))
	{
		if (fd_ < 0)
			give_up(name_);
	}
	Module(const Module &) = delete;
	Module &operator=(const Module &) = delete;
	~Module() { ::close(fd_); }

	[[nodiscard]] int load() const { return ::syscall(SYS_finit_module, fd_, parameters_.c_str(), 0) ? -errno : 0; }
	[[nodiscard]] int unload() const { return unload_module(name_.c_str()); }
	void surely_load() const
	{
		if (load())
			give_up("loading " + name_);
	}
	void surely_unload() const
	{
		if (!eventually([this] { return !unload(); }))
			give_up("unloading " + name_);
	}

private:
	std::string name_;
	std::string parameters_;
	int fd_;
};

void load(Ktap &ktap, const char *name, const char *parameters, const Faults &faults,
          const std::set<int> &errors = of_memory)
{
	const Module module(name, parameters);
	const std::string title = "load " + std::string(name) + (*parameters ? " " : "") + parameters;
	// A module that was not loaded leaves nothing that could be broken, and to try that takes as long as many
	// faults.
	in_turn(ktap, title, errors,
	        under(
	            faults, [&] { return module.load(); }, nothing,
	            [&](int status) {
		            if (!status)
			            module.surely_unload();
	            }),
	        10);
}

void unload(Ktap &ktap, const char *name, const char *parameters, const Faults &faults)
{
	const Module module(name, parameters);
	in_turn(ktap, "unload " + std::string(name), of_memory,
	        under(
	            faults, [&] { return module.unload(); }, [&] { module.surely_load(); },
	            [&](int status) {
		            if (status)
			            module.surely_unload();
	            }),
	        10);
}

// ---------------------------------------------------------------------------------------------------- programs

/// Sends what was prepared, and takes what is there of an answer: 0 or a negative errno, which is that of an answer
/// that is one. Atomic callbacks have answered when the send returns.
int answered_at_once(const Socket &socket, std::span<const std::uint8_t> datagram)
{
	alignas(nlmsghdr) static std::array<std::uint8_t, 1 << 17> buffer;
	if (const int status = socket.send(datagram))
		return status;
	const auto size = ::recv(socket.fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
	if (size < 0)
		return -errno;
	const auto read = [&](auto &value, std::size_t at) { std::memcpy(&value, buffer.data() + at, sizeof(value)); };
	nlmsghdr header;
	read(header, 0);
	int error = 0;
	if (header.nlmsg_type == NLMSG_ERROR) {
		read(error, sizeof(header));
		return error;
	}
	// The answer of process events carries an errno of its own.
	cnx_id id;
	read(id, sizeof(header));
	if (id.idx == process_id.idx)
		read(error, headers + offsetof(cnx_proc_event, ack.error));
	return -error;
}

/// A request to cnx itself, as it is sent.
Bytes control_datagram(std::uint16_t op, std::uint32_t idx = 0)
{
	return one(control_id, 1, control_request(op, {idx, 0}), NLM_F_REQUEST);
}

int read_all(const char *path)
{
	std::array<char, 4096> buffer;
	const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t size;
	while ((size = ::read(fd, buffer.data(), buffer.size())) > 0) {
	}
	const int status = size < 0 ? -errno : 0;
	::close(fd);
	return status;
}

int open_and_bind(int number)
{
	const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, number);
	sockaddr_nl address{};
	address.nl_family = AF_NETLINK;
	address.nl_groups = 1;
	if (fd < 0)
		return -errno;
	const int status = ::bind(fd, generic(address), sizeof(address)) ? -errno : 0;
	::close(fd);
	return status;
}

int fork_and_wait()
{
	const pid_t child = ::fork();
	if (child == 0)
		::_exit(0);
	if (child < 0)
		return -errno;
	::waitpid(child, nullptr, 0);
	return 0;
}

void program(Ktap &ktap, const Faults &faults)
{
	Socket socket;
	const auto empty = [&] { socket.drain(std::chrono::milliseconds{0}); };
	const auto request = [&](const std::string &name, const Bytes &datagram, const std::set<int> &also = {},
	                         const std::function<void()> &before = nothing,
	                         const std::function<void()> &after = nothing) {
		std::set<int> errors = of_requests;
		errors.insert(also.begin(), also.end());
		in_turn(ktap, name, errors,
		        under(
		            faults, [&] { return answered_at_once(socket, datagram); }, before,
		            [&](int) {
			            empty();
			            after();
		            }));
	};

	in_turn(ktap, "open a socket and bind it", {ENOMEM, ENOBUFS, EFAULT, ENFILE},
	        under(faults, [number = protocol()] { return open_and_bind(number); }));
	in_turn(ktap, "join a group", {ENOMEM, EFAULT},
	        under(
	            faults, [&] { return socket.join(77); }, nothing,
	            [&](int) { socket.option(NETLINK_DROP_MEMBERSHIP, 77); }));

	request("a message and its answer", one(echo_id, 1, bytes_of("hello"), NLM_F_REQUEST));
	request("a message to be acknowledged", one(echo_id, 1, bytes_of("hello"), NLM_F_ACK));
	request("a message of the largest size", one(echo_id, 1, Bytes(largest_payload), NLM_F_REQUEST));
	for (const auto &[name, op] :
	     {std::pair{"info", CNX_CONTROL_INFO}, std::pair{"list", CNX_CONTROL_LIST},
	      std::pair{"counters", CNX_CONTROL_COUNTERS}, std::pair{"losses", CNX_CONTROL_LOSSES}})
		request(name, control_datagram(op));
	// A subscription whose answer was lost is there all the same.
	const auto subscribed = [&] { ask(socket, CNX_CONTROL_SUBSCRIBE, {far_group, 0}); };
	const auto unsubscribed = [&] { ask(socket, CNX_CONTROL_UNSUBSCRIBE, {far_group, 0}); };
	request("subscribe", control_datagram(CNX_CONTROL_SUBSCRIBE, far_group), {}, nothing, unsubscribed);
	request("unsubscribe", control_datagram(CNX_CONTROL_UNSUBSCRIBE, far_group), {}, subscribed, unsubscribed);
	std::optional<Socket> closing;
	in_turn(ktap, "close a socket that has subscribed", {},
	        under(
	            faults,
	            [&] {
		            closing.reset();
		            return 0;
	            },
	            [&] {
		            closing.emplace();
		            ask(*closing, CNX_CONTROL_SUBSCRIBE, {far_group, 0});
	            },
	            [](int) {}));
	for (const char *path : {"/proc/net/cnx", CNX_PROTOCOL_FILE})
		in_turn(ktap, std::string("read ") + path, of_files, under(faults, [path] { return read_all(path); }));
}

void procevents(Ktap &ktap, const Faults &faults)
{
	Socket socket;
	const auto request = [&](const std::string &name, std::uint32_t op, std::uint32_t before) {
		const Bytes datagram = one(process_id, 1, request_of(op), NLM_F_REQUEST);
		const Bytes prepared = one(process_id, 1, request_of(before), NLM_F_REQUEST);
		in_turn(ktap, name, of_requests,
		        under(
		            faults, [&, datagram] { return answered_at_once(socket, datagram); },
		            [&, prepared] {
			            answered_at_once(socket, prepared);
			            socket.drain(std::chrono::milliseconds{0});
		            },
		            [](int) {}));
	};
	request("listen to process events", CNX_PROC_LISTEN, CNX_PROC_IGNORE);
	request("listen to process events no more", CNX_PROC_IGNORE, CNX_PROC_LISTEN);

	Watcher watcher;
	ktap.equal("a listener is there", 0, watcher.listen());
	in_turn(ktap, "fork under a listener", {ENOMEM, EAGAIN},
	        under(faults, fork_and_wait, nothing, [&](int) { watcher.events(std::chrono::milliseconds{0}); }));
}

// ---------------------------------------------------------------------------------------------------- drivers

/// The driver's file, which is open before a fault is set.
class Driver
{
public:
	Driver() : fd_(::open("/proc/cnx_test_traffic", O_RDWR | O_CLOEXEC))
	{
		if (fd_ < 0)
			give_up("/proc/cnx_test_traffic");
	}
	Driver(const Driver &) = delete;
	Driver &operator=(const Driver &) = delete;
	~Driver() { ::close(fd_); }

	/// A negative errno, or the last number of the outcome, which is the status of what was ordered.
	[[nodiscard]] int order(const std::string &what) const
	{
		char text[512] = {};
		if (::pwrite(fd_, what.data(), what.size(), 0) < 0 || ::pread(fd_, text, sizeof(text) - 1, 0) < 0)
			return -errno;
		const std::string_view numbers(text);
		return std::atoi(text + numbers.find_last_of(' ') + 1);
	}
	void surely(const std::string &what) const
	{
		if (const int status = order(what)) {
			errno = -status;
			give_up(what);
		}
	}

private:
	int fd_;
};

void driver(Ktap &ktap, const Faults &faults)
{
	const Driver driver;
	const auto ordered = [&](const std::string &name, const std::string &what, const std::function<void()> &before,
	                         const std::function<void()> &after) {
		in_turn(ktap, name, {ENOMEM, ENOBUFS, EFAULT},
		        under(
		            faults, [&] { return driver.order(what); }, before, [&](int) { after(); }));
	};
	const auto registered = [&](unsigned delay) {
		return [&driver, delay] { driver.surely(registration(delay)); };
	};
	// There may be nothing to unregister, where a fault was.
	const auto unregistered = [&] { static_cast<void>(driver.order("unregister")); };

	ordered(
	    "register", registration(), [] {}, unregistered);
	ordered(
	    "register with coalescing", registration(1000), [] {}, unregistered);
	ordered("unregister", "unregister", registered(0), unregistered);
	ordered("unregister with coalescing", "unregister", registered(1000), unregistered);

	std::vector<Socket> subscribers(3);
	for (Socket &subscriber : subscribers)
		ask(subscriber, CNX_CONTROL_SUBSCRIBE, {idx, 0});
	Socket member;
	ktap.equal("a member joins", 0, member.join(idx));
	const auto heard = [&] {
		for (Socket &subscriber : subscribers)
			subscriber.drain(std::chrono::milliseconds{0});
		member.drain(std::chrono::milliseconds{0});
	};
	registered(0)();
	const auto portid = subscribers.front().portid();
	ordered("send to a portid", send_order(portid, 0, 1, 0), nothing, heard);
	ordered("send to a portid, atomically", send_order(portid, 0, 1, atomic), nothing, heard);
	ordered("send to a portid, lossless", send_order(portid, 0, 1, lossless), nothing, heard);
	ordered("send to a group", send_order(0, idx, 1, 0), nothing, heard);
	ordered("send to a group, atomically", send_order(0, idx, 1, atomic), nothing, heard);
	ordered("send to a group, lossless", "report " + std::to_string(idx), nothing, heard);
	ordered("send a batch", "batch " + std::to_string(idx) + " 1 50", nothing, heard);
	unregistered();

	registered(100000)();
	ordered("send what may wait", send_order(0, idx, 3, 0), nothing, heard);
	unregistered();
}

// ---------------------------------------------------------------------------------------------------- namespaces

/// Makes a namespace in a process of its own, and looks whether cnx is in it.
Attempt make_namespace(unsigned n)
{
	constexpr int struck_bit = 0x80;
	constexpr int without = 0x7f;
	const pid_t child = ::fork();
	if (child == 0) {
		const Faults faults;
		faults.arm(n);
		int status = ::unshare(CLONE_NEWNET) ? errno : 0;
		const int struck = faults.disarm() ? struck_bit : 0;
		if (status == 0) {
			if (protocol() == 0)
				status = without;
			else if (Socket socket; ask(socket, CNX_CONTROL_INFO).error)
				status = without - 1;
		}
		std::_Exit(struck | status);
	}
	int status = 0;
	if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status))
		give_up("a child process failed");
	return {-(WEXITSTATUS(status) & ~struck_bit), (WEXITSTATUS(status) & struck_bit) != 0};
}

// ---------------------------------------------------------------------------------------------------- the pool

/// The faults are the filling thread's, and what fails is made up for when it is asked the next time.
void refill(Ktap &ktap, const Faults &faults)
{
	Socket socket;
	const auto refills = [&] { return counts(socket)[CNX_POOL_REFILLS]; };
	in_turn(ktap, "fill the pool", {}, under(faults, [&] {
		        const auto before = refills();
		        const auto filled = [&] { return echoed(socket) && refills() >= before + 40; };
		        return eventually(filled) ? 0 : -ETIMEDOUT;
	        }));
}

} // namespace

int main(int count, char **words)
{
	const auto word = [&](int index) { return index < count ? words[index] : ""; };
	const std::string_view what = word(1);
	Ktap ktap;
	if (what == "load") {
		const Faults faults;
		load(ktap, word(2), word(3), faults);
	} else if (what == "unload") {
		const Faults faults;
		unload(ktap, word(2), word(3), faults);
	} else if (what == "load-thread") {
		// Linux says so where it has no memory for what belongs to a new thread's user.
		load(ktap, word(2), "", Faults(word(3)), {ENOMEM, EAGAIN});
	} else if (what == "program") {
		const Faults faults;
		program(ktap, faults);
	} else if (what == "driver") {
		const Faults faults;
		driver(ktap, faults);
	} else if (what == "procevents") {
		const Faults faults;
		procevents(ktap, faults);
	} else if (what == "namespace") {
		in_turn(ktap, "make a namespace", of_memory, make_namespace);
	} else if (what == "refill") {
		refill(ktap, Faults(word(2)));
	} else {
		std::fputs("usage: test_fail_nth load | unload | load-thread | program | procevents | driver | "
		           "namespace | refill\n",
		           stderr);
		return 2;
	}
	return ktap.end();
}
