/*
 * transcript_tls.c - what TLS agreed on, and the server's certificate
 *
 * OpenSSL tells when a handshake is done, and when a certificate does not
 * verify; then the handshake ends, and what the server has shown would never
 * be seen otherwise.
 */
#include <string.h>

#include <openssl/x509v3.h>

#include "core/transport/transcript.h"

#define PART_MOST 300 /* bytes of a name or a list of names */

/* What was printed, as text. */
static void
read_bio(BIO *bio, char text[PART_MOST])
{
	const int got = BIO_read(bio, text, PART_MOST - 1);

	text[got > 0 ? got : 0] = '\0';
	BIO_free(bio);
}

static void
add_name(struct transcript *transcript, const char *what, const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char text[PART_MOST];

	if (!bio)
		return;
	X509_NAME_print_ex(bio, name, 0,
	    XN_FLAG_ONELINE & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
	read_bio(bio, text);
	bf_transcript_add(transcript, "certificate", "%s %s", what, text);
}

static void
add_names(struct transcript *transcript, X509 *certificate)
{
	const int place =
	    X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1);
	BIO *bio = place >= 0 ? BIO_new(BIO_s_mem()) : NULL;
	char text[PART_MOST];

	if (!bio)
		return;
	X509V3_EXT_print(bio, X509_get_ext(certificate, place), 0, 0);
	read_bio(bio, text);
	bf_transcript_add(transcript, "certificate", "for %s", text);
}

static void
format_time(const ASN1_TIME *time, char text[32])
{
	struct tm parts;

	if (ASN1_TIME_to_tm(time, &parts) != 1 ||
	    strftime(text, 32, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
		strcpy(text, "?");
}

static void
add_certificate(struct transcript *transcript, X509 *certificate)
{
	char from[32], until[32];

	add_name(transcript, "subject", X509_get_subject_name(certificate));
	add_names(transcript, certificate);
	add_name(transcript, "issued by", X509_get_issuer_name(certificate));
	format_time(X509_get0_notBefore(certificate), from);
	format_time(X509_get0_notAfter(certificate), until);
	bf_transcript_add(transcript, "certificate", "valid from %s until %s%s",
	    from, until,
	    X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0
		? " (expired)"
		: "");
}

static struct transcript *
transcript_of(const SSL *ssl)
{
	return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

static void
on_progress(const SSL *ssl, int where, int ret)
{
	struct transcript *transcript = transcript_of(ssl);
	X509 *certificate;

	(void)ret;
	if (!(where & SSL_CB_HANDSHAKE_DONE) || !transcript)
		return;
	/* Once: TLS 1.3 says so again for what follows the handshake. */
	SSL_CTX_set_app_data(SSL_get_SSL_CTX(ssl), NULL);
	bf_transcript_add(transcript, "tls", "%s, %s", SSL_get_version(ssl),
	    SSL_get_cipher_name(ssl));
	certificate = SSL_get1_peer_certificate(ssl);
	if (certificate)
		add_certificate(transcript, certificate);
	X509_free(certificate);
}

/* Changes nothing about what is trusted. */
static int
on_verified(int trusted, X509_STORE_CTX *store)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(store,
	    SSL_get_ex_data_X509_STORE_CTX_idx());
	struct transcript *transcript = ssl ? transcript_of(ssl) : NULL;
	X509 *certificate = X509_STORE_CTX_get0_cert(store);

	if (trusted || !transcript)
		return trusted;
	SSL_CTX_set_app_data(SSL_get_SSL_CTX(ssl), NULL);
	bf_transcript_add(transcript, "tls", "%s", SSL_get_version(ssl));
	if (certificate)
		add_certificate(transcript, certificate);
	bf_transcript_add(transcript, "certificate", "refused: %s",
	    X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
	return trusted;
}

void
bf_transcript_watch_tls(struct transcript *transcript, SSL_CTX *context)
{
	SSL_CTX_set_app_data(context, transcript);
	SSL_CTX_set_info_callback(context, on_progress);
	SSL_CTX_set_verify(context, SSL_CTX_get_verify_mode(context),
	    on_verified);
}
