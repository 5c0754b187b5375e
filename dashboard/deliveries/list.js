/*
 * deliveries/list.js - rows of deliveries: selected, changed in place, put in at the top
 */
import { h } from "../dom.js";
import { time } from "../format.js";
import { link } from "../router.js";
import { badge, table } from "../ui.js";

const SHOWN_MOST = 200; /* rows; beyond that the oldest leave */

/* What the state means for who looks at it. */
export function stateBadge(delivery) {
	const retrying = delivery.state === "scheduled" && delivery.attempt_count > 0;

	return badge(retrying ? "retry" : delivery.state,
		retrying ? "retrying" : delivery.state === "scheduled" ? "waiting"
			: delivery.state);
}

/* What is shown of a delivery, and how. */
const columns = [
	{ label: "State", class: "cell-state", cell: (delivery) => h("div",
		stateBadge(delivery),
		delivery.due && delivery.state === "scheduled"
			? h("div", { class: "help" }, "next ", time(delivery.due))
			: null) },
	{ label: "Event", class: "cell-event", cell: (delivery) => h("div",
		h("a", { class: "break", href: link`/deliveries/${delivery.id}` },
			delivery.subject || "(no subject)"),
		h("div", { class: "help" }, h("code", delivery.event)),
		delivery.why && delivery.state !== "delivered"
			? h("div", { class: "why" }, delivery.why) : null) },
	{ label: "Channel", class: "cell-channel", cell: ({ channel }) =>
		h("span", { class: "break" }, channel || "(deleted)") },
	{ label: "Tenant", class: "cell-tenant", cell: ({ tenant_id: tenant }) =>
		h("code", { class: "break" }, tenant) },
	{ label: "Attempts", class: "number cell-attempts",
		cell: (delivery) => String(delivery.attempt_count) },
	{ label: "Accepted", class: "nowrap cell-time",
		cell: (delivery) => time(delivery.accepted_at) },
];

const pickColumn = { label: "Select", hidden: true, class: "pick" };

/*
 * A list. options: hide names columns that are left out; pick is called when the
 * selection changes (null: nothing can be selected).
 *
 * Gives { node, show(deliveries), take(changes, insert), selected(), clear() }; take
 * changes the rows that are shown; with insert it puts new ones at their place.
 */
export function makeList({ hide = ["Tenant"], pick = null,
	caption = "List of deliveries" }) {
	const shown = columns.filter(({ label }) => !hide.includes(label));
	const shape = pick ? [pickColumn, ...shown] : shown;
	const node = table(caption, shape, [], { cards: true });
	const body = node.querySelector("tbody");
	const rows = new Map(); /* by id: { delivery, row, box } */
	let marked = null; /* where a selection by shift began */
	let trimmed = false; /* the oldest rows have left */

	const all = pick ? h("input", { type: "checkbox",
		"aria-label": "Select all that are shown", on: {
			change: () => {
				for (const { box } of rows.values())
					box.checked = all.checked;
				told();
			},
		} }) : null;

	const told = () => {
		const count = selected().length;

		all.checked = count > 0 && count === rows.size;
		all.indeterminate = count > 0 && count < rows.size;
		for (const { row, box } of rows.values())
			row.classList.toggle("picked", box.checked);
		pick(count);
	};
	const selected = () => [...rows.values()]
		.filter(({ box }) => box?.checked)
		.map(({ delivery }) => delivery);

	/* With shift, all between this one and the one before. */
	const picked = (id, event) => {
		const ids = [...body.children].map(({ dataset }) => dataset.id);
		const from = ids.indexOf(marked), to = ids.indexOf(id);

		if (event.shiftKey && from >= 0) {
			const { checked } = rows.get(id).box;

			for (const each of ids.slice(Math.min(from, to),
				Math.max(from, to) + 1))
				rows.get(each).box.checked = checked;
		}
		marked = id;
		told();
	};

	const boxFor = (delivery) => h("input", { type: "checkbox",
		"aria-label": `Select: ${delivery.subject}, ${delivery.channel}`,
		on: { click: (event) => picked(delivery.id, event) } });

	const draw = (entry) => {
		const inner = shown.map(({ cell }) => cell(entry.delivery));

		if (entry.box)
			inner.unshift(entry.box);
		entry.row.replaceChildren(...inner.map((cell, i) => h("td",
			{ class: shape[i].class, data: { label: shape[i].label } },
			cell)));
	};

	const add = (delivery) => {
		const entry = { delivery,
			row: h("tr", { data: { id: delivery.id } }),
			box: pick ? boxFor(delivery) : null };

		rows.set(delivery.id, entry);
		draw(entry);
		return entry;
	};

	const insert = (delivery) => {
		const after = [...body.children].find((row) =>
			row.dataset.id < delivery.id);

		body.insertBefore(add(delivery).row, after || null);
		if (rows.size > SHOWN_MOST) {
			trimmed = true;
			rows.delete(body.lastChild.dataset.id);
			body.lastChild.remove();
		}
	};

	/* What a change leaves out stays, but for what no longer holds. */
	const change = (entry, delivery) => {
		entry.delivery = { ...entry.delivery, due: null, why: null,
			...delivery };
		/* A row that has the focus keeps it. */
		const focused = entry.row.contains(document.activeElement)
			? document.activeElement.tagName : null;

		draw(entry);
		entry.row.classList.add("changed");
		if (focused)
			entry.row.querySelector(focused.toLowerCase())?.focus();
	};

	node.classList.add("delivery-list");
	if (pick)
		node.querySelector("th").replaceChildren(all);
	return {
		node, selected,
		last: () => body.lastChild?.dataset.id || null,
		size: () => rows.size,
		trimmed: () => trimmed,
		clear() {
			for (const { box } of rows.values())
				box.checked = false;
			told();
		},
		show(deliveries) {
			rows.clear();
			marked = null;
			trimmed = false;
			body.replaceChildren(...deliveries.map((delivery) =>
				add(delivery).row));
			if (pick)
				told();
		},
		take(changes, mayInsert) {
			/* Newest first: what comes after so many would leave at once. */
			let room = mayInsert ? SHOWN_MOST : 0;

			for (const delivery of changes) {
				const entry = rows.get(delivery.id);

				if (entry)
					change(entry, delivery);
				else if (room-- > 0)
					insert(delivery);
				else
					trimmed ||= mayInsert;
			}
			if (pick && mayInsert)
				told();
		},
		has: (id) => rows.has(id),
	};
}
