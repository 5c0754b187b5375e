/*
 * channel/kinds.js - how the forms of known modules are laid out
 *
 * The fields themselves come from the module's schema, so a module that is not
 * here has a form all the same, in the order of its table. What stands here is what a
 * table can't say: words for people, which settings come first, and a few choices.
 *
 * title, one    the panel's heading, and what one channel is called
 * test          the words on the button
 * first         settings that are seen at once, in this order; others are folded away
 * fields        by setting: label, help, placeholder, choices [[words, text]]...
 */

const mentions = {
	label: "Mentions", pair: ["Severity", "Mention"],
};

const kinds = {
	smtp: {
		title: "E-mail", one: "mail channel", picture: "mail",
		add: "Set up e-mail", test: "Test Email",
		lead: "Notifications as mail, through your own mail server.",
		suggest: "mail",
		first: ["host", "port", "tls", "username", "password", "from",
			"envelope_from", "to"],
		fields: {
			host: { label: "Mail server", placeholder: "smtp.example.com",
				help: "" },
			port: { label: "Port", placeholder: "587",
				help: "587 with STARTTLS; 465 with TLS from the beginning." },
			tls: { label: "Encryption", choices: [
				["on", "STARTTLS, on port 465 TLS"],
				["implicit", "TLS from the beginning"],
				["off", "None, credentials on loopback only"],
				["off allow_plaintext_auth",
					"None, even with a password"],
			], help: "Never falls back to plain text." },
			username: { label: "User name", plain: true,
				help: "To log in with; kept as a secret, as the password is." },
			password: { label: "Password", help: "" },
			from: { label: "From", placeholder: "Belfry <belfry@example.com>",
				help: "With or without a display name." },
			envelope_from: { label: "Return path",
				help: "Where bounces go; without it, the sender." },
			to: { label: "To", placeholder: "ops@example.com",
				help: "A recipient a line, each with or without a display name." },
			cc: { label: "Cc" }, bcc: { label: "Bcc" },
			reply_to: { label: "Reply to" },
			auth: { label: "Way to log in" },
			ehlo: { label: "Name in EHLO" },
			subject_prefix: { label: "In front of every subject" },
			dkim: { onlyConf: true },
		},
	},
	webhook: {
		title: "Webhooks", one: "endpoint", picture: "hook",
		add: "Add endpoint", test: "Test Webhook",
		lead: "Each event as signed JSON, to your own endpoints.",
		suggest: "hook",
		first: ["url", "secret"],
		fields: {
			url: { label: "Endpoint URL", wide: true,
				placeholder: "https://example.com/hooks/belfry" },
			secret: { label: "Signing secret", wide: true, generate: true },
			signature_header: { label: "Header of the signature" },
			method: { label: "Method" },
			header: { label: "Further headers",
				help: "Sent with every request.",
				pair: ["Header", "Value"] },
			username: { label: "User name (basic authentication)",
				plain: true },
			password: { label: "Password (basic authentication)" },
			bearer: { label: "Bearer token", wide: true },
			http2: { label: "HTTP/2" },
			gone: { label: "When the endpoint answers 410", choices: [
				["retry", "Retry as any failure"],
				["stop", "Stop the channel"],
			] },
			previous_secret: { rotation: true },
			previous_secret_until: { rotation: true },
		},
	},
	"slack-format": {
		title: "Slack", one: "Slack channel", picture: "chat",
		add: "Add Slack", test: "Test Slack",
		lead: "Messages to an incoming webhook of Slack.",
		suggest: "slack",
		first: ["url"],
		fields: {
			url: { label: "Incoming webhook URL", wide: true,
				placeholder: "https://hooks.slack.com/services/…",
				help: "Whoever knows it can post: it is kept as a secret." },
			username: { label: "Name of the sender" },
			icon_emoji: { label: "Picture", placeholder: ":bell:" },
			channel: { label: "Other channel", placeholder: "#ops" },
			mention: mentions,
		},
	},
	"discord-embed": {
		title: "Discord", one: "Discord channel", picture: "chat",
		add: "Add Discord", test: "Test Discord",
		lead: "Embeds to a webhook of Discord.",
		suggest: "discord",
		first: ["url"],
		fields: {
			url: { label: "Webhook URL", wide: true,
				placeholder: "https://discord.com/api/webhooks/…",
				help: "Whoever knows it can post: it is kept as a secret." },
			username: { label: "Name of the sender" },
			avatar_url: { label: "Picture" },
			thread_id: { label: "Thread" },
			mention: mentions,
		},
	},
};

const acronyms = new Set(["url", "id", "ca", "tls", "api", "http", "ip",
	"dkim"]);

/* "max_size" -> "Max size", "ca_file" -> "CA file". */
function wordsOf(name) {
	const words = name.split(/[_-]+/).map((word) =>
		acronyms.has(word) ? word.toUpperCase() : word).join(" ").trim();

	return words.charAt(0).toUpperCase() + words.slice(1);
}

/* The kind of a module, known or not. summary is its own sentence. */
export function kindOf(module, summary) {
	const title = wordsOf(module);

	return kinds[module] || {
		title, one: "channel", picture: "plug", add: `Add ${title}`,
		test: `Test ${title}`, lead: summary || "", suggest: module,
		first: null, fields: {},
	};
}

export function labelOf(kind, name) {
	return kind.fields[name]?.label || wordsOf(name);
}

/* Those that the hosted platform's page has come first, strangers last. */
export const moduleOrder = Object.keys(kinds);
