/*
 * pages/channel_settings.js - the form of one channel: new, saved, or the conf file's
 */
import { api, path } from "../api.js";
import { makeDraft } from "../channel/draft.js";
import { filterField } from "../channel/filter_field.js";
import { kindOf, labelOf } from "../channel/kinds.js";
import { policyFields } from "../channel/policy_fields.js";
import { canRotate, rotateSecret } from "../channel/rotate.js";
import { settingsFields } from "../channel/settings_fields.js";
import { testResult } from "../channel/test_result.js";
import { fill, h } from "../dom.js";
import { areFilled, clearErrors, showAt, showProblem, textField }
	from "../forms.js";
import { icon } from "../icons.js";
import { link } from "../router.js";
import { mayManage, session } from "../session.js";
import { busyWhile, button, confPlace, confirm, iconButton, note,
	pageHead, panel, toast } from "../ui.js";

const HOME = "#/settings";
const tenant = () => ({ tenant_id: session.tenant });

/* A name that no channel has: "mail", "mail-2", ... */
function freeName(wanted, channels) {
	const taken = new Set(channels.map(({ name }) => name));
	let name = wanted;

	for (let i = 2; taken.has(name); i++)
		name = `${wanted}-${i}`;
	return name;
}

/* Fields that are folded away are shown when one of them has an error. */
function folded(summary, fields, ...more) {
	const details = h("details", h("summary", summary),
		h("div", { class: "fields" }, fields.map(({ node }) => node)), more);

	for (const field of fields)
		field.reveal = () => {
			details.open = true;
		};
	return details;
}

function onlyConfNote(names) {
	return names.length === 0 ? null : h("p", { class: "help" },
		"In the conf file only, as they concern the server: ",
		names.map((name, i) => [i > 0 ? ", " : "", h("code", name)]), ".");
}

/* ---- the form ---- */

/* What the form works with. channel: null for a new one. */
function makeForm(module, channel, channels, types) {
	const kind = kindOf(module.name, module.summary);
	const { first, more, onlyConf } =
	    settingsFields(kind, module.settings_schema);
	const events = filterField("/events", types);
	const policy = policyFields();
	const name = channel ? null : textField("/name", "Name", {
		required: true, spellcheck: "false",
		help: "Letters, digits, . - and _, 64 at most; it stays as it is once saved." });
	const fields = [name, ...first, ...more, events, ...policy]
		.filter(Boolean);
	const draft = makeDraft(fields, channel);

	/* A name that was suggested is no change that could be lost. */
	if (name) {
		name.set(freeName(kind.suggest, channels));
		name.filled = name.value();
	}
	return {
		kind, fields, draft,
		node: h("div", { class: "page" },
			panel(kind.title === "E-mail" ? "Mail server" : "Settings", {},
				h("div", { class: "fields" },
					name?.node, first.map(({ node }) => node)),
				more.length ? folded("More settings", more,
					onlyConfNote(onlyConf))
					: onlyConfNote(onlyConf)),
			panel("Which events", {
				lead: "Of those that are on under Event types." },
			events.node),
			panel("Delivery", {
				lead: "How it is retried, paced and given up." },
			folded("Advanced", policy))),
	};
}

/* Whether the form can be sent. Fields that lack something say so. */
function isComplete({ fields, draft }) {
	clearErrors(fields);
	if (!areFilled(fields))
		return false;
	const behind = draft.leftBehind();

	for (const [field, place] of behind.reverse())
		showAt(field, `${place.label} is another one now, and what is saved here does not go along: ${field.remedy}.`);
	return behind.length === 0;
}

/* Shows a problem at its field, or above the form. */
function tell(form, place, problem) {
	clearErrors(form.fields);
	fill(place);
	if (problem.name !== "Problem")
		throw problem;
	if (problem.status === 401) {
		fill(place, note("warn", "Your session had ended, so this was not done. Do it again once you are signed in."));
		return;
	}
	if (showProblem(problem, form.fields))
		return;
	fill(place, note("bad", problem.message));
	place.scrollIntoView({ block: "nearest" });
}

/* ---- what is done with it ---- */

function showResult(place, result) {
	fill(place, h("div", { class: "dismissible" }, testResult(result),
		iconButton("close", "Dismiss the result", () => fill(place))));
	place.scrollIntoView({ block: "nearest" });
}

async function runTest(form, channel, module, place) {
	const given = form.draft.settings();
	const body = { module: module.name, ...given };

	if (channel)
		body.name = channel.name;
	fill(place);
	if (!isComplete(form))
		return;
	fill(place, note("info", "A real notification is on its way…"));
	try {
		showResult(place, await api.post("/v1/channels/test", body,
			{ query: tenant() }));
	} catch (err) {
		fill(place);
		tell(form, place, err);
	}
}

/* Deletes a channel that is as it was when it had the etag. */
async function deleteChannel(context, channel, etag) {
	if (!await confirm(`Delete ${channel.name}?`,
		channel.waiting > 0
			? `What waits for it (${channel.waiting}) is cancelled.`
			: "It gets no more events. This can't be undone.",
		"Delete"))
		return;
	await api.remove(path`/v1/channels/${channel.name}`, tenant(), { etag });
	context.guard(() => false);
	toast(`${channel.name} is deleted`);
	location.hash = HOME;
}

/* Shows beside each field what somebody else saved in it meanwhile. */
function tellOthersChange(form, place, { both, theirs }) {
	const show = (value) => value === null || value === undefined ? "nothing"
		: Array.isArray(value) ? value.join(" ") || "nothing" : String(value);

	fill(place, note("warn",
		h("strong", "Somebody else has changed this channel since you opened it."),
		" What you typed is still here and not saved. ",
		theirs > 0 ? "What they changed elsewhere is shown now. " : "",
		both.length > 0
			? "Where you both changed something, theirs is shown beside yours. "
			: "", "Look it over, and save again."));
	for (const [field, value] of both)
		field.error(`Saved meanwhile: ${show(value)}. Yours replaces it when you save.`);
	place.scrollIntoView({ block: "nearest" });
}

/* Says that somebody else has deleted the channel, and asks what shall become of what
 * was typed. */
function tellDeleted(context, place, { name }, create) {
	fill(place, note("warn",
		h("strong", `Somebody else has deleted ${name} since you opened it.`),
		" What you typed is still here. Saved secrets went with it: enter again what it needs.",
		h("div", { class: "actions" },
			button("Create it again", create, { kind: "primary" }),
			button("Leave it deleted", () => {
				context.guard(() => false);
				location.hash = HOME;
			}))));
	place.scrollIntoView({ block: "nearest" });
}

/* A saved channel on its page, as it is edited. */
function editPage(context, module, opened, etagOpened, channels, types) {
	let channel = opened, etag = etagOpened, isDeleted = false;
	const form = makeForm(module, channel, channels, types);
	const problem = h("div", { "aria-live": "polite" });
	const result = h("div", { "aria-live": "polite" });
	const { draft, kind } = form;

	const take = (answer) => {
		channel = answer.body;
		etag = answer.etag;
	};
	const outdated = async () => {
		const now = await api.request("GET",
			path`/v1/channels/${channel.name}`, { query: tenant() });

		take(now);
		clearErrors(form.fields);
		tellOthersChange(form, problem, draft.rebase(channel));
	};
	const create = async () => {
		if (!isComplete(form))
			return;
		try {
			await api.post("/v1/channels", { module: module.name,
				...draft.whole(), name: channel.name },
			{ query: tenant() });
			context.guard(() => false);
			toast(`${channel.name} is created again`);
			await context.restart();
		} catch (err) {
			tell(form, problem, err);
		}
	};
	const deleted = () => {
		isDeleted = true;
		clearErrors(form.fields);
		draft.detach();
		tellDeleted(context, problem, channel, create);
	};
	/* Of one that is not what it was, it is asked what it is now. */
	const refused = async (err) => {
		try {
			if (err.status !== 412)
				throw err;
			await outdated();
		} catch (problemNow) {
			if (problemNow.type === "unknown-channel")
				deleted();
			else
				tell(form, problem, problemNow);
		}
	};
	const save = async () => {
		fill(problem);
		if (!isComplete(form))
			return;
		try {
			take(await api.request("PATCH",
				path`/v1/channels/${channel.name}`, {
					query: tenant(), body: draft.changes(), etag }));
			draft.reset(channel);
			toast(`${channel.name} is saved`);
		} catch (err) {
			await refused(err);
		}
	};
	const remove = () =>
		deleteChannel(context, channel, etag).catch(refused);
	const rotate = canRotate(channel) ? button("Rotate secret…", async () => {
		const now = await rotateSecret(channel, etag);

		if (now) {
			take(now);
			draft.rebase(channel);
		}
	}) : null;

	context.guard(draft.isDirty);
	return formPage(form, problem, result, {
		title: channel.name, save, saveLabel: "Save",
		test: () => runTest(form, isDeleted ? null : channel, module,
			result),
		actions: [rotate,
			button("Delete…", remove, { kind: "danger" })],
		lead: kind.title,
	});
}

function newPage(context, module, channels, types) {
	const form = makeForm(module, null, channels, types);
	const problem = h("div", { "aria-live": "polite" });
	const result = h("div", { "aria-live": "polite" });
	const save = async () => {
		fill(problem);
		if (!isComplete(form))
			return;
		try {
			const made = await api.post("/v1/channels",
				{ module: module.name, ...form.draft.whole(),
					name: form.fields[0].value() },
				{ query: tenant() });

			context.guard(() => false);
			toast(`${made.name} is saved`);
			location.hash = link`/settings/channels/${made.name}`;
		} catch (err) {
			tell(form, problem, err);
		}
	};

	context.guard(form.draft.isDirty);
	return formPage(form, problem, result, {
		title: form.kind.add, save, saveLabel: "Save",
		test: () => runTest(form, null, module, result),
		actions: [], lead: form.kind.lead,
	});
}

function formPage(form, problem, result, { title, save, saveLabel, test, actions,
	lead }) {
	const submit = h("button", { type: "submit",
		class: "button button-primary" }, saveLabel);

	return h("form", { class: "page", novalidate: true, on: {
		submit: (event) => {
			event.preventDefault();
			busyWhile(submit, save);
		},
	} },
	back(), pageHead(title, { lead, actions: actions.filter(Boolean) }),
	problem, form.node,
	h("div", { class: "save-bar" }, result,
		h("div", { class: "actions" }, submit,
			button(form.kind.test, test),
			h("p", { class: "help" },
				"A test sends one real notification by what stands here, saved or not."))));
}

function back() {
	return h("a", { class: "back", href: HOME }, icon("back"),
		"Settings › Notifications");
}

/* ---- one that can't be changed here ---- */

function shownValue(value) {
	if (Array.isArray(value))
		return value.map((each) => h("div", Array.isArray(each)
			? `${each[0]}: ${each[1]}` : each));
	return String(value);
}

/* A policy as the fields of a form would show it. */
function policyFacts(channel) {
	return policyFields().map((field) => {
		field.set(channel[field.name.slice(1)]);
		const value = field.value();

		return [h("dt", field.label), h("dd", value === true ? "yes"
			: value === false ? "no" : value ?? "no limit")];
	});
}

/* Why a channel is not changed here. */
function whyLocked(channel) {
	if (channel.file)
		return note("info", "This channel stands in the conf file and is changed there: ",
			confPlace(channel));
	return mayManage()
		? note("warn", "The module of this channel is not loaded. What waits for it is kept.")
		: note("info", "You may see this channel, and not change it.");
}

function readPage(context, channel, kind, etag) {
	const result = h("div", { "aria-live": "polite" });
	const test = async () => {
		showResult(result, await api.post(
			path`/v1/channels/${channel.name}/test`, {},
			{ query: tenant() }));
	};
	return h("div", { class: "page" }, back(),
		pageHead(channel.name, { lead: kind.title,
			actions: !mayManage() ? []
				: channel.file ? [button(kind.test, test)]
					: [button("Delete…", () => deleteChannel(
						context, channel, etag),
					{ kind: "danger" })] }),
		whyLocked(channel),
		h("div", { class: "panel result" }, result),
		panel("Settings", {}, h("dl", { class: "facts" },
			Object.entries(channel.settings).map(([name, value]) => [
				h("dt", labelOf(kind, name)),
				h("dd", shownValue(value)),
			]),
			channel.secrets.map((name) => [
				h("dt", labelOf(kind, name)),
				h("dd", { class: "muted" }, "secret, not shown"),
			]))),
		panel("Which events", {}, h("p", channel.events.length === 0
			? "All event types that are on."
			: channel.events.map((word) => [h("code", word), " "]))),
		panel("Delivery", {}, h("dl", { class: "facts" },
			policyFacts(channel))));
}

/* ---- the two addresses ---- */

const listed = async (signal) => Promise.all([
	api.all("/v1/channels", "channels", tenant(), { signal }),
	api.get("/v1/event-types", tenant(), { signal }),
]);

/* The module, or null if it is not loaded. */
async function findModule(name, signal) {
	try {
		return await api.get(path`/v1/modules/${name}`, tenant(), { signal });
	} catch (err) {
		if (err.type === "unknown-module")
			return null;
		throw err;
	}
}

async function openNew(context) {
	const { params, signal } = context;
	const [module, [channels, { event_types: types }]] =
	    await Promise.all([
		api.get(path`/v1/modules/${params.module}`, tenant(),
			{ signal }),
		listed(signal)]);
	const kind = kindOf(module.name, module.summary);

	context.setTitle(kind.add);
	fill(context.root, newPage(context, module, channels, types));
}

async function openSaved(context) {
	const { params, signal } = context;
	const { body: channel, etag } = await api.request("GET",
		path`/v1/channels/${params.name}`, { query: tenant(), signal });
	const kind = kindOf(channel.module);

	context.setTitle(channel.name);
	const module = channel.file || !mayManage() ? null
		: await findModule(channel.module, signal);

	if (!module) {
		fill(context.root, readPage(context, channel, kind, etag));
		return;
	}
	const [channels, { event_types: types }] = await listed(signal);

	fill(context.root, editPage(context, module, channel, etag, channels,
		types));
}

export const newChannel = {
	path: "/settings/new/{module}", title: "New channel", open: openNew,
	scope: "manage",
};

export const savedChannel = {
	path: "/settings/channels/{name}", title: "Channel", open: openSaved,
};
