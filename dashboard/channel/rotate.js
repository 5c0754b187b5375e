/*
 * channel/rotate.js - a new signing secret, with the old one for a while
 *
 * The old secret is not known here: the API is asked to take the saved one.
 */
import { api, path } from "../api.js";
import { fill, h } from "../dom.js";
import { areFilled, clearErrors, selectField, showProblem } from "../forms.js";
import { session } from "../session.js";
import { button, dialog, note, toast } from "../ui.js";
import { secretField } from "./secret_field.js";

const overlaps = [
	["24", "a day"], ["72", "3 days"], ["168", "a week"], ["720", "30 days"],
	["0", "no time: the old one ends at once"],
];

export function canRotate(channel) {
	return channel.module === "webhook" && channel.secrets.includes("secret");
}

function bodyOf(secret, hours) {
	return { settings: hours > 0 ? {
		secret,
		previous_secret: { saved: "secret" },
		previous_secret_until:
			new Date(Date.now() + hours * 3600000).toISOString(),
	} : { secret, previous_secret: null, previous_secret_until: null } };
}

/* Asks for the new secret and saves it. Resolves with the answer, or undefined. */
export function rotateSecret(channel, etag) {
	const secret = secretField("/settings/secret", "New secret",
		{ required: true, generate: true, wide: true });
	const overlap = selectField("overlap", "The old one signs, too, for",
		overlaps, { help: "Receivers of Standard Webhooks accept either meanwhile. The one-valued header is made with the old one until then." });
	const problem = h("div", { "aria-live": "polite" });

	return dialog("Rotate the signing secret", (close) => {
		const save = button("Rotate", async () => {
			clearErrors([secret]);
			fill(problem);
			if (!areFilled([secret]))
				return;
			try {
				const answer = await api.request("PATCH",
					path`/v1/channels/${channel.name}`, {
						query: { tenant_id: session.tenant }, etag,
						body: bodyOf(secret.value(),
							Number(overlap.value())),
					});

				toast(`${channel.name} has a new secret`);
				close(answer);
			} catch (err) {
				if (err.name !== "Problem")
					throw err;
				if (!showProblem(err, [secret]))
					fill(problem, note("bad", err.message));
			}
		}, { kind: "primary" });

		return {
			body: [problem, h("div", { class: "fields" }, secret.node,
				overlap.node)],
			foot: [button("Cancel", () => close()), save],
		};
	}, { wide: true });
}
