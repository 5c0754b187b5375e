/*
 * smtp_message_test.c - addresses, messages and their signatures
 *
 * What other programs read from the messages is tested in
 * tests/scenario/test_mail.py; here is what they never see: refusals, and
 * memory under a checker.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "core/event/parse.h"
#include "modules/smtp/address.h"
#include "modules/smtp/dkim.h"
#include "modules/smtp/message.h"

/* ---- addresses ---- */

static void
an_address_reads_with_and_without_a_name(void **state)
{
	static const struct {
		const char *text, *name, *mailbox;
	} cases[] = {
		{ "ops@example.com", NULL, "ops@example.com" },
		{ "<ops@example.com>", NULL, "ops@example.com" },
		{ "Ops <ops@example.com>", "Ops", "ops@example.com" },
		{ "\"Ops, Berlin\" <ops@example.com>", "Ops, Berlin",
		    "ops@example.com" },
		{ "ops@b\xc3\xbc"
		  "cher.example",
		    NULL, "ops@xn--bcher-kva.example" },
		{ "ops@[192.0.2.1]", NULL, "ops@[192.0.2.1]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct smtp_address address;
		struct bf_error err = { 0 };

		assert_int_equal(smtp_address_parse(&address, cases[i].text,
				     &err),
		    0);
		assert_string_equal(address.mailbox, cases[i].mailbox);
		if (cases[i].name)
			assert_string_equal(address.name, cases[i].name);
		else
			assert_null(address.name);
		smtp_address_clear(&address);
	}
}

static void
what_is_no_address_is_refused_and_named(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "ops", "it has no @" },
		{ "@example.com", "before the @" },
		{ "ops@", "not the name of a domain" },
		{ "ops@exa mple.com", "not the name of a domain" },
		{ "\xc3\xb6ps@example.com", "must be ASCII" },
		{ "ops@example.com\r\nBcc: x@y.z", "control character" },
		{ "a@b <ops@example.com>", "double quotes" },
		{ "\xff <ops@example.com>", "not UTF-8" },
		{ "a23456789012345678901234567890123456789012345678901234567890"
		  "12345@example.com",
		    "too long" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct smtp_address address;
		struct bf_error err = { 0 };

		assert_int_equal(smtp_address_parse(&address, cases[i].text,
				     &err),
		    -1);
		assert_non_null(strstr(err.text, cases[i].says));
		smtp_address_clear(&address);
	}
}

static int
read_list(struct smtp_addresses *addresses, const char *one, const char *two,
    struct bf_error *err)
{
	struct bf_strings words = { 0 };
	int status;

	bf_strings_add(&words, one);
	bf_strings_add(&words, two);
	status = smtp_addresses_parse(addresses, &words, err);
	bf_strings_free(&words);
	return status;
}

static void
a_list_is_whole_or_as_it_was(void **state)
{
	struct smtp_addresses list = { 0 };
	struct bf_error err = { 0 };

	(void)state;
	assert_int_equal(read_list(&list, "Ops", "<a@b.example>", &err), 0);
	assert_int_equal(list.count, 1);
	assert_string_equal(list.items[0].name, "Ops");
	assert_int_equal(read_list(&list, "a@b.example", "c@d.example", &err),
	    0);
	assert_int_equal(list.count, 2);
	assert_int_equal(read_list(&list, "e@f.example", "nobody", &err), -1);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[1].mailbox, "c@d.example");
	smtp_addresses_clear(&list);
}

/* ---- messages ---- */

struct fixture {
	struct smtp_addresses from, to;
	struct bf_event *event;
	struct smtp_message parts;
};

static int
set_up(void **state)
{
	static const char json[] =
	    "{\"event\":\"deploy_failed\",\"subject\":\"Disk full\","
	    "\"body\":\"<p>92 % of <b>/var</b></p>\","
	    "\"metadata\":{}}";
	static const struct bf_event_defaults defaults = { "acme",
		1760000000000000 };
	static struct fixture fixture;
	struct bf_event_problem problem;
	struct bf_error err;

	fixture = (struct fixture){ 0 };
	if (read_list(&fixture.from, "Belfry", "<belfry@example.com>", &err) ==
		-1 ||
	    read_list(&fixture.to, "a@example.org", "b@example.org", &err) ==
		-1)
		return -1;
	fixture.event =
	    bf_event_parse(json, strlen(json), &defaults, NULL, &problem);
	fixture.parts = (struct smtp_message){
		.from = fixture.from.items,
		.to = &fixture.to,
		.delivery_id = "dlv_1",
		.event = fixture.event,
	};
	*state = &fixture;
	return fixture.event ? 0 : -1;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	bf_event_unref(&fixture->event);
	smtp_addresses_clear(&fixture->from);
	smtp_addresses_clear(&fixture->to);
	return 0;
}

static void
a_message_is_the_same_each_time(void **state)
{
	const struct fixture *fixture = *state;
	struct bf_buf one = { 0 }, two = { 0 };
	struct bf_error err = { 0 };

	assert_int_equal(smtp_message(&one, &fixture->parts, &err), 0);
	assert_int_equal(smtp_message(&two, &fixture->parts, &err), 0);
	assert_string_equal(one.data, two.data);
	assert_non_null(
	    strstr(one.data, "To: a@example.org, b@example.org\r\n"));
	assert_non_null(strstr(one.data, "Subject: Disk full\r\n"));
	assert_non_null(strstr(one.data, "boundary=\"=_dlv_1\"\r\n"));
	bf_buf_free(&one);
	bf_buf_free(&two);
}

static void
a_message_without_recipient_or_with_a_forged_id_is_refused(void **state)
{
	const struct fixture *fixture = *state;
	const struct smtp_addresses nobody = { 0 };
	struct smtp_message parts = fixture->parts;
	struct bf_buf out = { 0 };
	struct bf_error err = { 0 };

	parts.to = &nobody;
	assert_int_equal(smtp_message(&out, &parts, &err), -1);
	assert_non_null(strstr(err.text, "no recipient"));
	parts = fixture->parts;
	parts.list_id = "a>\r\nBcc: x@y.z";
	assert_int_equal(smtp_message(&out, &parts, &err), -1);
	assert_non_null(strstr(err.text, "without spaces and brackets"));
	assert_int_equal(out.size, 0);
	bf_buf_free(&out);
}

/* ---- signatures ---- */

/* A new key in PEM. bits: of RSA; 0 for a key of type. */
static void
make_key(struct bf_buf *pem, const char *type, size_t bits)
{
	EVP_PKEY *key = bits > 0 ? EVP_PKEY_Q_keygen(NULL, NULL, type, bits)
				 : EVP_PKEY_Q_keygen(NULL, NULL, type);
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long size;

	assert_non_null(key);
	assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL,
			     NULL),
	    1);
	size = BIO_get_mem_data(bio, &text);
	bf_buf_add(pem, text, (size_t)size);
	BIO_free(bio);
	EVP_PKEY_free(key);
}

static void
a_signature_stands_in_front_and_is_the_same_each_time(void **state)
{
	const struct fixture *fixture = *state;
	const struct bf_instant now = { 1760000000000 };
	struct bf_buf pem = { 0 }, plain = { 0 }, one = { 0 }, two = { 0 };
	struct bf_error err = { 0 };
	struct smtp_dkim *dkim;

	make_key(&pem, "ED25519", 0);
	dkim = smtp_dkim_new("example.com", "belfry", pem.data, pem.size, &err);
	assert_non_null(dkim);
	assert_int_equal(smtp_message(&plain, &fixture->parts, &err), 0);
	bf_buf_add(&one, plain.data, plain.size);
	bf_buf_add(&two, plain.data, plain.size);
	assert_int_equal(smtp_dkim_sign(dkim, &one, now, &err), 0);
	assert_int_equal(smtp_dkim_sign(dkim, &two, now, &err), 0);
	assert_string_equal(one.data, two.data);
	assert_int_equal(strncmp(one.data, "DKIM-Signature: v=1; a=ed25519",
			     30),
	    0);
	assert_string_equal(one.data + one.size - plain.size, plain.data);

	bf_buf_clear(&two);
	bf_buf_add_text(&two, "Subject: no end of the headers\r\n");
	assert_int_equal(smtp_dkim_sign(dkim, &two, now, &err), -1);
	assert_non_null(strstr(err.text, "an empty line"));
	smtp_dkim_free(&dkim);
	assert_null(dkim);
	bf_buf_free(&pem);
	bf_buf_free(&plain);
	bf_buf_free(&one);
	bf_buf_free(&two);
}

static void
refuse_key(const char *domain, const char *selector, const struct bf_buf *pem,
    const char *says)
{
	struct bf_error err = { 0 };

	assert_null(
	    smtp_dkim_new(domain, selector, pem->data, pem->size, &err));
	assert_non_null(strstr(err.text, says));
}

static void
a_key_that_is_none_is_refused(void **state)
{
	struct bf_buf pem = { 0 };

	(void)state;
	bf_buf_add_text(&pem, "-----BEGIN PRIVATE KEY-----\nAAAA\n");
	refuse_key("example.com", "belfry", &pem, "not a private key");
	bf_buf_clear(&pem);
	make_key(&pem, "X25519", 0);
	refuse_key("example.com", "belfry", &pem, "a key of type X25519");
	bf_buf_clear(&pem);
	make_key(&pem, "RSA", 768);
	refuse_key("example.com", "belfry", &pem, "an RSA key of 768 bits");
	refuse_key("", "belfry", &pem, "the domain is not one");
	refuse_key("example.com", "a b", &pem, "the selector is no name");
	bf_buf_free(&pem);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_reads_with_and_without_a_name),
		cmocka_unit_test(what_is_no_address_is_refused_and_named),
		cmocka_unit_test(a_list_is_whole_or_as_it_was),
		cmocka_unit_test_setup_teardown(a_message_is_the_same_each_time,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_message_without_recipient_or_with_a_forged_id_is_refused,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_signature_stands_in_front_and_is_the_same_each_time,
		    set_up, tear_down),
		cmocka_unit_test(a_key_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
