// SPDX-License-Identifier: MIT
/*
 * The client library of cnx for programs built on asio (the standalone one): what cnx/client.hpp waits for, awaited.
 * A header over cnx/client.hpp; link with libcnx.a and asio's own needs.
 *
 * Any number of coroutines may wait on one AsyncClient at a time, as long as none run at the same moment: an
 * AsyncClient belongs to one strand, or to an io_context that one thread runs.
 *
 * Cancellation (cancellation slots, awaitable_operators): an operation that is cancelled while it waits yields
 * ECANCELED, and what it waited for goes to the next that asks. asio itself throws at the first co_await of a coroutine
 * that has been cancelled already; nothing is lost by that.
 */
#ifndef CNX_ASIO_HPP
#define CNX_ASIO_HPP

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

#include <asio.hpp>

#include <cnx/client.hpp>

#ifndef ASIO_HAS_CO_AWAIT
#error "asio finds no coroutines: use -std=c++23, and for clang ASIO_HAS_CO_AWAIT and ASIO_HAS_STD_COROUTINE"
#endif

namespace cnx::client
{

class AsyncClient
{
public:
	/* Client::open(), to be awaited on `executor`, whose context must outlive the client. */
	static Result<AsyncClient> open(const asio::any_io_executor &executor, const Options &options = {})
	{
		auto client = Client::open(options);
		if (!client)
			return std::unexpected(client.error());
		return adopt(executor, std::move(*client));
	}

	/* Takes over a client. EPERM and the like where asio cannot wait for its descriptor. */
	static Result<AsyncClient> adopt(const asio::any_io_executor &executor, Client client)
	{
		AsyncClient adopted(std::make_shared<State>(executor, std::move(client)));
		asio::error_code problem;
		adopted.state_->descriptor.assign(adopted.client().fd(), problem);
		if (problem)
			return std::unexpected(Error{problem.value(), "asio cannot wait for the client's descriptor: " +
			                                                  problem.message()});
		return adopted;
	}

	AsyncClient(AsyncClient &&) noexcept = default;
	AsyncClient &operator=(AsyncClient &&other) noexcept
	{
		std::swap(state_, other.state_);
		return *this;
	}

	/* What still waits, or has not begun, yields ECANCELED. */
	~AsyncClient()
	{
		if (state_)
			state_->close();
	}

	/*
	 * For what does not wait: joining and leaving groups, control requests, portid(). cnx answers those within the
	 * send. The reference is for use at once, and not across a co_await.
	 */
	Client &client()
	{
		/* It may read what somebody waits for, behind the descriptor's back. */
		if (state_->somebody_waits())
			asio::post(state_->executor, [state = state_] { state->pump(); });
		return state_->client;
	}

	/* Client::receive(). Several that wait are served in turn. */
	asio::awaitable<Result<Event>> receive(Timeout timeout = forever) { return receive(state_, timeout); }

	/*
	 * Client::request(). The payload must live until it is awaited. Several may wait for their answers at the same
	 * time; they are told apart by seq, so leave that at 0.
	 */
	asio::awaitable<Result<Message>> request(MessageView message, Timeout timeout)
	{
		return request(state_, message, timeout);
	}

	/*
	 * Client::send(); only Answer::Always waits, for at most `timeout`. The payload must live until it is awaited.
	 */
	asio::awaitable<Result<std::uint32_t>> send(MessageView message, Answer answer = Answer::None,
	                                            Timeout timeout = std::chrono::seconds(5))
	{
		return send(state_, message, answer, timeout);
	}

private:
	static constexpr unsigned most_unpaused = 64;
	/* What is read ahead of receive() at most, while an answer is awaited; then the socket's own queue fills. */
	static constexpr std::size_t most_kept = 65536;

	/* An operation that waits: for an answer, or for whatever comes if it names none. */
	struct Waiter {
		asio::steady_timer wake;
		std::optional<MessageView> reply{};    /* without its payload */
		std::optional<std::uint32_t> number{}; /* whose acknowledgement ends the wait */
		std::optional<Result<Event>> outcome{};

		/* Whether it waits for this and nobody else does. */
		bool awaits(const Event &event) const
		{
			if (const auto *answer = std::get_if<Acknowledgement>(&event))
				return number == answer->seq && (answer->code || !reply);
			const auto *message = std::get_if<Message>(&event);
			return message && reply && message->id == reply->id && message->seq == reply->seq &&
			       message->ack == reply->ack;
		}

		bool takes_anything() const { return !number; }

		void finish(Result<Event> with)
		{
			outcome = std::move(with);
			wake.cancel();
		}
	};

	struct State : std::enable_shared_from_this<State> {
		State(const asio::any_io_executor &executor_, Client client_)
		    : executor(executor_), client(std::move(client_)), descriptor(executor_)
		{
		}

		/* The descriptor is the client's, which closes it. */
		~State()
		{
			if (descriptor.is_open())
				descriptor.release();
		}

		void close()
		{
			closed = true;
			asio::error_code ignored;
			descriptor.cancel(ignored);
			finish_all(closed_error());
		}

		static Error closed_error() { return {ECANCELED, "the client was closed meanwhile"}; }

		void finish_all(const Error &error)
		{
			for (Waiter *waiter : waiters)
				if (!waiter->outcome)
					waiter->finish(std::unexpected(error));
		}

		bool somebody_waits() const
		{
			for (const Waiter *waiter : waiters)
				if (!waiter->outcome)
					return true;
			return false;
		}

		/* Hands over what is here, and waits for more while anybody wants it. */
		void pump()
		{
			while (!closed && somebody_waits() && inbox.size() < most_kept) {
				auto event = client.receive(Timeout::zero());
				if (event || event.error().code == EMSGSIZE)
					deliver(std::move(event));
				else if (event.error().code == ETIMEDOUT)
					return arm();
				else if (event.error().code != EINTR)
					return finish_all(event.error());
			}
		}

		void deliver(Result<Event> event)
		{
			Waiter *anybody = nullptr;
			for (Waiter *waiter : waiters) {
				if (waiter->outcome)
					continue;
				if (event && waiter->awaits(*event))
					return waiter->finish(std::move(event));
				if (!anybody && waiter->takes_anything())
					anybody = waiter;
			}
			if (anybody)
				anybody->finish(std::move(event));
			else
				inbox.push_back(std::move(event));
		}

		void arm()
		{
			if (std::exchange(armed, true))
				return;
			unpaused = 0;
			descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
			                      [self = this->shared_from_this()](const asio::error_code &problem) {
				                      self->ready(problem);
			                      });
		}

		/* Once nobody waits any more: a wait on the descriptor would keep the context from ending. */
		void disarm()
		{
			asio::error_code ignored;
			if (armed && !somebody_waits())
				descriptor.cancel(ignored);
		}

		void ready(const asio::error_code &problem)
		{
			armed = false;
			/* Somebody may have begun to wait since it was cancelled. */
			if (!problem || problem == asio::error::operation_aborted)
				pump();
			else
				finish_all({problem.value(), "cannot wait for the descriptor: " + problem.message()});
		}

		asio::any_io_executor executor;
		Client client;
		asio::posix::stream_descriptor descriptor;
		std::list<Waiter *> waiters; /* in the frames of their coroutines, which take them out */
		std::deque<Result<Event>> inbox;
		std::uint32_t exchange = std::random_device{}();
		unsigned unpaused = 0;
		bool armed = false;
		bool closed = false;
	};

	/* Among the waiters while it lives, however its coroutine ends. */
	struct Enlisted {
		State &state;
		std::list<Waiter *>::iterator place;

		Enlisted(State &state_, Waiter &waiter)
		    : state(state_), place(state.waiters.insert(state.waiters.end(), &waiter))
		{
		}
		Enlisted(const Enlisted &) = delete;
		Enlisted &operator=(const Enlisted &) = delete;
		~Enlisted()
		{
			state.waiters.erase(place);
			state.disarm();
		}
	};

	/* The operations, which hold the state themselves: the client may go while they are under way. */
	static asio::awaitable<Result<Event>> receive(std::shared_ptr<State> state, Timeout timeout)
	{
		if (state->closed)
			co_return std::unexpected(State::closed_error());
		/* A stream that never pauses would keep everybody else from running. */
		if (++state->unpaused % most_unpaused == 0)
			co_await asio::post(state->executor, asio::use_awaitable);
		if (!state->inbox.empty()) {
			auto event = std::move(state->inbox.front());
			state->inbox.pop_front();
			state->pump();
			co_return event;
		}
		Waiter waiter{.wake = asio::steady_timer(state->executor)};
		co_return co_await wait(state, waiter, timeout);
	}

	static asio::awaitable<Result<Message>> request(std::shared_ptr<State> state, MessageView message,
	                                                Timeout timeout)
	{
		if (state->closed)
			co_return std::unexpected(State::closed_error());
		/* The counter wraps past 0, which asks for a fresh number. */
		while (message.seq == 0)
			message.seq = state->exchange++;
		const auto number = state->client.send(message, Answer::Errors);
		if (!number)
			co_return std::unexpected(number.error());

		message.payload = {};
		++message.ack;
		Waiter waiter{.wake = asio::steady_timer(state->executor), .reply = message, .number = *number};
		auto answer = co_await wait(state, waiter, timeout);
		if (!answer)
			co_return std::unexpected(answer.error());
		if (auto *reply = std::get_if<Message>(&*answer))
			co_return std::move(*reply);
		co_return std::unexpected(refused(std::get<Acknowledgement>(*answer)));
	}

	static asio::awaitable<Result<std::uint32_t>> send(std::shared_ptr<State> state, MessageView message,
	                                                   Answer answer, Timeout timeout)
	{
		if (state->closed)
			co_return std::unexpected(State::closed_error());
		const auto number = state->client.send(message, answer == Answer::Always ? Answer::Each : answer);
		if (!number || answer != Answer::Always)
			co_return number;

		Waiter waiter{.wake = asio::steady_timer(state->executor), .number = *number};
		const auto answered = co_await wait(state, waiter, timeout);
		if (!answered)
			co_return std::unexpected(answered.error());
		const auto &acknowledgement = std::get<Acknowledgement>(*answered);
		if (acknowledgement.code)
			co_return std::unexpected(refused(acknowledgement));
		co_return number;
	}

	static asio::awaitable<Result<Event>> wait(std::shared_ptr<State> state, Waiter &waiter, Timeout timeout)
	{
		const Enlisted enlisted(*state, waiter);
		/* More than a year is for ever, and would overflow the clock at the extreme. */
		if (timeout < Timeout::zero() || timeout > std::chrono::hours(24 * 366))
			waiter.wake.expires_at(asio::steady_timer::time_point::max());
		else
			waiter.wake.expires_after(timeout);
		state->pump();

		asio::error_code woken;
		if (!waiter.outcome)
			co_await waiter.wake.async_wait(asio::redirect_error(asio::use_awaitable, woken));
		if (waiter.outcome)
			co_return std::move(*waiter.outcome);
		if (woken == asio::error::operation_aborted)
			co_return std::unexpected(Error{ECANCELED, "it was cancelled while it waited"});
		co_return std::unexpected(
		    Error{ETIMEDOUT, "nothing came in time: wait longer, or ask the driver why it is silent"});
	}

	static Error refused(const Acknowledgement &acknowledgement)
	{
		if (acknowledgement.what.empty())
			return {acknowledgement.code,
			        "cnx refused the message: " + std::generic_category().message(acknowledgement.code)};
		return {acknowledgement.code, acknowledgement.what};
	}

	explicit AsyncClient(std::shared_ptr<State> state) : state_(std::move(state)) {}

	std::shared_ptr<State> state_;
};

} // namespace cnx::client

#endif // CNX_ASIO_HPP
