/*
 * smtp.c - mails: one transaction, or several, in a session
 *
 * The dialogue of RFC 5321, section 3.3. Where the server offers PIPELINING
 * (RFC 2920), MAIL, every RCPT and DATA go out together; the replies come in
 * the same order in any case, so one state machine reads both. Each recipient
 * gets the reply that decided about it: to MAIL, to its RCPT, to DATA or to
 * the message.
 */
#include "core/transport/smtp_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <belfry/memory.h>

#define RECIPIENTS_MOST 100 /* of a transaction: RFC 5321, 4.5.3.1.8 */

/* RFC 5321, section 4.5.3.2. */
#define COMMAND_MS (5 * 60000)
#define DATA_MS (2 * 60000)
#define MESSAGE_MS (10 * 60000)

#define CLOSING 421 /* the server ends the session: section 3.8 */
#define GO_ON 354

enum stage {
	OPENING,
	RSET,
	MAIL,
	RCPT,
	DATA,
	MESSAGE,
};

/* What is waited for in a stage, and how long. */
static const struct {
	const char *doing;
	struct bf_duration limit;
} stages[] = {
	[RSET] = { "the reply to RSET", { COMMAND_MS } },
	[MAIL] = { "the reply to MAIL", { COMMAND_MS } },
	[RCPT] = { "the reply to RCPT", { COMMAND_MS } },
	[DATA] = { "the reply to DATA", { DATA_MS } },
	[MESSAGE] = { "the reply to the message", { MESSAGE_MS } },
};

/* A mail under way. */
struct mail {
	struct smtp *smtp;
	struct smtp_session *session;
	struct bf_request request;
	struct bf_response response;
	struct bf_transport_options options;
	struct bf_timings timings;
	struct transcript *transcript;
	struct event *failure; /* ends a mail that could not begin */
	enum stage stage;
	size_t first, end; /* recipients of the transaction under way */
	size_t next;       /* whose RCPT is answered next */
	bool refused;      /* MAIL was, and the rest only drains */
	bool reused;       /* the session was */
	bool renewed;      /* as the one that was taken was gone */
	bool answered;     /* by the server, in this session */
	char error[600];
	int64_t began_us;
	bf_transport_done *done;
	void *context;
	TAILQ_ENTRY(mail) entry;
};

struct smtp {
	struct bf_transport *transport;
	struct smtp_sessions *sessions;
	TAILQ_HEAD(, mail) mails;
};

/* ---- the end ---- */

static void
free_mail(struct mail *mail)
{
	TAILQ_REMOVE(&mail->smtp->mails, mail, entry);
	if (mail->failure)
		event_free(mail->failure);
	bf_transcript_free(&mail->transcript);
	bf_request_free(&mail->request);
	bf_response_free(&mail->response);
	free(mail);
}

/* Tells how it ended, and gives the session back. */
static void
finish(struct mail *mail, bool keep)
{
	struct bf_response *response = &mail->response;
	char *steps = NULL;

	response->now = bf_clock_wall();
	mail->timings.total_us = bf_clock_wall_us() - mail->began_us;
	response->took.ms = mail->timings.total_us / 1000;
	response->error = mail->error[0] ? mail->error : NULL;
	if (mail->transcript && mail->session) {
		const struct failure failure =
		    bf_easy_failure(bf_smtp_session_easy(mail->session),
			bf_smtp_session_code(mail->session), mail->request.url);

		steps =
		    bf_transcript_finish(mail->transcript, &failure, response);
	}
	if (mail->session)
		bf_smtp_session_release(mail->session,
		    keep && !mail->options.fresh);
	mail->smtp->transport->active--;
	mail->done(mail->context, response, &mail->timings, steps);
	free(steps);
	free_mail(mail);
}

/* ---- a transaction ---- */

/* Gives the reply to every recipient of the transaction that was not refused
 * by itself. */
static void
answer_rest(struct mail *mail, size_t end, const struct bf_smtp_reply *reply)
{
	for (size_t i = mail->first; i < end; i++) {
		struct bf_recipient *one = &mail->response.recipients.items[i];

		if (one->status == 0)
			bf_recipient_answer(one, reply->code, reply->text);
	}
}

static size_t
count_accepted(const struct mail *mail)
{
	size_t count = 0;

	for (size_t i = mail->first; i < mail->end; i++)
		count += mail->response.recipients.items[i].status == 0;
	return count;
}

/* Appends the message as DATA wants it: lines that begin with a dot get
 * another, and a dot by itself ends it (RFC 5321, sections 4.1.1.4, 4.5.2). */
static void
put_message(struct bf_buf *out, const struct bf_buf *message)
{
	const char *line = message->data;
	const char *const end = line + message->size;

	while (line < end) {
		const char *feed = memchr(line, '\n', (size_t)(end - line));
		const char *next = feed ? feed + 1 : end;

		if (*line == '.')
			bf_buf_add_byte(out, '.');
		bf_buf_add(out, line, (size_t)(next - line));
		line = next;
	}
	if (message->size == 0 || end[-1] != '\n')
		bf_buf_add_text(out, "\r\n");
	bf_buf_add_text(out, ".\r\n");
}

/* The command of a stage. */
static void
put_command(const struct mail *mail, enum stage stage, size_t recipient,
    struct bf_buf *out)
{
	const size_t start = out->size;

	if (stage == RSET)
		bf_buf_add_text(out, "RSET\r\n");
	else if (stage == RCPT)
		bf_buf_add_format(out, "RCPT TO:<%s>\r\n",
		    mail->response.recipients.items[recipient].address);
	else if (stage == DATA)
		bf_buf_add_text(out, "DATA\r\n");
	else if (bf_smtp_session_features(mail->session)->size)
		bf_buf_add_format(out, "MAIL FROM:<%s> SIZE=%zu\r\n",
		    mail->request.sender, mail->request.body.size);
	else
		bf_buf_add_format(out, "MAIL FROM:<%s>\r\n",
		    mail->request.sender);
	if (mail->transcript)
		bf_transcript_lines(mail->transcript, true, out->data + start,
		    out->size - start);
}

/* Goes on to a stage: its command is sent, unless all were sent at once. */
static void
enter(struct mail *mail, enum stage stage)
{
	const bool sent = bf_smtp_session_features(mail->session)->pipelining &&
			  stage != MAIL && stage != RSET;

	mail->stage = stage;
	if (sent) {
		bf_smtp_session_wait(mail->session, stages[stage].doing,
		    stages[stage].limit);
		return;
	}
	put_command(mail, stage, mail->next,
	    bf_smtp_session_out(mail->session));
	if (stage == MAIL &&
	    bf_smtp_session_features(mail->session)->pipelining) {
		struct bf_buf *out = bf_smtp_session_out(mail->session);

		for (size_t i = mail->first; i < mail->end; i++)
			put_command(mail, RCPT, i, out);
		put_command(mail, DATA, 0, out);
	}
	bf_smtp_session_send(mail->session, stages[stage].doing,
	    stages[stage].limit);
}

static void
begin(struct mail *mail)
{
	const size_t left = mail->response.recipients.count - mail->first;
	const bool open = bf_smtp_session_open(mail->session);

	mail->end =
	    mail->first + (left < RECIPIENTS_MOST ? left : RECIPIENTS_MOST);
	mail->next = mail->first;
	mail->refused = false;
	bf_smtp_session_set_open(mail->session, true);
	enter(mail, open ? RSET : MAIL);
}

/* A transaction is over; open: it was not completed. */
static void
end_transaction(struct mail *mail, bool open)
{
	bf_smtp_session_set_open(mail->session, open);
	mail->first = mail->end;
	if (mail->first < mail->response.recipients.count)
		begin(mail);
	else
		finish(mail, true);
}

/* ---- replies, by stage ---- */

static bool
is_positive(const struct bf_smtp_reply *reply)
{
	return reply->code / 100 == 2;
}

static void
replied_rset(struct mail *mail, const struct bf_smtp_reply *reply)
{
	if (is_positive(reply)) {
		enter(mail, MAIL);
		return;
	}
	snprintf(mail->error, sizeof(mail->error),
	    "the server refused RSET: %s", reply->text);
	finish(mail, false);
}

static void
replied_mail(struct mail *mail, const struct bf_smtp_reply *reply)
{
	mail->refused = !is_positive(reply);
	if (mail->refused)
		answer_rest(mail, mail->end, reply);
	if (mail->refused &&
	    !bf_smtp_session_features(mail->session)->pipelining)
		end_transaction(mail, false);
	else
		enter(mail, RCPT);
}

static void
replied_rcpt(struct mail *mail, const struct bf_smtp_reply *reply)
{
	struct bf_recipient *one =
	    &mail->response.recipients.items[mail->next++];

	/* What follows a refused MAIL says nothing about recipients. */
	if (!is_positive(reply) && !mail->refused)
		bf_recipient_answer(one, reply->code, reply->text);
	if (mail->next < mail->end)
		enter(mail, RCPT);
	else if (count_accepted(mail) > 0 ||
		 bf_smtp_session_features(mail->session)->pipelining)
		enter(mail, DATA);
	else
		end_transaction(mail, true);
}

static void
replied_data(struct mail *mail, const struct bf_smtp_reply *reply)
{
	struct bf_buf *out = bf_smtp_session_out(mail->session);
	const struct bf_buf nothing = { 0 };

	/* It has not had the message: a 250 must not pass for its receipt. */
	if (reply->code / 100 < 4 && reply->code != GO_ON) {
		snprintf(mail->error, sizeof(mail->error),
		    "the server does not speak SMTP as it should: its reply to "
		    "DATA was %s",
		    reply->text);
		finish(mail, false);
		return;
	}
	if (reply->code != GO_ON) {
		answer_rest(mail, mail->end, reply);
		end_transaction(mail, true);
		return;
	}
	/* DATA was sent ahead, and there is nobody to send to: an empty message
	 * that is for no one (RFC 2920, section 3.1). */
	put_message(out,
	    count_accepted(mail) > 0 ? &mail->request.body : &nothing);
	if (mail->transcript)
		bf_transcript_lines(mail->transcript, true, ".", 1);
	mail->stage = MESSAGE;
	bf_smtp_session_send(mail->session, stages[MESSAGE].doing,
	    stages[MESSAGE].limit);
}

static void
replied_message(struct mail *mail, const struct bf_smtp_reply *reply)
{
	answer_rest(mail, mail->end, reply);
	end_transaction(mail, false);
}

static void take_session(struct mail *mail);

/* Takes a new session in place of an idle one that the server had ended:
 * nothing was taken yet, so no copy can come of it. */
static void
renew(struct mail *mail)
{
	mail->renewed = true;
	take_session(mail);
}

static void
on_replied(void *context, const struct bf_smtp_reply *reply)
{
	static void (*const replied[])(struct mail *,
	    const struct bf_smtp_reply *) = { [RSET] = replied_rset,
		[MAIL] = replied_mail,
		[RCPT] = replied_rcpt,
		[DATA] = replied_data,
		[MESSAGE] = replied_message };
	struct mail *mail = context;

	if (!mail->answered)
		mail->timings.first_byte_us =
		    bf_clock_wall_us() - mail->began_us;
	if (reply->code == CLOSING && mail->reused && !mail->answered) {
		bf_smtp_session_release(mail->session, false);
		renew(mail);
		return;
	}
	mail->answered = true;
	mail->response.status = reply->code;
	if (reply->code != CLOSING) {
		replied[mail->stage](mail, reply);
		return;
	}
	answer_rest(mail, mail->response.recipients.count, reply);
	finish(mail, false);
}

/* ---- the session ---- */

static void
on_ready(void *context)
{
	struct mail *mail = context;

	bf_easy_timings(bf_smtp_session_easy(mail->session), false,
	    &mail->timings);
	begin(mail);
}

static void
on_lost(void *context, const char *why, const struct bf_smtp_reply *reply)
{
	struct mail *mail = context;
	struct smtp_session *session = mail->session;

	if (mail->reused && !mail->answered) {
		renew(mail);
		return;
	}
	if (mail->stage == OPENING)
		bf_easy_timings(bf_smtp_session_easy(session), false,
		    &mail->timings);
	if (!is_positive(reply))
		mail->response.status = reply->code;
	snprintf(mail->error, sizeof(mail->error), "%s%s", why,
	    mail->stage == MESSAGE && count_accepted(mail) > 0
		? ": the message had been sent, and may have been taken"
		: "");
	/* The session, released or not, closes after this call. */
	finish(mail, false);
}

static void
on_failure(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	finish(context, false);
}

/* Takes a session, and begins if it can be used at once. */
static void
take_session(struct mail *mail)
{
	static const struct smtp_handler handler = { on_ready, on_replied,
		on_lost };
	struct bf_transport_options options = mail->options;
	struct bf_error err;

	options.fresh |= mail->renewed;
	mail->stage = OPENING;
	mail->session =
	    bf_smtp_session_take(mail->smtp->sessions, &mail->request, &options,
		mail->transcript, &handler, mail, &mail->reused, &err);
	if (mail->session) {
		if (mail->reused)
			begin(mail);
		return;
	}
	snprintf(mail->error, sizeof(mail->error), "%s", err.text);
	mail->failure =
	    event_new(mail->smtp->transport->base, -1, 0, on_failure, mail);
	if (!mail->failure)
		abort();
	event_active(mail->failure, EV_TIMEOUT, 0);
}

void
bf_smtp_start(struct smtp *smtp, struct bf_request *request,
    const struct bf_transport_options *options, bf_transport_done *done,
    void *context)
{
	struct mail *mail = bf_new(struct mail);

	mail->smtp = smtp;
	mail->request = *request;
	*request = (struct bf_request){ 0 };
	/* Each gets its answer in the response. */
	mail->response.recipients = mail->request.recipients;
	mail->request.recipients = (struct bf_recipients){ 0 };
	mail->options = *options;
	mail->timings = (struct bf_timings){ -1, -1, -1, -1, 0 };
	mail->began_us = bf_clock_wall_us();
	mail->done = done;
	mail->context = context;
	if (options->transcript)
		mail->transcript = bf_transcript_new(mail->request.url,
		    options->proxy != NULL);
	TAILQ_INSERT_TAIL(&smtp->mails, mail, entry);
	take_session(mail);
}

struct smtp *
bf_smtp_new(struct bf_transport *transport)
{
	struct smtp *smtp = bf_new(struct smtp);

	TAILQ_INIT(&smtp->mails);
	smtp->transport = transport;
	smtp->sessions = bf_smtp_sessions_new(transport);
	return smtp;
}

void
bf_smtp_free(struct smtp **smtp)
{
	if (!*smtp)
		return;
	bf_smtp_sessions_free(&(*smtp)->sessions);
	while (!TAILQ_EMPTY(&(*smtp)->mails))
		free_mail(TAILQ_FIRST(&(*smtp)->mails));
	free(*smtp);
	*smtp = NULL;
}
