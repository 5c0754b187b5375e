/*
 * channel/test_result.js - what a test said, step by step
 */
import { h } from "../dom.js";
import { microseconds } from "../format.js";
import { note, table } from "../ui.js";

const stepNames = {
	resolve: "Name", connect: "Connection", tls: "TLS",
	certificate: "Certificate", request: "Sent", answer: "Answer",
	end: "End",
};

function verdict(result) {
	const took = `${result.took_ms} ms`;

	if (result.ok)
		return note("good", h("strong", "It arrived."), ` ${took}`,
			result.status ? `, status ${result.status}` : "", ".");
	return note("bad", h("strong", result.verdict === "retry"
		? "It did not arrive." : "It was refused for good."),
	` ${result.why || ""}`,
	result.status ? ` (status ${result.status})` : "");
}

/* As answered by POST /v1/channels/test and .../NAME/test. */
export function testResult(result) {
	return h("div", { class: "test-result" },
		verdict(result),
		result.hint ? h("dl", { class: "facts" },
			h("dt", "Likely cause"), h("dd", result.hint.cause),
			h("dt", "What to do"), h("dd", result.hint.fix)) : null,
		result.steps?.length ? table("Steps of the test", [
			{ label: "At", class: "number nowrap" }, { label: "Step" },
			{ label: "What happened" },
		], result.steps.map((step, i) => [
			microseconds(step.at_us),
			/* Lines of one step stand under its name. */
			step.step === result.steps[i - 1]?.step ? ""
				: stepNames[step.step] || step.step,
			h("code", step.text),
		])) : null,
		result.excerpt ? h("details",
			h("summary", "Beginning of the answer"),
			h("pre", result.excerpt)) : null);
}
