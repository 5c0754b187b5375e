/*
 * stage.mjs - starts stage.py, and asks its control interface
 */
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const folder = dirname(fileURLToPath(import.meta.url));
const program = join(folder, "stage.py");
const PATIENCE = 60000; /* ms: a loaded machine is slow, a broken test slower */

/* Waits until condition() is truthy, and answers that. */
export async function until(condition, what, patience = PATIENCE) {
	const end = Date.now() + patience;

	for (;;) {
		const value = await condition();

		if (value)
			return value;
		if (Date.now() > end)
			throw new Error(`not within ${patience} ms: ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}

class Stage {
	constructor(child, described) {
		Object.assign(this, described);
		this.child = child;
	}

	async ask(verb, body = {}) {
		const response = await fetch(`${this.control}/${verb}`,
			{ method: "POST", body: JSON.stringify(body) });
		const said = await response.json();

		if (!response.ok)
			throw new Error(`${verb}: ${said.error}`);
		return said;
	}

	/* A request to belfry as root: the JSON of its answer. */
	async call(method, path, body) {
		const answer = await this.ask("call", { method, path, body });

		if (answer.status >= 300)
			throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
		return answer.body;
	}

	/* Posts an event; its id and deliveries. */
	post(event, subject = "A subject", more = {}) {
		return this.call("POST", "/v1/events", { event, subject, ...more });
	}

	/* Posts many at once; the answer to each. */
	async postMany(events) {
		const answer = await this.ask("call", { method: "POST",
			path: "/v1/events",
			headers: { "Content-Type": "application/x-ndjson" },
			body: events.map((event) => JSON.stringify(event)).join("\n") });

		return answer.body.trim().split("\n").map((line) => JSON.parse(line));
	}

	/* Waits until a delivery is in a state; the delivery. */
	state(id, state) {
		return until(async () => {
			const delivery = await this.call("GET", `/v1/deliveries/${id}`);

			return delivery.state === state && delivery;
		}, `${id} is ${state}`);
	}

	/* { status, headers, body }: what the endpoint answers from now on; { hold:
	 * true }: nothing; { down: true }: it does not listen. */
	tell(endpoint, how = {}) {
		return this.ask("told", { endpoint, ...how });
	}

	seen(endpoint) {
		return this.ask("seen", { endpoint });
	}

	/* Waits for requests at an endpoint; all of them. */
	arrived(endpoint, count) {
		return until(async () => {
			const seen = await this.seen(endpoint);

			return seen.length >= count && seen;
		}, `${count} requests at ${endpoint}`);
	}

	mails(count) {
		return this.ask("mails", { count });
	}

	/* Ends all of it; fails if belfry's sanitizers had something to say. */
	async close() {
		const ended = new Promise((resolve) =>
			this.child.once("exit", resolve));

		this.child.stdin.end();
		const status = await ended;

		if (status !== 0)
			throw new Error(`the stage ended with ${status}`);
	}
}

/* Starts a stage; what it takes stands in stage.py. */
export async function startStage(wanted = {}) {
	const child = spawn("/usr/bin/python3", [program, JSON.stringify(wanted)],
		{ stdio: ["pipe", "pipe", "inherit"] });
	const lines = createInterface({ input: child.stdout });
	const first = await new Promise((resolve, reject) => {
		lines.once("line", resolve);
		child.once("exit", (status) =>
			reject(new Error(`the stage ended with ${status}`)));
	});

	return new Stage(child, JSON.parse(first));
}
