/* The frame around the pages: signing in, and what is served to whom. */
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { assertAccessible, assertFits, assertQuiet, launch, openPage, signIn }
	from "./browser.mjs";
import { startStage } from "./stage.mjs";

let stage, browser;

before(async () => {
	stage = await startStage();
	browser = await launch();
});

after(async () => {
	await browser?.close();
	await stage?.close();
});

test("somebody who knows the password sees the dashboard", async () => {
	const page = await openPage(browser, stage);

	await signIn(page, stage);
	assert.match(await page.title(), /Notifications/);
	await assertAccessible(page);
	await assertFits(page);
	assertQuiet(page);
});

test("somebody who does not is told so, and sees nothing", async () => {
	const page = await openPage(browser, stage);

	await page.goto("/dashboard/");
	await page.getByLabel("User name").fill("admin");
	await page.getByLabel("Password").fill("not the password");
	await page.getByRole("button", { name: "Sign in" }).click();
	await page.getByText("do not belong together").waitFor();
	assert.equal(await page.locator("nav").count(), 0);
	assertQuiet(page);
});

test("an empty sign-in says what is missing, and asks nobody", async () => {
	const page = await openPage(browser, stage);
	let asked = 0;

	await page.goto("/dashboard/");
	await page.getByLabel("User name").waitFor();
	page.on("request", () => asked++);
	await page.getByRole("button", { name: "Sign in" }).click();
	assert.equal(await page.getByText("This is missing.").count(), 2);
	assert.equal(await page.evaluate(() => document.activeElement.name),
		"user");
	assert.equal(asked, 0);
	assertQuiet(page);
});
