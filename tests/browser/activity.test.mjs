/* What happens to events: deliveries, channels, explain, modules. */
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { assertQuiet, assertUncut, everyPage, launch, loaded, openPage, signIn, visit }
	from "./browser.mjs";
import { startStage } from "./stage.mjs";

/* What would run, or break the page, if it were not shown as text. */
const SCRIPT = "<script>window.hit=1</script><img src=x onerror=window.hit=1>";

const CONF = `
channel webhook ops { url {ops}; retry none; }
channel webhook team { url {team}; retry none; secret s3cret; events deploy_*; }
channel smtp mail {
    host 127.0.0.1; port {mail.starttls};
    username {mail.user}; password "{mail.password}";
    from belfry@{mail.domain}; to ops@{mail.domain} nobody@{mail.domain};
    events incident_*;
}
events { deploy_started off; channel_failing off; channel_recovered off; }
`;

let stage, browser, page;

before(async () => {
	stage = await startStage({ conf: CONF, mail: true,
		endpoints: ["ops", "team", "stranger"] });
	browser = await launch();
});

after(async () => {
	await browser?.close();
	await stage?.close();
});

async function begin(hash, options) {
	page = await openPage(browser, stage, options);
	await signIn(page, stage, options?.scope || "admin", hash);
	return page;
}

async function end() {
	assertQuiet(page);
	assert.equal(await page.evaluate(() => window.hit), undefined);
	await page.context().close();
}

/* The row of a delivery. */
const row = (id) => page.locator(`tr[data-id="${id}"]`);
const inState = (id, state) =>
	row(id).locator(".badge", { hasText: state }).waitFor();
const newest = async (state) => (await stage.call("GET",
	`/v1/deliveries?channel=ops&state=${state}&limit=1`)).deliveries[0].id;
const live = () => page.locator("main .badge", { hasText: /^live$/ }).waitFor();

test("a failure appears with its reason, and a replay of a selection arrives",
	async () => {
		await begin("#/deliveries");
		await live();
		await stage.tell("ops", { down: true });
		await stage.tell("team", { status: 500, body: "out of order" });
		const first = await stage.post("deploy_failed", "The first");
		const second = await stage.post("deploy_failed", "The second");
		const all = [...first.deliveries, ...second.deliveries];

		for (const { id } of all)
			await inState(id, "failed");
		assert.match(await row(all[0].id).locator(".why").innerText(),
			/connect|refused/i);
		assert.match(await row(all[1].id).locator(".why").innerText(), /500/);

		/* The reason is there for who comes later, too. */
		await page.reload();
		await loaded(page);
		assert.match(await row(all[1].id).locator(".why").innerText(), /500/);

		await stage.tell("ops");
		await stage.tell("team");
		/* By keyboard: from the first box to the next. */
		await row(all[0].id).getByRole("checkbox").focus();
		await page.keyboard.press("Space");
		for (const { id } of all.slice(1))
			await row(id).getByRole("checkbox").check();
		await page.getByText("4 selected").waitFor();
		await page.getByRole("button", { name: "Replay them" }).click();
		await page.getByRole("dialog")
			.getByRole("button", { name: "Replay 4 deliveries" }).click();
		await page.getByText("4 deliveries replayed.").waitFor();
		for (const { id } of all)
			await inState(id, "delivered");
		const seen = await stage.arrived("team", 4);

		assert.equal(seen.at(-1).headers["webhook-id"],
			seen.find(({ body }) => body === seen.at(-1).body)
				.headers["webhook-id"]);
		await end();
	});

test("a waiting delivery is cancelled after a question", async () => {
	await begin("#/deliveries");
	await live();
	await stage.tell("ops", { hold: true });
	const { deliveries } = await stage.post("incident_resolved", "In hand");
	const id = deliveries.find(({ channel }) => channel === "ops").id;

	await row(id).waitFor();
	await row(id).getByRole("checkbox").check();
	await page.getByRole("button", { name: "Cancel them" }).click();
	await page.getByRole("dialog")
		.getByRole("button", { name: "Cancel", exact: true }).click();
	assert.notEqual((await stage.call("GET", `/v1/deliveries/${id}`)).state,
		"cancelled");
	await page.getByRole("button", { name: "Cancel them" }).click();
	await page.getByRole("dialog")
		.getByRole("button", { name: "Cancel 1 delivery" }).click();
	await page.getByText("1 delivery cancelled.").waitFor();
	await inState(id, "cancelled");
	await stage.tell("ops");
	await end();
});

test("what somebody else cancels and replays is seen at once, one or many", async () => {
	await begin("#/deliveries");
	await live();
	await stage.tell("ops", { hold: true });
	await stage.postMany(Array.from({ length: 150 }, (_, i) =>
		({ event: "incident_resolved", subject: `Many ${i}` })));
	await row(await newest("scheduled")).waitFor();

	/* Until it is told that one is cancelled, nothing is read anew. */
	const one = await newest("scheduled");

	await stage.call("POST", `/v1/deliveries/${one}/cancel`);
	await inState(one, "cancelled");
	await stage.call("POST", `/v1/deliveries/${one}/replay`);
	await inState(one, "waiting");
	const { cancelled } = await stage.call("POST", "/v1/deliveries/cancel",
		{ channel: "ops" });

	assert.ok(cancelled > 100, String(cancelled));
	await inState(one, "cancelled");
	await stage.tell("ops");
	await end();
});

test("filters show what they name, and survive a reload", async () => {
	const { deliveries } = await stage.post("incident_created", "Filtered");
	const ops = deliveries.find(({ channel }) => channel === "ops").id;
	const mail = deliveries.find(({ channel }) => channel === "mail").id;

	await begin("#/deliveries");
	await row(mail).waitFor();
	await page.getByLabel("Channel", { exact: true }).fill("ops");
	await page.getByLabel("Event", { exact: true })
		.selectOption("incident_created");
	await page.getByLabel("Accepted", { exact: true }).selectOption("3600");
	await row(mail).waitFor({ state: "detached" });
	await row(ops).waitFor();
	await page.reload();
	await loaded(page);
	await row(ops).waitFor();
	assert.equal(await row(mail).count(), 0);
	assert.equal(await page.getByLabel("Channel", { exact: true })
		.inputValue(), "ops");
	/* What comes while it is filtered is filtered, too. */
	await live();
	const more = await stage.post("incident_created", "Filtered too");

	await row(more.deliveries.find(({ channel }) => channel === "ops").id)
		.waitFor();
	assert.equal(await row(more.deliveries
		.find(({ channel }) => channel === "mail").id).count(), 0);
	await page.getByLabel("Channel", { exact: true }).fill("no-such");
	await page.getByLabel("Channel", { exact: true }).press("Enter");
	await page.getByText('there is no channel "no-such"').waitFor();
	await end();
});

test("pausing keeps the list as it is, resuming shows what was missed",
	async () => {
		await begin("#/deliveries");
		await live();
		await page.getByRole("button", { name: "Pause", exact: true }).click();
		const { deliveries: [{ id }] } =
		    await stage.post("deploy_failed", "While paused");

		await stage.state(id, "delivered");
		assert.equal(await row(id).count(), 0);
		await page.getByRole("button", { name: "Resume" }).click();
		await inState(id, "delivered");
		await end();
	});

test("on a phone what a filter names is not cut", async () => {
	await begin("#/deliveries?event=monitoring_domain_expiring&within=900",
		{ width: "phone" });
	await page.setViewportSize({ width: 360, height: 740 });
	await loaded(page);
	assert.equal(await page.getByLabel("Event").inputValue(),
		"monitoring_domain_expiring");
	await assertUncut(page);
	await end();
});

test("pages go on where the one before ended, each delivery once", async () => {
	const posted = await stage.postMany(Array.from({ length: 130 }, (_, i) =>
		({ event: "scheduled_op_failed", subject: `Number ${i}` })));
	const want = posted.map(({ deliveries: [{ id }] }) => id);

	await begin("#/deliveries?event=scheduled_op_failed");
	const seen = [];

	for (;;) {
		const ids = await page.locator("tbody tr").evaluateAll((rows) =>
			rows.map(({ dataset }) => dataset.id));

		seen.push(...ids);
		const older = page.getByRole("button", { name: "Older" });

		if (await older.count() === 0)
			break;
		await older.click();
		await row(ids[0]).waitFor({ state: "detached" });
	}
	assert.equal(new Set(seen).size, seen.length);
	assert.deepEqual(want.filter((id) => !seen.includes(id)), []);
	assert.deepEqual(seen, [...seen].sort().reverse());
	await page.getByRole("button", { name: "Newest" }).click();
	await row(seen[0]).waitFor();
	await end();
});

test("a flood leaves the newest, and the pages behind them whole", async () => {
	await begin("#/deliveries?event=deploy_succeeded");
	await live();
	const posted = [];

	for (let i = 0; i < 4; i++)
		posted.push(...await stage.postMany(Array.from({ length: 250 },
			(_, n) => ({ event: "deploy_succeeded",
				subject: `Flood ${i} ${n}` }))));
	const ids = posted.flatMap(({ deliveries }) =>
		deliveries.map(({ id }) => id)).sort().reverse();

	await row(ids[0]).waitFor();
	await page.waitForFunction((first) => {
		const rows = [...document.querySelectorAll("tr[data-id]")];

		return rows.length === 200 && rows.at(-1).dataset.id === first;
	}, ids[199]);
	await page.getByRole("button", { name: "Older" }).click();
	await row(ids[200]).waitFor();
	assert.equal(await row(ids[199]).count(), 0);
	await end();
});

test("the keyboard alone finds, opens and comes back", async () => {
	await begin("#/deliveries");
	await page.keyboard.press("Tab");
	assert.equal(await page.locator(":focus").innerText(), "Skip to content");
	await page.keyboard.press("Enter");
	assert.equal(await page.locator("h1:focus").innerText(), "Deliveries");
	const first = page.locator("tbody tr a").first();
	const subject = await first.innerText();

	for (let i = 0; i < 40; i++) {
		await page.keyboard.press("Tab");
		if (await first.evaluate((node) => node === document.activeElement))
			break;
	}
	await page.keyboard.press("Enter");
	await page.locator("h1", { hasText: subject }).waitFor();
	/* The heading is told, and has the focus. */
	await page.waitForFunction(() => document.activeElement.tagName === "H1");
	await page.goBack();
	await page.locator("h1", { hasText: "Deliveries" }).waitFor();
	await end();
});

test("a delivery shows its attempts, its request and its event", async () => {
	await stage.tell("team", { status: 503, body: `busy ${SCRIPT}` });
	const { id, deliveries } = await stage.post("deploy_failed",
		`Subject ${SCRIPT}`, { body: `<p>Body</p>${SCRIPT}`,
			metadata: { [SCRIPT]: SCRIPT } });
	const delivery = deliveries.find(({ channel }) => channel === "team").id;

	await stage.state(delivery, "failed");
	await begin(`#/deliveries/${delivery}`);
	const main = page.locator("main");

	await main.getByText("Attempt 1", { exact: true }).waitFor();
	await main.getByText(`busy ${SCRIPT}`).waitFor();
	assert.match(await main.innerText(), /503/);
	assert.match(await main.innerText(), new RegExp(delivery));
	assert.match(await main.innerText(), new RegExp(id));
	/* The stamp is the one that the endpoint saw. */
	const sent = (await stage.seen("team")).at(-1);

	assert.ok((await main.innerText())
		.includes(`webhook-timestamp: ${sent.headers["webhook-timestamp"]}`));
	assert.ok((await main.innerText()).includes(`<p>Body</p>${SCRIPT}`));
	await stage.tell("team");
	await page.getByRole("button", { name: "Replay…" }).click();
	await page.getByRole("dialog")
		.getByRole("button", { name: "Replay 1 delivery" }).click();
	/* Live, without being asked for. */
	await main.getByText("Attempt 2", { exact: true }).waitFor();
	await main.locator(".facts .badge", { hasText: "delivered" }).first()
		.waitFor();
	await end();
});

test("a mail shows what each recipient's server said", async () => {
	const { deliveries } = await stage.post("incident_updated", "To two");
	const mail = deliveries.find(({ channel }) => channel === "mail").id;

	await begin(`#/deliveries/${mail}`);
	await page.getByText("nobody@mail.example").first().waitFor();
	const text = await page.locator("table").innerText();

	assert.match(text, /ops@mail\.example/);
	assert.match(text, /delivered/);
	assert.match(text, /failed|retry/);
	await end();
});

test("a channel that keeps failing says so where it is listed", async () => {
	const team = () => page.locator("tr", { hasText: "team" });

	await stage.tell("team", { status: 500 });
	const { deliveries } = await stage.post("deploy_failed", "Not taken");
	const { id } = deliveries.find(({ channel }) => channel === "team");

	await stage.state(id, "failed");
	await begin("#/channels");
	await team().getByText("failing", { exact: true }).waitFor();
	await team().getByText("its deliveries keep failing; noticed").waitFor();
	await visit(page, "#/settings");
	await team().getByText("failing", { exact: true }).waitFor();
	await stage.tell("team");
	await stage.call("POST", `/v1/deliveries/${id}/replay`, {});
	await stage.state(id, "delivered");
	await page.reload();
	await team().getByText("running", { exact: true }).waitFor();
	await end();
});

test("a channel is paused and started, and says so", async () => {
	await begin("#/channels");
	const line = page.locator("tr", { hasText: "team" });

	await line.getByRole("button", { name: "Pause team" }).click();
	await line.getByText("paused", { exact: true }).waitFor();
	const { deliveries } = await stage.post("deploy_failed", "Not to team");

	assert.deepEqual(deliveries.map(({ channel }) => channel), ["ops"]);
	await line.getByRole("link", { name: "team" }).click();
	await page.getByRole("button", { name: "Start team" }).click();
	await page.getByText("running").first().waitFor();
	await end();
});

test("what a page asks goes when one goes back", async () => {
	const { deliveries: [{ id }] } = await stage.post("deploy_failed", "Left");

	await stage.state(id, "delivered");
	await begin("#/deliveries");
	await page.evaluate((to) => {
		location.hash = to;
	}, `#/deliveries/${id}`);
	await loaded(page);
	await page.getByRole("button", { name: /^Replay/ }).click();
	await page.getByRole("dialog").waitFor();
	await page.goBack();
	await page.getByRole("dialog").waitFor({ state: "detached" });
	await page.getByRole("heading", { name: "Deliveries" }).first().waitFor();
	await end();
});

test("what explain says is what happens", async () => {
	await begin("#/explain");
	for (const [event, gets] of [["deploy_failed", ["ops", "team"]],
		["deploy_started", []], ["incident_created", ["ops", "mail"]]]) {
		await page.getByLabel("Event", { exact: true }).selectOption(event);
		await page.getByText(gets.length > 0
			? `${gets.length} of 3 channels get it.`
			: "No channel gets it").waitFor();
		const said = await page.locator("main table").first()
			.locator("tbody tr").evaluateAll((rows) => rows
				.filter((each) => !each.innerText
					.includes("does not get it"))
				.map((each) => each.querySelector("a").innerText));

		assert.deepEqual(said.sort(), [...gets].sort());
		await page.getByLabel("Subject").fill(`Sent to explain ${event}`);
		await page.getByRole("button", { name: "Send it" }).click();
		await page.getByText(gets.length > 0 ? "It is stored. What"
			: "It is stored, and goes nowhere").waitFor();
		const { events: [sent] } = await stage.call("GET",
			"/v1/events?limit=1");
		const { deliveries } = await stage.call("GET",
			`/v1/events/${sent.id}`);

		assert.equal(sent.subject, `Sent to explain ${event}`);
		assert.deepEqual(deliveries.map(({ channel }) => channel).sort(),
			[...gets].sort());
	}
	/* What became of one is shown, however soon it came: the fifth as the first. */
	await page.getByLabel("Event", { exact: true })
		.selectOption("deploy_failed");
	for (let i = 0; i < 5; i++) {
		await page.getByRole("button", { name: "Send it" }).click();
		await page.getByText("It is stored. What").waitFor();
		await page.waitForFunction(() => [...document.querySelectorAll(
			".delivery-list .badge")].every(({ textContent }) =>
			textContent === "delivered"));
	}
	/* The rule that the conf file makes is shown with its line. */
	await page.getByLabel("Event", { exact: true })
		.selectOption("deploy_started");
	await page.getByText(/belfry\.conf:\d+/).first().waitFor();
	await page.getByLabel("Metadata").fill("[1]");
	await page.getByRole("button", { name: "Send it" }).click();
	await page.getByText("Expected a JSON object.").waitFor();
	await end();
});

test("a test through one channel shows what its endpoint did", async () => {
	await begin("#/explain?event=deploy_failed");
	const before = (await stage.seen("ops")).length;

	await page.getByRole("button", { name: "Test ops with deploy_failed" })
		.click();
	await page.getByRole("dialog").getByText("It arrived.").waitFor();
	assert.equal((await stage.arrived("ops", before + 1)).length, before + 1);
	await page.keyboard.press("Escape");
	await page.getByRole("dialog").waitFor({ state: "detached" });
	await end();
});

test("who changed what stands in the audit log", async (t) => {
	const { paths } = await stage.call("GET", "/v1/openapi.json");

	if (!paths["/v1/audit"]) {
		t.skip("there is no /v1/audit");
		return;
	}
	await begin("#/channels");
	await page.getByRole("button", { name: "Pause ops" }).click();
	await page.getByRole("button", { name: "Start ops" }).click();
	await page.getByRole("button", { name: "Pause ops" }).waitFor();
	await visit(page, "#/audit");
	const rows = page.locator("tbody tr");

	assert.match(await rows.nth(0).innerText(),
		/user admin[^]*127\.0\.0\.1[^]*Switched a channel on[^]*ops/);
	assert.match(await rows.nth(1).innerText(),
		/user admin[^]*Paused a channel[^]*ops/);
	await page.getByLabel("What", { exact: true })
		.selectOption("channel-disable");
	await rows.filter({ hasText: "Switched a channel on" }).first()
		.waitFor({ state: "detached" });
	assert.match(await rows.nth(0).innerText(), /Paused a channel/);
	await page.getByLabel("Who", { exact: true }).fill("user nobody");
	await page.getByLabel("Who", { exact: true }).press("Enter");
	await page.getByText("Nothing was changed that fits.").waitFor();
	/* Who was refused is of no tenant. */
	const refused = await fetch(`${stage.belfry}/v1/session`, { method: "POST",
		headers: { "Content-Type": "application/json" },
		body: JSON.stringify({ user: "admin", password: "not it" }) });

	assert.equal(refused.status, 401);
	await page.getByLabel("Who", { exact: true }).fill("");
	await page.getByLabel("Of all tenants").check();
	await page.getByLabel("What", { exact: true })
		.selectOption("sign-in-refused");
	await page.locator("tbody").getByText("Was refused to sign in").first()
		.waitFor();
	await end();
});

test("who may read only is offered no change", async () => {
	await begin("#/deliveries", { scope: "read" });
	await page.locator("tbody tr").first().waitFor();
	assert.equal(await page.locator("tbody input").count(), 0);
	await visit(page, "#/channels");
	assert.equal(await page.getByRole("button", { name: /^Pause / }).count(),
		0);
	await visit(page, "#/explain");
	assert.equal(await page.getByRole("button", { name: "Send it" }).count(),
		0);
	await end();
});

/* Words of the log's details that go on in the next line. */
const broken = (codes) => codes.flatMap((code) => [...code.childNodes]
	.flatMap((part) => [...part.textContent.matchAll(/[^ ,=]+/g)]
		.filter(({ 0: word, index }) => {
			const range = document.createRange();

			range.setStart(part, index);
			range.setEnd(part, index + word.length);
			return range.getClientRects().length > 1;
		}).map(([word]) => word)));

test("every page is accessible, light, dark and on a phone", async () => {
	const { deliveries: [{ id }] } =
	    await stage.post("deploy_failed", "To be looked at");

	await stage.state(id, "delivered");
	await stage.call("POST", "/v1/channels", { name: "rotated",
		module: "webhook", events: ["deploy_succeeded"], settings: {
			url: stage.endpoints.team, secret: "new",
			previous_secret: "old", signature_header: "X-Signed",
			previous_secret_until: "2100-01-01T00:00:00Z" } });
	await everyPage(browser, stage, [
		{ hash: "#/deliveries", name: "deliveries" },
		{ hash: `#/deliveries/${id}`, name: "delivery" },
		{ hash: "#/channels", name: "channels" },
		{ hash: "#/channels/team", name: "channel" },
		{ hash: "#/explain", name: "explain" },
		{ hash: "#/modules", name: "modules" },
		{ hash: "#/audit", name: "audit", ready: async (page) => {
			const details = page.locator("td[data-label=Details] code");

			await details.filter({ hasText: "previous_secret_until" })
				.first().waitFor();
			assert.deepEqual(await details.evaluateAll(broken), []);
		} },
	]);
});
