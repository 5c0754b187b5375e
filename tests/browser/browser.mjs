/*
 * browser.mjs - a real Chromium, which minds what a page says and does
 *
 * A page that these functions opened fails its test when it writes an error to
 * the console, throws, or tries what its Content-Security-Policy forbids: see
 * assertQuiet. Run where the npm packages are installed (tests/scenario/npm.py).
 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(`${process.cwd()}/`);
const { chromium } = require("playwright-core");
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const PATIENCE = 60000;
const WIDTHS = { desk: [1280, 900], phone: [360, 780] };

export async function launch() {
	return chromium.launch({
		executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
		args: ["--no-sandbox", "--disable-gpu", "--disable-quic",
			"--no-first-run", "--disable-background-networking",
			"--disable-component-update", "--disable-sync"],
	});
}

/* What the browser itself says of answers that a page expects. */
const EXPECTED = /Failed to load resource: the server responded with a status/;

/* Notes what a page may not do. page.refused has it, in sentences. */
async function watch(page) {
	page.refused = [];
	page.on("pageerror", (error) => page.refused.push(`threw: ${error.stack}`));
	page.on("console", (message) => {
		if ((message.type() === "error" || message.type() === "warning") &&
		    !EXPECTED.test(message.text()))
			page.refused.push(`said: ${message.text()}`);
	});
	page.on("dialog", (dialog) => {
		/* Leaving a page with changes may ask; nothing else does. */
		if (dialog.type() !== "beforeunload")
			page.refused.push(`opened: ${dialog.message()}`);
		dialog.accept();
	});
	page.on("request", (request) => {
		const url = request.url();

		if (!url.startsWith(page.origin) && !url.startsWith("data:"))
			page.refused.push(`asked for ${url}`);
	});
	await page.exposeFunction("belfryViolation",
		(text) => page.refused.push(text));
	await page.addInitScript(() => {
		document.addEventListener("securitypolicyviolation", (event) =>
			window.belfryViolation(`violated ${event.violatedDirective}: ` +
				`${event.blockedURI} ${event.sample}`));
	});
}

/* Opens a page. scheme: "light" or "dark"; width: "desk" or "phone". */
export async function openPage(browser, stage,
	{ scheme = "light", width = "desk" } = {}) {
	const [w, h] = WIDTHS[width];
	const context = await browser.newContext({ colorScheme: scheme,
		viewport: { width: w, height: h }, baseURL: stage.belfry,
		reducedMotion: "reduce", locale: "en-GB", timezoneId: "UTC" });
	const page = await context.newPage();

	page.setDefaultTimeout(PATIENCE);
	page.origin = stage.belfry;
	await watch(page);
	return page;
}

/* Signs in by the form, as the user of that scope, and waits for the page. */
export async function signIn(page, stage, scope = "admin",
	hash = "#/settings") {
	await page.goto(`/dashboard/${hash}`);
	await page.getByLabel("User name").fill(scope);
	await page.getByLabel("Password").fill(stage.password);
	await page.getByRole("button", { name: "Sign in" }).click();
	/* The form has a heading, too: what is waited for is behind it. */
	await page.locator("main[data-shown]").waitFor();
	await loaded(page);
}

/* Goes to a page of the dashboard by its address. */
export async function visit(page, hash) {
	await page.evaluate((to) => {
		location.hash = to;
	}, hash);
	await page.waitForFunction((to) =>
		document.querySelector("main")?.dataset.shown === to, hash);
	await loaded(page);
}

/* Waits until the page has its heading, and loads nothing more. */
export async function loaded(page) {
	/* The sign-in has a heading, too, and is no page. */
	await page.locator("main[data-shown] h1").first().waitFor();
	await page.waitForFunction(() => !document.querySelector("main .loading"));
}

/* Fails if the page did what it may not. */
export function assertQuiet(page) {
	assert.deepEqual(page.refused, []);
}

/* Fails if axe-core finds something that keeps people out. */
export async function assertAccessible(page) {
	/* By evaluate: the page's policy forbids scripts that are not its own. */
	await page.evaluate(axeSource);
	const { violations } = await page.evaluate(() => window.axe.run(document,
		{ resultTypes: ["violations"] }));

	assert.deepEqual(violations.map(({ id, help, nodes }) => ({ id, help,
		nodes: nodes.map(({ html, failureSummary }) =>
			`${html}: ${failureSummary}`) })), []);
}

/* Fails if the page is wider than the window. */
export async function assertFits(page) {
	const [content, shown] = await page.evaluate(() =>
		[document.documentElement.scrollWidth, window.innerWidth]);

	assert.ok(content <= shown, `${content} wide in a window of ${shown}`);
}

/* Fails if a field has no room for its placeholder, or a select for its choice. */
export async function assertUncut(page) {
	const cut = await page.evaluate(() => {
		const canvas = document.createElement("canvas").getContext("2d");
		const ARROW = 20; /* of a select */
		const fields = document.querySelectorAll(
			"main :is(input[placeholder], select)");

		return [...fields].filter((field) => field.checkVisibility())
			.map((field) => {
				const style = getComputedStyle(field);
				const select = field.tagName === "SELECT";
				const text = select ? field.selectedOptions[0]?.text ?? ""
					: field.placeholder;

				canvas.font = style.font;
				return { text, needed: canvas.measureText(text).width,
					room: field.clientWidth -
						parseFloat(style.paddingLeft) -
						parseFloat(style.paddingRight) -
						(select ? ARROW : 0) };
			})
			.filter(({ needed, room }) => needed > room);
	});

	assert.deepEqual(cut, []);
}

/* Keeps a picture of the page for people to look at. */
export async function picture(page, stage, name) {
	const folder = join(stage.build, "screenshots");

	mkdirSync(folder, { recursive: true });
	await page.screenshot({ path: join(folder, `${name}.png`),
		fullPage: true });
}

/* Opens pages ([{ hash, name, ready }]) in every look in turn (light, dark, phone),
 * has each checked in each, and leaves a picture of each. */
export async function everyPage(browser, stage, pages, scope = "admin") {
	for (const look of [{ scheme: "light" }, { scheme: "dark" },
		{ scheme: "light", width: "phone" }]) {
		const page = await openPage(browser, stage, look);

		await signIn(page, stage, scope, pages[0].hash);
		for (const { hash, name, ready = async () => {} } of pages) {
			await visit(page, hash);
			await ready(page);
			await picture(page, stage,
				`${name}-${look.width || look.scheme}`);
			await assertAccessible(page);
			await assertFits(page);
			await assertUncut(page);
			assertQuiet(page);
		}
		await page.context().close();
	}
}

/* The same of one page. */
export async function everyLook(browser, stage, hash, name,
	{ scope = "admin", ready } = {}) {
	await everyPage(browser, stage, [{ hash, name, ready }], scope);
}
