/* Settings > Notifications, as people use it: mail and webhooks set up, tested
 * before they are saved, changed by two at once, switched off and on. */
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { assertAccessible, assertQuiet, everyPage, launch, loaded, openPage,
	signIn, visit } from "./browser.mjs";
import { startStage, until } from "./stage.mjs";

const SCRIPT = '<img src=x onerror="document.title=1">';
const conf = `
events {
	deploy_started on;
	event backup_failed {
		category backups; severity error; default off;
		description "${SCRIPT.replaceAll('"', "'")} failed";
	}
}
channel webhook from-conf {
	url {locked}; secret a-secret-of-the-conf-file; events deploy_*;
}
tenant other { channel webhook theirs { url {locked}; } }
`;
let stage, browser;

before(async () => {
	stage = await startStage({ conf, mail: true, modules: ["every"],
		endpoints: ["locked", "hook", "stranger", "keys", "chat"] });
	browser = await launch();
});

after(async () => {
	await browser?.close();
	await stage?.close();
});

async function opened(hash = "#/settings", scope = "manage") {
	const page = await openPage(browser, stage);

	await signIn(page, stage, scope, hash);
	return page;
}

const press = (page, name) =>
	page.getByRole("button", { name, exact: true }).click();

/* A field by what its label says. */
const field = (page, name) => page.getByRole("textbox", { name, exact: true })
	.or(page.getByLabel(name, { exact: true })
		.and(page.locator("input, select, textarea")));

/* Waits until the page has said something. */
const says = (page, text) => page.getByText(text).first().waitFor();

/* The two signatures of a request, by what was sent. */
function signatures(request, secret) {
	const key = secret.startsWith("whsec_")
		? Buffer.from(secret.slice(6), "base64") : secret;
	const { headers } = request;
	const id = headers["webhook-id"] || headers["Webhook-Id"];
	const at = headers["webhook-timestamp"];

	return {
		reoclo: "sha256=" + createHmac("sha256", secret)
			.update(request.body).digest("hex"),
		standard: "v1," + createHmac("sha256", key)
			.update(`${id}.${at}.${request.body}`).digest("base64"),
	};
}

test("mail is set up, tested before it is saved, and kept", async () => {
	const page = await opened();

	await page.getByRole("link", { name: "Set up e-mail" }).click();
	await loaded(page);
	await field(page, "Mail server").fill("127.0.0.1");
	await field(page, "Port").fill("1");
	await field(page, "User name").fill("belfry");
	await field(page, "Password").fill("not it");
	await field(page, "From").fill("Belfry <belfry@mail.example>");
	await field(page, "To")
		.fill("ops@mail.example\nOn call <oncall@mail.example>");
	/* Nothing listens there: said, with what to do. */
	await press(page, "Test Email");
	await says(page, "It did not arrive.");
	await says(page, "What to do");
	await field(page, "Port").fill(stage.mail.starttls);
	await press(page, "Test Email");
	await says(page, "It was refused for good.");
	await field(page, "Password").fill("correct horse");
	await press(page, "Test Email");
	await says(page, "It arrived.");
	const [mail] = await stage.mails(1);
	const headers = new Map(mail.headers);

	assert.equal(headers.get("Subject"), "Test notification from belfry");
	assert.match(headers.get("From"), /Belfry <belfry@mail\.example>/);
	assert.equal((await stage.call("GET", "/v1/channels")).channels
		.filter(({ module }) => module === "smtp").length, 0);

	await press(page, "Save");
	await says(page, "mail is saved");
	await page.getByRole("heading", { name: "mail", exact: true }).waitFor();
	await page.reload();
	await loaded(page);
	assert.equal(await field(page, "Mail server").inputValue(),
		"127.0.0.1");
	assert.equal(await field(page, "From").inputValue(),
		"Belfry <belfry@mail.example>");
	assert.equal(await field(page, "To").inputValue(),
		"ops@mail.example\nOn call <oncall@mail.example>");
	const password = field(page, "Password");

	assert.equal(await password.inputValue(), "");
	assert.match(await password.getAttribute("placeholder"), /Saved/);
	assert.ok(!(await page.content()).includes("correct horse"));
	/* At another port somebody else may listen: no password goes there. */
	await field(page, "Port").fill("2");
	await press(page, "Test Email");
	await says(page, "Port is another one now");
	await field(page, "Port").fill(stage.mail.starttls);
	/* What is left out is taken from what was saved. */
	await page.getByText("More settings").click();
	await field(page, "In front of every subject").fill("[changed]");
	await press(page, "Test Email");
	await says(page, "It arrived.");
	const second = new Map((await stage.mails(3)).at(-1).headers);

	assert.match(second.get("Subject"), /^\[changed\]/);
	await press(page, "Save");
	await says(page, "mail is saved");
	const made = await stage.call("GET", "/v1/channels/mail");

	assert.equal(made.version, 2);
	assert.equal(made.settings.subject_prefix, "[changed]");
	assert.deepEqual(made.secrets.toSorted(), ["password", "username"]);
	assert.deepEqual(made.events, []);
	const { id } = (await stage.post("incident_created", "Over mail"))
		.deliveries.find(({ channel }) => channel === "mail");

	await stage.state(id, "delivered");
	assertQuiet(page);
});

test("what is wrong is said at its field, and nothing is lost", async () => {
	const page = await opened("#/settings/new/smtp");

	await press(page, "Save");
	assert.equal(await page.getByText("This is missing.").count(), 3);
	await field(page, "Mail server").fill("127.0.0.1");
	await field(page, "From").fill("nobody");
	await field(page, "To").fill("ops@mail.example");
	await press(page, "Test Email");
	/* The module says so of its settings as a whole. */
	await page.locator('[data-field="/settings/from"]')
		.getByText("nobody: not a mail address").waitFor();
	await field(page, "From").fill("belfry@mail.example");
	await field(page, "Mail server").fill("");
	await press(page, "Save");
	const host = page.locator('[data-field="/settings/host"]');

	await host.getByText("missing").waitFor();
	assert.equal(await field(page, "Mail server")
		.getAttribute("aria-invalid"), "true");
	await field(page, "Mail server").fill("127.0.0.1");
	await field(page, "Port").fill("99999");
	await press(page, "Test Email");
	await page.locator('[data-field="/settings/port"]')
		.getByText("65535").first().waitFor();
	assert.equal(await host.getByText("missing").count(), 0);
	/* What is folded away is opened where something is wrong in it. */
	await field(page, "Port").fill("587");
	await page.getByText("Advanced").click();
	await field(page, "Time-out").fill("soon");
	await page.getByText("Advanced").click();
	await press(page, "Save");
	await page.locator('[data-field="/timeout"]').getByText("duration")
		.waitFor();
	assert.equal(await field(page, "To").inputValue(),
		"ops@mail.example");
	await assertAccessible(page);
	assertQuiet(page);
});

test("a webhook is signed, filtered, and its secret rotated", async () => {
	const page = await opened();

	await page.getByRole("link", { name: "Add endpoint" }).click();
	await loaded(page);
	await field(page, "Name").fill("shop");
	await field(page, "Endpoint URL").fill(stage.endpoints.hook);
	await press(page, "Generate");
	const secret = await field(page, "Signing secret")
		.inputValue();

	assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
	await page.getByLabel("Only these").check();
	await page.getByLabel("All of deployment").check();
	await press(page, "Test Webhook");
	await says(page, "It arrived.");
	const [tested] = await stage.arrived("hook", 1);

	assert.equal(tested.headers["X-Reoclo-Signature-256"],
		signatures(tested, secret).reoclo);
	assert.equal(tested.headers["webhook-signature"],
		signatures(tested, secret).standard);
	await press(page, "Save");
	await says(page, "shop is saved");
	await page.getByRole("heading", { name: "shop", exact: true }).waitFor();
	assert.ok(!(await page.content()).includes(secret));
	const to = async (event) => (await stage.post(event)).deliveries
		.filter(({ channel }) => channel === "shop");

	assert.equal((await to("incident_created")).length, 0);
	assert.equal((await to("deploy_failed")).length, 1);
	const [, sent] = await stage.arrived("hook", 2);

	assert.equal(JSON.parse(sent.body).event, "deploy_failed");
	assert.equal(sent.headers["X-Reoclo-Signature-256"],
		signatures(sent, secret).reoclo);

	await press(page, "Rotate secret…");
	const dialog = page.getByRole("dialog");

	await assertAccessible(page);
	await field(dialog, "New secret").fill("another secret");
	await dialog.getByRole("button", { name: "Rotate", exact: true }).click();
	await says(page, "shop has a new secret");
	await to("deploy_failed");
	const [, , rotated] = await stage.arrived("hook", 3);

	assert.deepEqual(rotated.headers["webhook-signature"].split(" ").toSorted(), [
		signatures(rotated, "another secret").standard,
		signatures(rotated, secret).standard].toSorted());
	assert.equal(rotated.headers["X-Reoclo-Signature-256"],
		signatures(rotated, secret).reoclo);
	/* The one before goes along in a test, and not to another place. */
	await press(page, "Test Webhook");
	await says(page, "It arrived.");
	assert.equal((await stage.arrived("hook", 4))[3]
		.headers["webhook-signature"].split(" ").length, 2);
	await field(page, "Endpoint URL").fill(`${stage.endpoints.hook}moved`);
	await field(page, "Signing secret").fill("a third secret");
	await press(page, "Test Webhook");
	const moved = (await stage.arrived("hook", 5))[4];

	assert.equal(moved.headers["webhook-signature"],
		signatures(moved, "a third secret").standard);
	await page.getByText("shop is saved").waitFor({ state: "detached" });
	await press(page, "Save");
	await says(page, "shop is saved");
	assert.deepEqual((await stage.call("GET", "/v1/channels/shop")).secrets,
		["secret"]);
	/* The list of events as it was saved. */
	await page.reload();
	await loaded(page);
	assert.ok(await page.getByLabel("All of deployment").isChecked());
	assert.ok(await page.getByLabel("deploy_failed").isDisabled());
	assertQuiet(page);
});

test("saved secrets stay behind when a webhook moves", async () => {
	const url = `${stage.endpoints.hook}before`;

	await stage.call("POST", "/v1/channels", { name: "moving",
		module: "webhook", events: ["backup_failed"], settings: { url,
			secret: "s", header: [["X-Key", { secret: "one" }]] } });
	const page = await opened("#/settings/channels/moving");
	const header = page.locator('[data-field="/settings/header"]');
	const secret = page.locator('[data-field="/settings/secret"]');

	await field(page, "Endpoint URL").fill(stage.endpoints.hook);
	for (const button of ["Save", "Test Webhook"]) {
		await press(page, button);
		await secret.getByText("enter it again, or press Remove").waitFor();
		/* It was folded away. */
		await header.getByText("remove the saved secrets").waitFor();
	}
	assert.equal((await stage.call("GET", "/v1/channels/moving")).settings.url,
		url);
	await press(page, "Remove the saved Signing secret");
	await press(page, "Remove X-Key");
	await press(page, "Add to Further headers");
	await field(header, "Header").fill("X-Key");
	await field(header, "Value").fill("two");
	await header.getByLabel("secret").check();
	await press(page, "Save");
	await says(page, "moving is saved");
	const saved = await stage.call("GET", "/v1/channels/moving");

	assert.equal(saved.settings.url, stage.endpoints.hook);
	assert.deepEqual(saved.secrets, ["header X-Key"]);
	await assertAccessible(page);
	assertQuiet(page);
});

test("a channel is deleted only when that is confirmed", async () => {
	await stage.call("POST", "/v1/channels", { name: "old", module: "webhook",
		settings: { url: stage.endpoints.hook }, events: ["backup_failed"] });
	const page = await opened("#/settings/channels/old");

	await press(page, "Delete…");
	await press(page, "Cancel");
	assert.equal((await stage.call("GET", "/v1/channels/old")).name, "old");
	await press(page, "Delete…");
	await press(page, "Delete");
	await says(page, "old is deleted");
	await page.getByRole("heading", { name: "Notifications" }).waitFor();
	const { channels } = await stage.call("GET", "/v1/channels");

	assert.ok(!channels.some(({ name }) => name === "old"));
	assertQuiet(page);
});

test("two who change one channel lose nothing", async () => {
	await stage.call("POST", "/v1/channels", { name: "both", module: "webhook",
		events: ["backup_failed"],
		settings: { url: stage.endpoints.hook, secret: "s" } });
	const page = await opened("#/settings/channels/both");

	await page.getByText("Advanced").click();
	await field(page, "Time-out").fill("7s");
	await field(page, "Retries").fill("5s 6s");
	/* Somebody else saves one field of those, and another. */
	await stage.call("PATCH", "/v1/channels/both",
		{ timeout: "3s", concurrency: 2 });
	await press(page, "Save");
	await says(page, "Somebody else has changed this channel");
	await page.locator('[data-field="/timeout"]')
		.getByText("Saved meanwhile: 3s").waitFor();
	assert.equal(await field(page, "Time-out").inputValue(), "7s");
	assert.equal(await field(page, "Retries").inputValue(), "5s 6s");
	assert.equal(await field(page, "At the same time").inputValue(), "2");
	assert.equal((await stage.call("GET", "/v1/channels/both")).timeout, "3s");
	await assertAccessible(page);
	await press(page, "Save");
	await says(page, "both is saved");
	const saved = await stage.call("GET", "/v1/channels/both");

	assert.equal(saved.timeout, "7s");
	assert.equal(saved.concurrency, 2);
	assert.deepEqual(saved.retry, ["5s", "6s"]);
	assert.deepEqual(saved.secrets, ["secret"]);
	assertQuiet(page);
});

test("a channel that somebody else has deleted is created again or left",
	async () => {
	const make = () => stage.call("POST", "/v1/channels", { name: "gone",
		module: "webhook", events: ["backup_failed"], retry: ["5s", "6s"],
		settings: { url: stage.endpoints.hook, secret: "s",
			header: [["X-Team", "ops"], ["X-Key", { secret: "k" }]] } });

	await make();
	const page = await opened("#/settings/channels/gone");

	await page.getByText("Advanced").click();
	await field(page, "Time-out").fill("7s");
	await stage.call("DELETE", "/v1/channels/gone");
	await press(page, "Save");
	await says(page, "Somebody else has deleted gone");
	await assertAccessible(page);
	await field(page, "Signing secret").fill("another");
	await press(page, "Create it again");
	await says(page, "gone is created again");
	const made = await stage.call("GET", "/v1/channels/gone");

	assert.equal(made.timeout, "7s");
	assert.deepEqual(made.retry, ["5s", "6s"]);
	assert.deepEqual(made.events, ["backup_failed"]);
	assert.deepEqual(made.settings, { url: stage.endpoints.hook,
		header: [["X-Team", "ops"]] });
	assert.deepEqual(made.secrets, ["secret"]);
	/* It is a saved one again. */
	await page.locator('[placeholder^="Saved"]').first().waitFor();
	await page.getByText("Advanced").click();
	await field(page, "Time-out").fill("8s");
	await press(page, "Save");
	await says(page, "gone is saved");
	/* To delete what is not there is to know of it, and to be done. */
	await field(page, "Retries").fill("9s");
	await stage.call("DELETE", "/v1/channels/gone");
	await press(page, "Delete…");
	await press(page, "Delete");
	await says(page, "Somebody else has deleted gone");
	await press(page, "Test Webhook");
	await says(page, "It arrived.");
	await press(page, "Leave it deleted");
	await page.getByRole("heading", { name: "Notifications" }).waitFor();
	assertQuiet(page);
});

test("leaving with unsaved changes asks first", async () => {
	const page = await opened("#/settings/new/webhook");

	/* Not if nothing was changed. */
	await page.getByRole("link", { name: "Tokens" }).click();
	await page.getByRole("heading", { name: "Tokens", exact: true }).waitFor();
	await visit(page, "#/settings/new/webhook");
	await field(page, "Endpoint URL").fill(stage.endpoints.hook);
	await page.getByRole("link", { name: "Tokens" }).click();
	await says(page, "Leave without saving?");
	await press(page, "Cancel");
	assert.match(page.url(), /#\/settings\/new\/webhook$/);
	assert.equal(await field(page, "Endpoint URL").inputValue(),
		stage.endpoints.hook);
	await page.getByRole("link", { name: "Tokens" }).click();
	await press(page, "Leave");
	await page.getByRole("heading", { name: "Tokens", exact: true }).waitFor();
	assertQuiet(page);
});

test("a session that ends under a form loses nothing of it", async () => {
	const page = await opened("#/settings/new/webhook");

	await field(page, "Name").fill("kept");
	await field(page, "Endpoint URL").fill(stage.endpoints.hook);
	await page.context().clearCookies();
	await press(page, "Save");
	const dialog = page.getByRole("dialog");

	await dialog.getByText("Your session has ended").waitFor();
	await assertAccessible(page);
	await dialog.getByLabel("Password").fill(stage.password);
	await dialog.getByRole("button", { name: "Sign in" }).click();
	await dialog.waitFor({ state: "detached" });
	assert.equal(await field(page, "Endpoint URL").inputValue(),
		stage.endpoints.hook);
	await says(page, "Your session had ended, so this was not done.");
	await press(page, "Save");
	await says(page, "kept is saved");
	await stage.call("DELETE", "/v1/channels/kept");
	assertQuiet(page);
});

test("Slack and Discord keep their URL as a secret", async () => {
	const page = await opened();

	for (const [name, add, test] of [["slack", "Add Slack", "Test Slack"],
		["discord", "Add Discord", "Test Discord"]]) {
		const url = `${stage.endpoints.chat}${name}/not-to-be-shown`;
		const count = (await stage.seen("chat")).length;

		await visit(page, "#/settings");
		await page.getByRole("link", { name: add }).click();
		await page.getByRole("heading", { name: add }).waitFor();
		await page.getByLabel(/ebhook URL/).first().fill(url);
		await press(page, test);
		await says(page, "It arrived.");
		const seen = await stage.arrived("chat", count + 1);

		assert.equal(seen.at(-1).path.split("?")[0],
			`/${name}/not-to-be-shown`);
		await press(page, "Save");
		await says(page, `${name} is saved`);
		await page.getByRole("heading", { name, exact: true }).waitFor();
		assert.ok(!(await page.content()).includes("not-to-be-shown"));
		assert.deepEqual((await stage.call("GET",
			`/v1/channels/${name}`)).secrets, ["url"]);
	}
	assertQuiet(page);
});

test("what a module that is gone had is there, and can be deleted", async () => {
	const page = await opened();
	const without = conf.replaceAll("{locked}", stage.endpoints.locked);

	await stage.call("POST", "/v1/channels", { name: "orphan", module: "every",
		events: ["backup_failed"],
		settings: { url: stage.endpoints.stranger } });
	await stage.ask("conf", { conf: without, modules: [] });
	await until(async () => !(await stage.call("GET", "/v1/modules")).modules
		.some(({ name }) => name === "every"), "the module is gone");
	await page.reload();
	await loaded(page);
	await says(page, "load_module modules/every.so;");
	await page.getByRole("link", { name: "orphan" }).click();
	await says(page, "The module of this channel is not loaded");
	await press(page, "Delete…");
	await press(page, "Delete");
	await says(page, "orphan is deleted");
	await stage.ask("conf", { conf: without, modules: ["every"] });
	await until(async () => (await stage.call("GET", "/v1/modules")).modules
		.some(({ name }) => name === "every"), "the module is back");
	assertQuiet(page);
});

test("an event type that is off reaches nobody", async () => {
	const page = await opened();
	const row = page.locator('[data-type="security_ip_conflict"]');
	const toggle = page.getByRole("switch",
		{ name: "security_ip_conflict" });

	await row.getByText("default on").waitFor();
	await toggle.uncheck();
	await says(page, "security_ip_conflict is off");
	const event = await stage.post("security_ip_conflict");

	assert.deepEqual(event.deliveries, []);
	assert.match(event.reason, /is off/);
	await page.reload();
	await loaded(page);
	assert.equal(await toggle.isChecked(), false);
	await row.getByRole("button", { name: /Reset/ }).click();
	await row.getByRole("button", { name: /Reset/ })
		.waitFor({ state: "detached" });
	assert.ok(await toggle.isChecked());
	assert.notDeepEqual((await stage.post("security_ip_conflict")).deliveries,
		[]);
	/* What the conf file sets is locked, and says where. */
	const locked = page.locator('[data-type="deploy_started"]');

	assert.ok(await page.getByRole("switch",
		{ name: "deploy_started" }).isDisabled());
	assert.match(await locked.textContent(), /belfry\.conf:\d+/);
	await page.locator('[data-type="backup_failed"]').getByText("default off")
		.waitFor();
	assertQuiet(page);
});

test("mail and webhooks are switched off on their own", async () => {
	const page = await opened();
	const webhooks = page.getByRole("switch", { name: "Webhooks", exact: true });

	await webhooks.uncheck();
	await says(page, "Webhooks: off");
	const modules = await stage.call("GET", "/v1/modules");
	const enabled = Object.fromEntries(modules.modules.map((module) =>
		[module.name, module.enabled]));

	assert.equal(enabled.webhook, false);
	assert.equal(enabled.smtp, true);
	const { channels } = await stage.call("POST", "/v1/explain",
		{ event: "deploy_failed" });

	for (const { module, rule } of channels)
		assert.equal(rule === "module_disabled", module === "webhook");
	await webhooks.check();
	await says(page, "Webhooks: on");
	/* And one channel alone. */
	const one = page.getByRole("switch", { name: "from-conf" });

	await one.uncheck();
	await says(page, "from-conf is off");
	assert.equal((await stage.call("GET", "/v1/channels/from-conf")).disabled,
		true);
	await one.check();
	await says(page, "from-conf is on");
	assertQuiet(page);
});

test("what stands in the conf file is shown with its place", async () => {
	const page = await opened("#/settings/channels/from-conf");

	assert.match(await page.locator("main").textContent(),
		/conf file.*belfry\.conf:\d+/);
	assert.equal(await page.locator("main input").count(), 0);
	assert.equal(await page.getByRole("button", { name: "Save" }).count(), 0);
	assert.ok(!(await page.content()).includes("a-secret-of-the-conf-file"));
	await says(page, "secret, not shown");
	await press(page, "Test Webhook");
	await says(page, "It arrived.");
	await stage.arrived("locked", 1);
	/* Its name is taken. */
	await visit(page, "#/settings/new/webhook");
	await field(page, "Name").fill("from-conf");
	await field(page, "Endpoint URL").fill(stage.endpoints.hook);
	await press(page, "Save");
	await page.locator('[data-field="/name"] .field-error')
		.getByText("expected another name").waitFor();
	await page.getByRole("link", { name: "Tokens" }).click();
	await press(page, "Leave");
	await page.getByRole("heading", { name: "Tokens", exact: true }).waitFor();
	/* One of another tenant is not there. */
	await visit(page, "#/settings/channels/theirs");
	await says(page, "there is no channel");
	assertQuiet(page);
});

test("a stranger's module has a form, and it works", async () => {
	const page = await opened();

	await page.getByRole("link", { name: "Add Every" }).click();
	await loaded(page);
	await field(page, "URL").fill(stage.endpoints.stranger);
	await field(page, "Token").fill("t0ken");
	await page.getByLabel("Loud").check();
	await field(page, "Priority").fill("9");
	await press(page, "Test Every");
	await page.locator('[data-field="/settings/priority"]').getByText("5")
		.first().waitFor();
	await field(page, "Priority").fill("4");
	await field(page, "Pause").fill("2m");
	await field(page, "Most").fill("64k");
	await field(page, "Since").fill("2026-01-02T03:04:05Z");
	await field(page, "Colour").selectOption("blue");
	await field(page, "Tags").fill("one\ntwo words");
	await press(page, "Add to Header");
	await page.getByRole("group", { name: "Header" }).getByPlaceholder("Name")
		.fill("X-Team");
	await field(page, "Value").fill("ops");
	await field(page, "Note").fill(SCRIPT);
	await page.locator("code", { hasText: /^ca_file$/ }).waitFor();
	await press(page, "Test Every");
	await says(page, "It arrived.");
	const [request] = await stage.arrived("stranger", 1);

	assert.deepEqual(JSON.parse(request.body), {
		subject: "Test notification from belfry", loud: true, priority: 4,
		pause_ms: 120000, most: 65536,
		since_ms: Date.parse("2026-01-02T03:04:05Z"), colour: "blue",
		tags: ["one", "two words"], note: SCRIPT });
	assert.equal(request.headers.Authorization, "Bearer t0ken");
	assert.equal(request.headers["X-Team"], "ops");
	await press(page, "Save");
	await says(page, "every is saved");
	await page.reload();
	await loaded(page);
	assert.equal(await field(page, "Note").inputValue(), SCRIPT);
	assert.equal(await field(page, "Pause").inputValue(), "2m");
	assert.equal(await field(page, "Colour").inputValue(), "blue");
	assert.ok(await page.getByLabel("Loud").isChecked());
	/* Saved again as it is shown, it stays the same. */
	await page.getByLabel("Loud").uncheck();
	await press(page, "Save");
	await says(page, "every is saved");
	const { settings } = await stage.call("GET", "/v1/channels/every");

	assert.equal(settings.priority, "4");
	assert.deepEqual(settings.header, [["X-Team", "ops"]]);
	assert.equal(await page.title(), "every · belfry");
	assertQuiet(page);
});

test("an endpoint's answer is text, whatever stands in it", async () => {
	await stage.tell("hook", { status: 500, body: `${SCRIPT}<script>` });
	const page = await opened("#/settings/new/webhook");

	await field(page, "Endpoint URL").fill(stage.endpoints.hook);
	await press(page, "Test Webhook");
	await says(page, "It did not arrive.");
	await page.getByText("Beginning of the answer").click();
	await page.getByText(`${SCRIPT}<script>`).first().waitFor();
	await stage.tell("hook");
	assert.equal(await page.locator("main img").count(), 0);
	await page.getByRole("link", { name: "Tokens" }).click();
	await press(page, "Leave");
	assertQuiet(page);
});

test("a webhook is set up by the keyboard alone", async () => {
	const page = await opened();
	const { keyboard } = page;
	/* Tab until what has the focus is called so. */
	const tabTo = async (name) => {
		for (let i = 0; i < 200; i++) {
			await keyboard.press("Tab");
			const found = await page.evaluate((wanted) => {
				const at = document.activeElement;
				const label = at.labels?.[0]?.textContent ||
				    at.getAttribute("aria-label") || at.textContent;

				return label.trim().replace(/ \*$/, "") === wanted;
			}, name);

			if (found)
				return;
		}
		assert.fail(`the keyboard does not get to ${name}`);
	};

	await keyboard.press("Tab");
	await tabTo("Add endpoint");
	await keyboard.press("Enter");
	await page.getByRole("heading", { name: "Add endpoint" }).waitFor();
	/* The heading has the focus: what follows is the page. */
	await tabTo("Name");
	await keyboard.press("Control+A");
	await keyboard.type("typed");
	await tabTo("Endpoint URL");
	await keyboard.type(stage.endpoints.keys);
	await tabTo("Test Webhook");
	await keyboard.press("Enter");
	await stage.arrived("keys", 1);
	await says(page, "It arrived.");
	await keyboard.press("Shift+Tab");
	await keyboard.press("Enter");
	await says(page, "typed is saved");
	await page.getByRole("heading", { name: "typed", exact: true }).waitFor();
	await tabTo("Delete…");
	await keyboard.press("Enter");
	await page.getByRole("dialog").waitFor();
	await keyboard.press("Escape");
	await page.getByRole("dialog").waitFor({ state: "detached" });
	assert.equal(await page.evaluate(() =>
		document.activeElement.textContent), "Delete…");
	assertQuiet(page);
});

test("who may only read sees all and can change nothing", async () => {
	const page = await opened("#/settings", "read");

	assert.equal(await page.getByRole("link", { name: "Add endpoint" })
		.count(), 0);
	assert.ok(await page.getByRole("switch", { name: "Webhooks", exact: true })
		.isDisabled());
	await page.getByRole("link", { name: "from-conf" }).click();
	await loaded(page);
	assert.equal(await page.locator("main button").count(), 0);
	assert.equal(await page.getByRole("link", { name: "Tokens" }).count(), 0);
	assertQuiet(page);
});

/* Shows all that a form folds away. */
async function unfold(page) {
	for (const details of await page.locator("main details").all())
		await details.evaluate((node) => {
			node.open = true;
		});
}

test("every page is for everybody, in every look", async () => {
	await everyPage(browser, stage, [
		{ hash: "#/settings", name: "settings" },
		{ hash: "#/settings/new/smtp", name: "settings-smtp", ready: unfold },
		{ hash: "#/settings/channels/shop", name: "settings-webhook",
			ready: unfold },
		{ hash: "#/settings/new/every", name: "settings-every" },
		{ hash: "#/settings/channels/from-conf", name: "settings-conf",
			ready: async (page) => {
				await press(page, "Test Webhook");
				await says(page, "It arrived.");
			} },
	]);
});
