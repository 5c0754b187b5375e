/*
 * app.js - starts the dashboard: session, navigation, pages
 */
import { api } from "./api.js";
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { pages } from "./pages/index.js";
import { showSignIn, signInAgain } from "./pages/signin.js";
import { findPage, parseHash } from "./router.js";
import { forget, isAdmin, mayManage, resume, session, signOut }
	from "./session.js";
import { confirm, empty, iconButton, loading, note,
	pageHead } from "./ui.js";

const HOME = "#/settings";
const root = document.getElementById("app");

/* The page that is open: how to end it, its address, and whether it holds what
 * is not saved. */
let open = { leave: null, hash: null, isDirty: () => false };
let main = null;

/* ---- navigation ---- */

function allowed(page) {
	return page.scope === "admin" ? isAdmin()
		: page.scope === "manage" ? mayManage() : true;
}

/* The first part of an address is the entry that it belongs to. */
const section = (path) => path.split("/")[1];

function markCurrent(path) {
	for (const anchor of root.querySelectorAll(".nav a")) {
		const current = anchor.dataset.section === section(path);

		if (current)
			anchor.setAttribute("aria-current", "page");
		else
			anchor.removeAttribute("aria-current");
	}
}

function navigation() {
	const shown = pages.filter((page) => page.nav && allowed(page));
	const groups = [...new Set(shown.map((page) => page.nav.group))];

	return h("nav", { class: "nav", id: "nav", "aria-label": "Pages" },
		groups.map((group) => [
			h("p", { class: "nav-group", id: `nav-${group.toLowerCase()}` }, group),
			h("ul", { "aria-labelledby": `nav-${group.toLowerCase()}` }, shown
				.filter((page) => page.nav.group === group)
				.map((page) => h("li", h("a", {
					href: `#${page.path}`,
					data: { section: section(page.path) },
				}, icon(page.nav.picture), page.nav.label)))),
		]));
}

function whose() {
	return isAdmin() && session.tenant !== session.default_tenant
		? h("a", { class: "tenant-chip", href: "#/tenants",
			title: "The tenant whose things are shown" },
		icon("people"), h("span", session.tenant))
		: null;
}

/* To the other theme than the one that is seen. */
function switchTheme() {
	const dark = window.belfryTheme.get() === "dark" ||
	    (!window.belfryTheme.get() &&
		matchMedia("(prefers-color-scheme: dark)").matches);

	window.belfryTheme.set(dark ? "light" : "dark");
}

/* The frame around every page. */
function drawFrame() {
	const menu = iconButton("menu", "Menu", () => {
		const shown = root.classList.toggle("nav-open");

		menu.setAttribute("aria-expanded", String(shown));
	}, { class: "button button-icon menu-button", "aria-controls": "nav",
		"aria-expanded": "false" });

	main = h("main", { id: "main", tabindex: "-1" });
	root.className = "frame";
	fill(root,
		h("a", { class: "skip", href: "#main", on: { click: (event) => {
			event.preventDefault();
			focusHeading();
		} } }, "Skip to content"),
		h("header", { class: "bar" }, menu,
			h("a", { class: "brand", href: HOME }, icon("bell"),
				"belfry"),
			whose(),
			h("span", { class: "bar-space" }),
			h("a", { class: "who", href: "#/account" }, icon("person"),
				h("span", session.user)),
			iconButton("sun", "Light or dark", switchTheme),
			iconButton("exit", "Sign out", leave)),
		navigation(), main);
}

async function leave() {
	if (open.isDirty() && !await mayLeave())
		return;
	await signOut();
	signedOut();
}

/* Draws everything again, for another tenant say. */
function restart() {
	drawFrame();
	return navigate(false);
}

/* ---- pages ---- */

function setTitle(title) {
	document.title = `${title} · belfry`;
}

/* Tells a screen reader where it is now, and lets the keyboard go on there. */
function focusHeading() {
	(main.querySelector("h1") || main).focus({ preventScroll: true });
}

function notFound() {
	setTitle("Not found");
	fill(main, pageHead("Not found"),
		empty("There is no such page.", h("a", { href: HOME },
			"Settings › Notifications")));
}

async function show({ page, params }, query) {
	const leaving = new AbortController();
	const context = {
		root: h("div", { class: "page" }), params, query, setTitle,
		signal: leaving.signal, restart, signedOut,
		guard(isDirty) {
			open.isDirty = isDirty;
		},
	};

	open.leave = () => leaving.abort();
	setTitle(page.title);
	fill(main, context.root);
	fill(context.root, loading());
	try {
		await page.open(context);
	} catch (err) {
		if (leaving.signal.aborted)
			return;
		if (err.name !== "Problem")
			console.error(err);
		fill(context.root, pageHead(page.title), note("bad", err.message));
	}
	if (!leaving.signal.aborted && open.moved)
		focusHeading();
}

function mayLeave() {
	return confirm("Leave without saving?",
		"What you changed on this page is not saved yet.", "Leave");
}

/* Follows the address. moved: the user came from another page. */
async function navigate(moved) {
	const hash = location.hash || HOME;
	const { path, query } = parseHash(hash);
	const found = findPage(pages, path);

	if (open.isDirty()) {
		history.replaceState(null, "", open.hash);
		if (!await mayLeave())
			return;
		history.pushState(null, "", hash);
	}
	open.leave?.();
	closeDialogs();
	open = { leave: null, hash, isDirty: () => false, moved };
	root.classList.remove("nav-open");
	root.querySelector(".menu-button")?.setAttribute("aria-expanded", "false");
	window.scrollTo(0, 0);
	markCurrent(path);
	if (found && allowed(found.page))
		await show(found, query);
	else
		notFound();
	/* Which address is wholly there: later ones may have come meanwhile. */
	if (open.hash === hash)
		main.dataset.shown = hash;
}

/* What a page asks goes with it. */
function closeDialogs() {
	document.querySelectorAll("dialog").forEach((node) => node.close());
}

/* ---- session ---- */

function signedOut(message) {
	open.leave?.();
	open = { leave: null, hash: null, isDirty: () => false };
	forget();
	closeDialogs();
	root.className = "";
	showSignIn(root, restart, message);
}

let asking = false;

/* The session has ended of itself. What was typed is not thrown away: the
 * password is asked for above it. */
async function sessionEnded() {
	const { user } = session;

	if (!user || asking)
		return;
	if (open.isDirty()) {
		asking = true;
		const again = await signInAgain(user);

		asking = false;
		if (again && session.user === user)
			return;
	}
	signedOut("Your session has ended. Sign in to go on.");
}

api.onSignedOut = sessionEnded;

window.addEventListener("hashchange", () => {
	if (session.user)
		navigate(true);
});

window.addEventListener("beforeunload", (event) => {
	if (open.isDirty())
		event.preventDefault();
});

async function start() {
	try {
		if (await resume())
			await restart();
		else
			signedOut();
	} catch (err) {
		fill(root, h("main", { class: "signin", id: "main" },
			h("div", { class: "signin-card" },
				h("h1", { class: "brand" }, icon("bell"), "belfry"),
				note("bad", err.message),
				h("a", { class: "button", href: "" }, "Try again"))));
	}
}

start();
