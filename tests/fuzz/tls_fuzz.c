/*
 * tls_fuzz.c - an intake that speaks TLS, with a client that speaks something
 * else
 *
 * The first byte says what the client sends:
 *
 *   b  bytes as they are
 *   h  a handshake and a request that are changed on their way: each two bytes
 *      of the input, and a third, are where in what is sent, and what the byte
 *      there is xored with; the rest of the input, behind a 0, comes after it
 *
 * A client that changes nothing is answered; and whatever was sent, so is the
 * next one that is honest.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "tests/fuzz/lone.h"

#define RUNS_MOST 200   /* with one intake */
#define ANSWER_MS 20000 /* before an answer is missed */
#define STALL_MS 5      /* before a client gives up that is not honest */
#define CHANGES_MOST 16 /* of an input */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";

static SSL_CTX *server, *client;
static struct lone *lone;
static unsigned runs;

struct change {
	size_t at;
	uint8_t xor ;
};

/* How what is sent differs from what OpenSSL meant. */
struct changes {
	struct change all[CHANGES_MOST];
	size_t count;
	const uint8_t *after;
	size_t after_size;
};

/* ---- both ends ---- */

/* A certificate that nobody is to trust, with its key. */
static SSL_CTX *
make_server(void)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();

	if (!tls || !key || !certificate)
		abort();
	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
	X509_set_pubkey(certificate, key);
	if (X509_sign(certificate, key, EVP_sha256()) == 0 ||
	    SSL_CTX_use_certificate(tls, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey(tls, key) != 1)
		abort();
	SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return tls;
}

static void
stop(void)
{
	lone_free(&lone);
}

static void
start(void)
{
	if (!server) {
		signal(SIGPIPE, SIG_IGN);
		server = make_server();
		client = SSL_CTX_new(TLS_client_method());
		atexit(stop);
	}
	SSL_CTX_up_ref(server);
	lone = lone_new(BF_CHILD_INTAKE, server);
	lone_welcome(lone);
}

/* ---- a client ---- */

/* Sends what OpenSSL has for the peer, changed; sent: how much before. */
static void
send_pending(SSL *ssl, int fd, const struct changes *changes, size_t *sent)
{
	unsigned char bytes[16384];
	int got;

	while ((got = BIO_read(SSL_get_wbio(ssl), bytes, sizeof(bytes))) > 0) {
		for (size_t i = 0; i < changes->count; i++) {
			const struct change *change = &changes->all[i];

			if (change->at >= *sent &&
			    change->at < *sent + (size_t)got)
				bytes[change->at - *sent] ^= change->xor ;
		}
		(void)send(fd, bytes, (size_t)got, MSG_NOSIGNAL);
		*sent += (size_t)got;
	}
}

static bool
is_readable(int fd, int ms)
{
	struct pollfd one = { fd, POLLIN, 0 };
	int ready;

	while ((ready = poll(&one, 1, ms)) == -1 && errno == EINTR)
		continue;
	return ready == 1;
}

/* Takes what the intake says; false: it has closed. One that waits for more of
 * what was changed is told that there is no more. */
static bool
receive(SSL *ssl, int fd, bool honest)
{
	unsigned char bytes[16384];
	ssize_t got;

	if (!honest && !is_readable(fd, STALL_MS))
		shutdown(fd, SHUT_WR);
	if (!is_readable(fd, ANSWER_MS)) {
		fprintf(stderr, "the intake says nothing\n");
		abort();
	}
	got = read(fd, bytes, sizeof(bytes));
	return got > 0 && BIO_write(SSL_get_rbio(ssl), bytes, (int)got) == got;
}

/* Shakes hands and asks, until there is an answer or none. Whether it is the
 * right one. */
static bool
talk(const struct changes *changes)
{
	const bool honest = changes->count == 0 && changes->after_size == 0;
	const int fd = lone_connect(lone);
	SSL *ssl = SSL_new(client);
	char answer[4096] = "";
	size_t sent = 0;
	bool asked = false;

	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_connect_state(ssl);
	do {
		if (!asked && SSL_do_handshake(ssl) == 1) {
			asked = true;
			SSL_write(ssl, request, (int)strlen(request));
			send_pending(ssl, fd, changes, &sent);
			(void)send(fd, changes->after, changes->after_size,
			    MSG_NOSIGNAL);
		}
		send_pending(ssl, fd, changes, &sent);
	} while (receive(ssl, fd, honest) &&
		 (!asked || SSL_read(ssl, answer, sizeof(answer) - 1) <= 0));
	SSL_free(ssl);
	close(fd);
	return strncmp(answer, "HTTP/1.1 200 ", 13) == 0;
}

static void
read_changes(struct changes *changes, const uint8_t *data, size_t size)
{
	while (size >= 3 && changes->count < CHANGES_MOST &&
	       (data[0] | data[1] | data[2]) != 0) {
		changes->all[changes->count++] =
		    (struct change){ (size_t)(data[0] << 8 | data[1]),
			    data[2] };
		data += 3;
		size -= 3;
	}
	if (size > 3) {
		changes->after = data + 3;
		changes->after_size = size - 3;
	}
}

/* Sends bytes, and reads until the intake closes. */
static void
send_bytes(const uint8_t *data, size_t size)
{
	const int fd = lone_connect(lone);
	char answer[4096];

	(void)send(fd, data, size, MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	while (read(fd, answer, sizeof(answer)) > 0)
		continue;
	close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct changes none;
	struct changes changes = { .count = 0 };

	if (size < 2 || size > 65536 || !strchr("bh", data[0]))
		return -1;
	if (!lone)
		start();
	if (data[0] == 'b') {
		send_bytes(data + 1, size - 1);
	} else {
		read_changes(&changes, data + 1, size - 1);
		talk(&changes);
	}
	if (runs % 16 == 0 && !talk(&none)) {
		fprintf(stderr, "an honest client has no answer\n");
		abort();
	}
	if (++runs % RUNS_MOST == 0)
		stop();
	return 0;
}
