/*
 * pages/deliveries.js - deliveries, newest first, as they happen
 */
import { api } from "../api.js";
import { actOn, actOnAll } from "../deliveries/actions.js";
import { charts } from "../deliveries/charts.js";
import { makeFilter } from "../deliveries/filter.js";
import { makeList } from "../deliveries/list.js";
import { liveDeliveries } from "../deliveries/live.js";
import { fill, h } from "../dom.js";
import { keepTimes, plural } from "../format.js";
import { keepQuery } from "../router.js";
import { mayManage, session } from "../session.js";
import { badge, button, empty, note, pageHead, panel } from "../ui.js";

const PAGE = 50;

/* The page's parts and what it is doing; its functions are below. */
function makePage(context, offered) {
	const page = {
		context, list: null, filter: null, redrawCharts: null,
		before: [],        /* cursors of the pages before this one */
		cursor: null,      /* of this page; null: the newest */
		next: null,        /* of the page after it */
		live: true, stands: false,
		held: new Set(),   /* new ones that are not shown */
		result: h("div", { "aria-live": "polite" }),
		listPlace: h("div"), bar: h("div", { class: "list-bar" }),
		pager: h("nav", { class: "pager", "aria-label": "Pages of the list" }),
		stream: h("span", { role: "status" }),
	};

	page.filter = makeFilter(context.query, offered, () => filtered(page));
	return page;
}

/* ---- what is shown ---- */

async function load(page) {
	const { signal } = page.context;
	let answer;

	page.list = makeList({
		hide: page.filter.everyone() ? [] : ["Tenant"],
		pick: mayManage() ? () => drawBar(page) : null });
	try {
		answer = await api.get("/v1/deliveries", { ...page.filter.query(),
			limit: PAGE, before: page.cursor }, { signal });
	} catch (err) {
		/* A filter that can't be meant is no reason to show no page. */
		if (err.status !== 404 && err.status !== 422)
			throw err;
		answer = { deliveries: [], next: null, reason: err.message };
	}
	page.next = answer.next;
	page.held.clear();
	page.list.show(answer.deliveries);
	drawList(page, answer.reason);
	drawBar(page);
	drawPager(page);
}

function drawList(page, reason) {
	fill(page.listPlace, page.list.size() > 0 ? page.list.node
		: empty(reason || (page.next
			? "None in the part that was searched so far; there may be older ones."
			: "No such deliveries yet. They appear here as they happen.")));
}

function drawPager(page) {
	const go = async (cursor) => {
		page.cursor = cursor;
		await load(page);
		page.listPlace.scrollIntoView({ block: "nearest" });
	};
	const newest = () => {
		page.before = [];
		return go(null);
	};
	const newer = () => go(page.before.pop() ?? null);
	const older = () => {
		page.before.push(page.cursor);
		return go(page.list.trimmed() ? page.list.last() : page.next);
	};

	fill(page.pager,
		page.cursor ? button("Newest", newest) : null,
		page.cursor ? button("Newer", newer, { picture: "back" }) : null,
		page.next || page.list.trimmed() ? button("Older", older, { picture: "next" }) : null);
}

function filtered(page) {
	page.before = [];
	page.cursor = null;
	keepQuery(page.filter.address());
	page.redrawCharts?.();
	return load(page).catch((err) => {
		if (!page.context.signal.aborted)
			fill(page.result, note("bad", err.message));
	});
}

/* ---- what can be done ---- */

const hasEnded = ({ state }) =>
	["delivered", "failed", "cancelled"].includes(state);

async function act(page, verb) {
	const ids = page.list.selected()
		.filter((delivery) => hasEnded(delivery) === (verb === "replay"))
		.map(({ id }) => id);

	if (await actOn(verb, ids, page.result)) {
		page.list.clear();
		await refreshShown(page);
	}
}

/* The rows that are shown, as they are now: a change may have come before the
 * stream stood, or was one of too many to be told. */
async function refreshShown(page) {
	const { deliveries } = await api.get("/v1/deliveries", {
		...page.filter.query(), state: "", limit: PAGE, before: page.cursor },
	{ signal: page.context.signal });

	page.list.take(deliveries.filter(({ id }) => page.list.has(id)), false);
}

async function actAll(page, verb) {
	const { state, ...names } = page.filter.query();

	if (await actOnAll(verb, names))
		await load(page);
}

function drawBar(page) {
	const selected = page.list.selected();
	const ended = selected.filter(hasEnded).length;
	const count = selected.length;
	const held = page.held.size;

	page.bar.classList.toggle("list-bar-picked", count > 0);
	fill(page.bar, count > 0 ? [
		h("strong", `${count} selected`),
		ended > 0 ? button(`Replay ${ended < count ? `${ended} that ended` : "them"}…`,
			() => act(page, "replay"), { kind: "primary" }) : null,
		count > ended ? button(`Cancel ${ended > 0 ? `${count - ended} that wait` : "them"}…`,
			() => act(page, "cancel"), { kind: "danger" }) : null,
		button("Select none", () => page.list.clear(), { kind: "quiet" }),
	] : [
		h("span", { class: "muted" }, plural(page.list.size(), "delivery",
			"deliveries"), " shown"),
		held > 0 ? button(`Show ${held} new`, () => {
			page.before = [];
			page.cursor = null;
			return load(page);
		}, { kind: "primary" }) : null,
		mayManage() && page.filter.isSelective() ? [
			button("Replay all that failed…", () => actAll(page, "replay")),
			button("Cancel all that wait…", () => actAll(page, "cancel"),
				{ kind: "danger" })] : null,
	]);
}

/* ---- as they happen ---- */

/* Reads what the stream did not tell; rows stay while some are selected. What goes
 * wrong, the stream shows too. */
function catchUp(page) {
	const read = page.list.selected().length === 0 ? load : refreshShown;

	read(page).catch((err) => {
		if (err.name !== "Problem" && !page.context.signal.aborted)
			throw err;
	});
}

function take(page, changes, missed) {
	if (!page.live)
		return;
	if (missed) {
		catchUp(page);
		return;
	}
	/* New rows push those away that somebody is about to act on, or reads. */
	const insert = !page.cursor && page.list.selected().length === 0;
	const wasEmpty = page.list.size() === 0;
	const fresh = changes.filter((delivery) => page.list.has(delivery.id) ||
	    (delivery.event && page.filter.takes(delivery)));

	for (const { id } of insert ? [] : fresh) {
		if (!page.list.has(id) && page.held.size < 999 &&
		    (!page.list.last() || id > page.list.last()))
			page.held.add(id);
	}
	page.list.take(fresh, insert);
	if (wasEmpty)
		drawList(page);
	/* The oldest rows have left: they are on the next page now. */
	if (page.list.trimmed() && !page.pager.hasChildNodes())
		drawPager(page);
	drawBar(page);
}

function drawStream(page) {
	fill(page.stream, !page.live ? badge("paused", "paused")
		: page.stands ? badge("running", "live")
			: badge("retry", "connecting…"));
}

function liveButton(page) {
	const node = button("Pause", async () => {
		page.live = !page.live;
		node.querySelector("span").textContent =
		    page.live ? "Pause" : "Resume";
		drawStream(page);
		if (page.live)
			await load(page);
	}, { "aria-describedby": "live-help" });

	return [page.stream, node];
}

function follow(page) {
	const { signal } = page.context;
	let broke = false;

	liveDeliveries({ signal,
		wanted: (delivery) => page.filter.everyone() ||
		    delivery.tenant_id === session.tenant,
		changed: (changes, missed) => take(page, changes, missed),
		state: (stands) => {
			page.stands = stands;
			drawStream(page);
			/* What was missed meanwhile is read. */
			if (stands && broke && page.live)
				catchUp(page);
			broke = !stands;
		} });
}

async function open(context) {
	const { signal } = context;
	const tenant = { tenant_id: session.tenant };
	const [{ event_types: types }, channels] = await Promise.all([
		api.get("/v1/event-types", tenant, { signal }),
		api.all("/v1/channels", "channels", tenant, { signal }),
	]);
	const page = makePage(context, { types, channels });
	const chartPlace = h("div", { class: "chart-place" });

	await load(page);
	drawStream(page);
	fill(context.root,
		pageHead("Deliveries", { lead: "One event on its way to one channel.",
			actions: liveButton(page) }),
		panel("The last hour", {}, chartPlace),
		panel("Deliveries", {}, page.filter.node,
			h("div", page.result, page.bar), page.listPlace, page.pager));
	page.redrawCharts = charts(chartPlace, () => ({
		tenant_id: page.filter.query().tenant_id,
		channel: channels.some(({ name }) =>
			name === page.filter.query().channel)
			? page.filter.query().channel : "" }), signal);
	keepTimes(context.root, signal);
	follow(page);
}

export default {
	path: "/deliveries", title: "Deliveries", open,
	nav: { label: "Deliveries", picture: "list", group: "Activity" },
};
