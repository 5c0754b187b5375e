/* What strangers send, and what a stranger's link asks for: shown as text, in place,
 * and nothing of it runs (the lines 41 and 42 of what must not get through). */
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { assertFits, assertQuiet, launch, loaded, openPage, signIn, visit }
	from "./browser.mjs";
import { startStage } from "./stage.mjs";

const HITS = [
	"<script>window.hit=1</script>",
	"<img src=x onerror=window.hit=1>",
	"<svg onload=window.hit=1>",
	"\"><iframe srcdoc='<script>parent.hit=1</script>'>",
	"</script><script>window.hit=1</script>",
	"javascript:window.hit=1",
	"<base href=//evil.example/><link rel=stylesheet href=//evil.example/x>",
	"{{constructor.constructor('window.hit=1')()}}",
];
const ALL = HITS.join(" ");
const LONG = "a".repeat(5000);
const RIGHT_TO_LEFT = "\u202egnp.exe\u202c";

let stage, browser, page;

before(async () => {
	stage = await startStage({ endpoints: ["good", "bad"],
		conf: "channel webhook good { url {good}; retry none; }" +
		    "channel webhook bad { url {bad}; retry none; }" +
		    "events { channel_failing off; }" });
	browser = await launch();
	await stage.tell("bad", { status: 500, body: ALL,
		headers: { "X-Odd": "<script>window.hit=1</script>" } });
});

after(async () => {
	await browser?.close();
	await stage?.close();
});

async function begin(hash, options) {
	page = await openPage(browser, stage, options);
	await signIn(page, stage, "admin", hash);
}

/* Nothing ran, nothing was made of it, nothing was asked for. */
async function end() {
	assert.equal(await page.evaluate(() => window.hit), undefined);
	assert.equal(await page.locator(
		"iframe, img, base, [onerror], [onload], main script").count(), 0);
	assert.equal(await page.locator("a[href^='javascript:']").count(), 0);
	assertQuiet(page);
	await page.context().close();
}

const shows = async (text) =>
	assert.ok((await page.locator("main").innerText()).includes(text), text);

test("script in an event and in an endpoint's answer is text", async () => {
	const { deliveries } = await stage.post("deploy_failed", ALL, {
		body: ALL, metadata: { [ALL]: ALL, nested: { list: [ALL] } } });
	const bad = deliveries.find(({ channel }) => channel === "bad").id;

	await stage.state(bad, "failed");
	await begin("#/deliveries");
	await page.locator(`tr[data-id="${bad}"]`).waitFor();
	await shows(ALL);
	await page.locator(`tr[data-id="${bad}"] a`).click();
	await page.getByText("Attempt 1", { exact: true }).waitFor();
	/* Once as the subject, the body, the answer; quotes are escaped in JSON. */
	assert.ok((await page.locator("main").innerText()).split(ALL).length > 3);
	await shows(JSON.stringify(ALL));
	assert.ok((await page.title()).startsWith(ALL));
	await visit(page, "#/channels/bad");
	await shows(ALL);
	await end();
});

test("script that comes live is text", async () => {
	await begin("#/deliveries");
	await page.locator("main .badge", { hasText: /^live$/ }).waitFor();
	const { deliveries: [{ id }] } =
	    await stage.post("deploy_failed", `Live ${ALL}`);

	await page.locator(`tr[data-id="${id}"]`).waitFor();
	await shows(`Live ${ALL}`);
	await end();
});

test("script in a channel's settings is text", async () => {
	await stage.call("POST", "/v1/channels", { name: "odd", module: "webhook",
		settings: { url: `https://example.com/?q=${
			encodeURIComponent(HITS[0])}`,
		header: { "X-Odd": HITS[1] } } });
	await begin("#/settings");
	await visit(page, "#/settings/channels/odd");
	await page.getByRole("button", { name: "Save" }).waitFor();
	await visit(page, "#/channels/odd");
	await visit(page, "#/explain");
	await end();
	await stage.call("DELETE", "/v1/channels/odd");
});

test("an address of a stranger's making shows that there is nothing", async () => {
	await begin("#/settings");
	for (const hit of HITS) {
		const part = encodeURIComponent(hit);

		for (const hash of [`#/deliveries/${part}`, `#/channels/${part}`,
			`#/settings/channels/${part}`, `#/${part}`,
			`#/settings/new/${part}`]) {
			await page.evaluate((to) => {
				location.hash = to;
			}, hash);
			await page.waitForFunction(() => !document.querySelector(
				"main .loading") && document.querySelector("main h1"));
		}
	}
	await visit(page, `#/deliveries?channel=${encodeURIComponent(ALL)}&event=${
		encodeURIComponent(ALL)}&since=${encodeURIComponent(ALL)}`);
	await page.getByText("channel: expected").waitFor();
	await page.evaluate((to) => {
		location.hash = to;
	}, "#/deliveries/%");
	await loaded(page);
	await end();
});

test("no link changes anything by itself", async () => {
	const before = await stage.call("GET", "/v1/channels/good");

	await begin("#/settings");
	for (const hash of ["#/channels/good/disable", "#/deliveries/replay",
		"#/settings?disable=good", "#/account/signout"])
		await page.evaluate((to) => {
			location.hash = to;
		}, hash);
	await loaded(page);
	assert.equal((await stage.call("GET", "/v1/channels/good")).state,
		before.state);
	await end();
});

test("what is long or turned around breaks no page, on a phone neither",
	async () => {
		const { deliveries: [{ id }] } = await stage.post("deploy_failed",
			`${LONG}${RIGHT_TO_LEFT}`, { body: LONG,
				metadata: { [LONG]: LONG } });

		await stage.state(id, "delivered");
		await begin("#/deliveries", { width: "phone" });
		await page.locator(`tr[data-id="${id}"]`).waitFor();
		await assertFits(page);
		await visit(page, `#/deliveries/${id}`);
		await assertFits(page);
		await visit(page, "#/channels/good");
		await assertFits(page);
		await end();
	});
