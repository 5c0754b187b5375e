/* Who may do what: sessions, tokens, tenants, the account. */
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { assertAccessible, assertFits, assertQuiet, everyPage, launch, loaded,
	openPage, signIn, visit } from "./browser.mjs";
import { startStage, until } from "./stage.mjs";

const SCRIPT = '<img src=x onerror="document.title=1">';
let stage, browser;

before(async () => {
	stage = await startStage({ endpoints: ["hook"], conf: `
tenant from-conf { name "From the conf file"; limits { channels 3; } }
` });
	browser = await launch();
});

after(async () => {
	await browser?.close();
	await stage?.close();
});

async function opened(hash, scope = "admin") {
	const page = await openPage(browser, stage);

	await signIn(page, stage, scope, hash);
	return page;
}

const press = (page, name) =>
	page.getByRole("button", { name, exact: true }).click();

const says = (page, text) => page.getByText(text).first().waitFor();

/* A field by what its label says. */
const field = (page, name) => page.getByRole("textbox", { name, exact: true })
	.or(page.getByLabel(name, { exact: true })
		.and(page.locator("input, select, textarea")));

/* What the API answers to a bearer token. */
const answered = async (token, path = "/v1/channels") =>
	(await fetch(stage.api + path,
		{ headers: { Authorization: `Bearer ${token}` } })).status;

test("a session that ends leads to the sign-in, and back", async () => {
	const page = await opened("#/tokens");

	await page.context().clearCookies();
	await page.getByRole("link", { name: "Notifications" }).click();
	await says(page, "Your session has ended");
	await page.getByLabel("User name").fill("admin");
	await page.getByLabel("Password").fill(stage.password);
	await press(page, "Sign in");
	await page.getByRole("heading", { name: "Notifications" }).waitFor();
	assertQuiet(page);
});

test("who signs out sees nothing any more", async () => {
	const page = await opened("#/account");

	await page.locator("main").getByRole("button",
		{ name: "Sign out", exact: true }).click();
	await page.getByLabel("Password").waitFor();
	await page.reload();
	await page.getByLabel("Password").waitFor();
	assert.equal(await page.locator("nav").count(), 0);
	assertQuiet(page);
});

test("signing out everywhere ends the other browser's session", async () => {
	const one = await opened("#/account", "manage");
	const other = await opened("#/settings", "manage");

	await press(one, "Sign out everywhere…");
	await press(one, "Sign out everywhere");
	await says(one, "You are signed out everywhere.");
	await other.reload();
	await other.getByLabel("Password").waitFor();
	assertQuiet(one);
	assertQuiet(other);
});

test("the theme is the system's until somebody chooses", async () => {
	const page = await openPage(browser, stage, { scheme: "dark" });
	const background = () => page.evaluate(() =>
		getComputedStyle(document.documentElement).backgroundColor);

	await signIn(page, stage, "read", "#/account");
	const dark = await background();

	await page.getByLabel("Light", { exact: true }).check();
	const light = await background();

	assert.notEqual(light, dark);
	await page.reload();
	await loaded(page);
	assert.equal(await background(), light);
	await press(page, "Light or dark");
	assert.equal(await background(), dark);
	await assertAccessible(page);
	assertQuiet(page);
});

test("a token is shown once, works, and is revoked", async () => {
	const page = await opened("#/tokens", "manage");

	await press(page, "Create token…");
	assert.equal(await page.evaluate(() =>
		document.activeElement.getAttribute("name")), "/name");
	await press(page, "Create");
	await page.locator('[data-field="/name"] .field-error').waitFor();
	await field(page, "Name").fill(SCRIPT);
	assert.deepEqual(await page.getByLabel("May").locator("option")
		.evaluateAll((options) => options.map(({ value }) => value)),
	["ingest", "read", "manage"]);
	await page.getByLabel("May").selectOption("read");
	await page.getByRole("textbox", { name: "Rate" }).fill("much");
	await press(page, "Create");
	await page.locator('[data-field="/rate"] .field-error')
		.getByText("expected").waitFor();
	await page.getByRole("textbox", { name: "Rate" }).fill("7/m burst=3");
	await press(page, "Create");
	const token = await page.getByRole("dialog").locator(".copyable code")
		.textContent();

	assert.match(token, /^bft_[0-9a-f]{64}$/);
	await assertAccessible(page);
	assert.equal(await answered(token), 200);
	await press(page, "Done");
	const row = page.getByRole("row", { name: SCRIPT });

	await row.waitFor();
	assert.match(await row.innerText(), /7\/m burst=3/);
	assert.ok(!(await page.content()).includes(token));
	await row.getByRole("button", { name: `Revoke ${SCRIPT}` }).click();
	await press(page, "Revoke");
	await row.waitFor({ state: "detached" });
	assert.equal(await answered(token), 401);
	assertQuiet(page);
});

test("tenants are added, limited, shown, and deleted", async () => {
	const page = await opened("#/tenants");

	await press(page, "Add tenant…");
	await field(page, "Id").fill("acme");
	await field(page, "Name").fill(`${SCRIPT} Inc.`);
	await field(page, "Channels").fill("none");
	await press(page, "Save");
	await page.locator('[data-field="/limits/channels"]')
		.getByText("whole number").waitFor();
	await field(page, "Channels").fill("1");
	await field(page, "Stored bytes").fill("64m");
	await press(page, "Save");
	const row = page.getByRole("row", { name: /^<img.*acme/ });

	await row.getByText("0 of 1").waitFor();
	await row.getByText("of 64 MiB").waitFor();
	const made = await stage.call("GET", "/v1/tenants/acme");

	assert.equal(made.limits.stored_bytes, 64 * 1024 * 1024);
	assert.equal(made.limits.events_per_second, null);
	/* What the conf file has is locked, and says where. */
	const locked = page.getByRole("row", { name: /From the conf file/ });

	assert.match(await locked.textContent(), /belfry\.conf:\d+/);
	assert.equal(await locked.getByRole("button", { name: /Change/ })
		.count(), 0);

	/* What is shown is the chosen tenant's, and it is said whose. */
	await row.getByRole("button", { name: /^Show/ }).click();
	await page.locator(".tenant-chip", { hasText: "acme" }).waitFor();
	await visit(page, "#/settings/new/webhook");
	await field(page, "Name").fill("one");
	await field(page, "Endpoint URL").fill(stage.endpoints.hook);
	await press(page, "Save");
	await says(page, "one is saved");
	await page.getByRole("heading", { name: "one", exact: true }).waitFor();
	const { channels } = await stage.call("GET",
		"/v1/channels?tenant_id=acme");

	assert.deepEqual(channels.map(({ name }) => name), ["one"]);
	await visit(page, "#/settings/new/webhook");
	await field(page, "Endpoint URL").fill(stage.endpoints.hook);
	await press(page, "Save");
	await page.locator("main .note-bad")
		.getByText("has 1 channel and may have 1").waitFor();
	await page.reload();
	await page.locator(".tenant-chip", { hasText: "acme" }).waitFor();

	await visit(page, "#/tenants");
	await row.getByRole("button", { name: /^Change/ }).click();
	await stage.call("PATCH", "/v1/tenants/acme", { name: "Changed" });
	await field(page, "Channels").fill("5");
	await press(page, "Save");
	await says(page, "Somebody else has changed this tenant");
	await press(page, "Save");
	await until(async () => (await stage.call("GET", "/v1/tenants/acme"))
		.limits.channels === 5, "the limit is 5");
	await row.getByText("1 of 5").waitFor();

	await row.getByRole("button", { name: /^Delete/ }).click();
	await press(page, "Delete");
	await row.waitFor({ state: "detached" });
	assert.equal(await page.locator(".tenant-chip").count(), 0);
	assertQuiet(page);
});

test("a tenant's user sees nothing of tenants but its own", async () => {
	const page = await opened("#/account", "manage");

	await says(page, "What your tenant may have");
	assert.equal(await page.getByRole("link", { name: "Tenants" }).count(), 0);
	await visit(page, "#/tenants");
	await says(page, "There is no such page.");
	assertQuiet(page);
});

test("the menu of a phone opens, closes, and leads on", async () => {
	const page = await openPage(browser, stage, { width: "phone" });

	await signIn(page, stage, "admin", "#/account");
	const nav = page.getByRole("navigation", { name: "Pages" });

	assert.equal(await nav.isVisible(), false);
	await press(page, "Menu");
	await assertAccessible(page);
	await nav.getByRole("link", { name: "Tokens" }).click();
	await page.getByRole("heading", { name: "Tokens", exact: true }).waitFor();
	assert.equal(await nav.isVisible(), false);
	await assertFits(page);
	assertQuiet(page);
});

test("every page is for everybody, in every look", async () => {
	await everyPage(browser, stage, [
		{ hash: "#/tokens", name: "tokens" },
		{ hash: "#/tenants", name: "tenants" },
		{ hash: "#/account", name: "account" },
		{ hash: "#/nowhere", name: "not-found" },
	]);
});
