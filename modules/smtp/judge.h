#ifndef SMTP_JUDGE_H
#define SMTP_JUDGE_H

#include <belfry/response.h>
#include <belfry/verdict.h>

/*
 * Gives each recipient of the verdict its outcome, by the reply that decided
 * about it: 2yz delivered, 5yz failed for good, 4yz, anything else and no
 * reply to be tried again (RFC 5321, section 4.2.1). A server that does not
 * let belfry in, by a wrong or missing login (RFC 4954, section 6), fails all
 * of them, with an alarm; any other end before there was a reply is temporary.
 */
void smtp_judge(const struct bf_response *response, struct bf_verdict *verdict);

#endif
