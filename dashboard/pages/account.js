/*
 * pages/account.js - who is signed in, the theme, signing out
 */
import { api, path } from "../api.js";
import { fill, h } from "../dom.js";
import { isAdmin, session, signOut } from "../session.js";
import { button, confirm, note, pageHead, panel } from "../ui.js";
import { tenantFacts, tenantName } from "./tenants.js";

const scopes = {
	admin: "everything, for every tenant",
	manage: "to see and change everything of the tenant",
	read: "to see everything of the tenant, and change nothing",
};

function facts() {
	return h("dl", { class: "facts" },
		h("dt", "User"), h("dd", session.user),
		h("dt", "Tenant"), h("dd", h("code", session.tenant_id)),
		h("dt", "Allowed"), h("dd", h("strong", session.scope), ": ",
			scopes[session.scope] || session.scope),
		h("dt", "belfry"), h("dd", session.version || "unknown"));
}

function themeChoice() {
	const choices = [["", "As the system has it"], ["light", "Light"],
		["dark", "Dark"]];
	const current = window.belfryTheme.get();

	return h("fieldset", { class: "choices" },
		h("legend", { class: "visually-hidden" }, "Theme"),
		choices.map(([value, label]) => h("label", { class: "check" },
			h("input", { type: "radio", name: "theme", value,
				checked: value === current,
				on: { change: () => window.belfryTheme.set(value) } }),
			label)));
}

async function everywhere(context) {
	if (!await confirm("Sign out everywhere?",
		"Every session of yours ends, this one too.", "Sign out everywhere"))
		return;
	await signOut(true);
	context.signedOut("You are signed out everywhere.");
}

/* What the user's tenant may have. One can sign out even where that can't be had. */
async function tenantPanel(signal) {
	try {
		const tenant = await api.get(path`/v1/tenants/${session.tenant_id}`,
			null, { signal });

		return panel(tenantName(tenant), {
			lead: "What your tenant may have, and what it uses." },
		tenantFacts(tenant));
	} catch (err) {
		if (err.name !== "Problem")
			throw err;
		return note("bad", err.message);
	}
}

async function open(context) {
	const tenant = await tenantPanel(context.signal);

	fill(context.root,
		pageHead("Account"),
		panel("You", {}, facts(),
			h("div", { class: "actions" },
				button("Sign out", async () => {
					await signOut();
					context.signedOut();
				}, { picture: "exit" }),
				button("Sign out everywhere…",
					() => everywhere(context), { kind: "danger" })),
			h("p", { class: "help" },
				"The password stands in the conf file, as the hash that ",
				h("code", "belfryctl passwd"), " makes. ",
				isAdmin() ? "" : "Ask the operator for another one.")),
		tenant,
		panel("Theme", { lead: "Kept in this browser." }, themeChoice()));
}

export default {
	path: "/account", title: "Account", open,
};
