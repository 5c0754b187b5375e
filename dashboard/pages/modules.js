/*
 * pages/modules.js - the modules that are loaded, and what their channels can be told
 */
import { api } from "../api.js";
import { kindOf } from "../channel/kinds.js";
import { fill, h } from "../dom.js";
import { count } from "../format.js";
import { link } from "../router.js";
import { mayManage, session } from "../session.js";
import { badge, confPlace, empty, pageHead, panel, table } from "../ui.js";

const NAMED_MOST = 20; /* channels */

function channelLinks(names) {
	const more = names.length - NAMED_MOST;

	return names.length === 0 ? "none" : [
		names.slice(0, NAMED_MOST).map((name, i) => [i > 0 ? ", " : "",
			h("a", { href: link`/channels/${name}` }, name)]),
		more > 0 ? ` and ${count(more)} more` : null];
}

function directives(module) {
	return h("details", h("summary", `Settings (${module.directives.length})`),
		table(`Settings of ${module.name}`, [{ label: "Name" },
			{ label: "Type" }, { label: "Default" }, { label: "Meaning" },
		], module.directives.map((directive) => [
			[h("code", directive.name), directive.required
				? h("div", { class: "help" }, "required") : null],
			directive.type,
			directive.default === undefined || directive.default === null
				? "–" : h("code", { class: "break" },
					String(directive.default)),
			h("span", directive.help || ""),
		]), { cards: true }));
}

function modulePanel(module) {
	const kind = kindOf(module.name, module.summary);

	return panel(module.name, { lead: module.summary, actions: mayManage()
		? [h("a", { class: "button", href: link`/settings/new/${module.name}` },
			kind.add)] : [] },
	h("dl", { class: "facts" },
		h("dt", "State"), h("dd", badge(module.enabled ? "on" : "off"), " ",
			module.locked && module.file ? confPlace(module) : null),
		h("dt", "Channels"), h("dd", channelLinks(module.channels)),
		h("dt", "Version"), h("dd", module.version),
		h("dt", "ABI"), h("dd", String(module.abi)),
		h("dt", "Licence"), h("dd", module.license),
		h("dt", "File"), h("dd", h("code", { class: "break" }, module.path)),
		h("dt", "Processes"), h("dd", module.isolate
			? "workers of its own" : "shares workers with others")),
	directives(module));
}

async function open(context) {
	const { modules } = await api.get("/v1/modules",
		{ tenant_id: session.tenant }, { signal: context.signal });

	fill(context.root,
		pageHead("Modules", {
			lead: "Each implements one kind of channel. The operator loads them in the conf file." }),
		modules.length === 0
			? empty(["None is loaded. The operator adds ",
				h("code", "load_module modules/webhook.so;"), " to the conf file."])
			: modules.map(modulePanel));
}

export default {
	path: "/modules", title: "Modules", open,
	nav: { label: "Modules", picture: "box", group: "Activity" },
};
