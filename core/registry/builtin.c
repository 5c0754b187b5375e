/*
 * builtin.c - the event types that belfry knows by itself
 *
 * Names, defaults and descriptions of the first fourteen are fixed by the
 * notification system that belfry implements; severities and the usual
 * metadata keys are belfry's. The last five are about belfry.
 */
#include "core/registry/builtin.h"

#define KEYS(...)                                                              \
	(const char *const[])                                                  \
	{                                                                      \
		__VA_ARGS__, NULL                                              \
	}

#define APPLICATION                                                            \
	"application_id  id of the application",                               \
	    "application_name  name of the application"
#define DEPLOYMENT "deployment_id  id of the deployment"
#define DEPLOYMENT_SOURCE                                                      \
	"environment  where to: production, staging, ...",                     \
	    "commit  revision that is deployed",                               \
	    "branch  branch that it stands on",                                \
	    "triggered_by  person or rule that asked for it"
#define DOMAIN "domain  the domain name"
#define MONITOR                                                                \
	"monitor_id  id of the monitor", "monitor_name  name of the monitor",  \
	    "url  what is watched"
#define INCIDENT                                                               \
	"incident_id  id of the incident", "incident_title  its title",        \
	    "severity  how bad it is", "url  page of the incident"
#define OPERATION                                                              \
	"operation_id  id of the operation",                                   \
	    "operation_name  name of the operation"
#define CHANNEL                                                                \
	"channel  name of the channel", "module  module that it is made with"

const struct bf_builtin_type bf_builtin_types[] = {
	{ "deploy_started", "deployment", BF_SEVERITY_INFO, false,
	    "a deployment has started",
	    KEYS(APPLICATION, DEPLOYMENT, DEPLOYMENT_SOURCE) },
	{ "deploy_succeeded", "deployment", BF_SEVERITY_SUCCESS, true,
	    "a deployment completed successfully",
	    KEYS(APPLICATION, DEPLOYMENT, DEPLOYMENT_SOURCE,
		"duration_seconds  how long it took") },
	{ "deploy_failed", "deployment", BF_SEVERITY_ERROR, true,
	    "a deployment failed",
	    KEYS(APPLICATION, DEPLOYMENT, DEPLOYMENT_SOURCE,
		"duration_seconds  how long it took", "error  why it failed") },
	{ "monitoring_dns_changed", "monitoring", BF_SEVERITY_WARNING, true,
	    "DNS records changed for a domain",
	    KEYS(DOMAIN, "record_type  A, AAAA, MX, ...",
		"old_value  what it was", "new_value  what it is now") },
	{ "monitoring_ssl_expiring", "monitoring", BF_SEVERITY_WARNING, true,
	    "an SSL certificate is expiring soon",
	    KEYS(DOMAIN, "expires_at  when the certificate ends",
		"days_left  days until then",
		"issuer  who issued the certificate") },
	{ "monitoring_domain_expiring", "monitoring", BF_SEVERITY_WARNING, true,
	    "a domain registration is expiring",
	    KEYS(DOMAIN, "expires_at  when the registration ends",
		"days_left  days until then",
		"registrar  where it is registered") },
	{ "monitoring_uptime_down", "monitoring", BF_SEVERITY_CRITICAL, true,
	    "a monitor detected downtime",
	    KEYS(MONITOR, "status_code  HTTP status of the answer, if any",
		"error  what went wrong", "region  where it was seen from",
		"down_since  when it began") },
	{ "monitoring_uptime_recovered", "monitoring", BF_SEVERITY_SUCCESS,
	    true, "a monitor recovered from downtime",
	    KEYS(MONITOR, "downtime_seconds  how long it was down",
		"down_since  when it began") },
	{ "incident_created", "incident", BF_SEVERITY_CRITICAL, true,
	    "a new incident was created", KEYS(INCIDENT) },
	{ "incident_updated", "incident", BF_SEVERITY_WARNING, true,
	    "an incident was updated",
	    KEYS(INCIDENT, "status  investigating, identified, ...",
		"update  what is new") },
	{ "incident_resolved", "incident", BF_SEVERITY_SUCCESS, true,
	    "an incident was resolved",
	    KEYS(INCIDENT, "duration_seconds  how long it lasted",
		"resolution  what ended it") },
	{ "scheduled_op_failed", "scheduled_operation", BF_SEVERITY_ERROR, true,
	    "a scheduled operation run failed",
	    KEYS(OPERATION, "run_id  id of the run",
		"exit_code  exit status of the run", "error  why it failed",
		"consecutive_failures  failed runs in a row") },
	{ "scheduled_op_auto_paused", "scheduled_operation",
	    BF_SEVERITY_WARNING, true,
	    "an operation was paused after 5 consecutive failures",
	    KEYS(OPERATION, "consecutive_failures  failed runs in a row",
		"last_error  why the last one failed") },
	{ "security_ip_conflict", "security", BF_SEVERITY_CRITICAL, true,
	    "a server's IP address changed unexpectedly",
	    KEYS("server_id  id of the server",
		"server_name  name of the server",
		"expected_ip  address it should have",
		"actual_ip  address it has") },
	{ BF_EVENT_CHANNEL_FAILING, "belfry", BF_SEVERITY_WARNING, true,
	    "deliveries to a channel keep failing",
	    KEYS(CHANNEL, "failures  failed attempts in a row",
		"error  why the last one failed",
		"waiting  deliveries that wait for it") },
	{ BF_EVENT_CHANNEL_RECOVERED, "belfry", BF_SEVERITY_SUCCESS, true,
	    "a channel that was failing delivers again",
	    KEYS(CHANNEL, "failing_since  when channel_failing was sent",
		"waiting  deliveries that wait for it") },
	{ BF_EVENT_CHANNEL_STOPPED, "belfry", BF_SEVERITY_ERROR, true,
	    "a channel was stopped: its endpoint is gone for good",
	    KEYS(CHANNEL, "error  what the endpoint answered",
		"waiting  deliveries that wait for it") },
	{ BF_EVENT_STORE_LOW_SPACE, "belfry", BF_SEVERITY_CRITICAL, true,
	    "the disk that holds belfry's store is nearly full",
	    KEYS("free_bytes  what is left",
		"low_space_bytes  the limit that was passed",
		"state_dir  where the store is") },
	{ BF_EVENT_BACKLOG_GROWING, "belfry", BF_SEVERITY_WARNING, true,
	    "many deliveries wait, and more and more",
	    KEYS("waiting  deliveries that wait, of all channels",
		"large_backlog  the limit that was passed") },
};

const size_t bf_builtin_type_count =
    sizeof(bf_builtin_types) / sizeof(bf_builtin_types[0]);
