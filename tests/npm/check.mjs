/*
 * check.mjs - payloads held against what the platforms' users validate with
 *
 *   node check.mjs discord FILE   @discordjs/builders checks each embed as it
 *                                 would check one that is built with it
 *   node check.mjs types FILE     writes FILE.ts, in which each payload is a
 *                                 literal of the published type: to be compiled
 *
 * FILE has a payload a line. Run where the packages are installed.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.cwd()}/`);
const [kind, file, platform] = process.argv.slice(2);
const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);

const types = {
	slack: `import type { KnownBlock, MessageAttachment } from "@slack/types";
type Attachment = Omit<MessageAttachment, "blocks"> & { blocks: KnownBlock[] };
type Message = { text: string; attachments: Attachment[]; username?: string;
	icon_emoji?: string; channel?: string };
`,
	discord: `import type { RESTPostAPIWebhookWithTokenJSONBody } from
	"discord-api-types/v10";
type Message = RESTPostAPIWebhookWithTokenJSONBody;
`,
};

if (kind === "types") {
	const text = lines.map((line, i) =>
		`export const m${i}: Message = ${line};`);
	writeFileSync(`${file}.ts`, types[platform] + text.join("\n"));
} else {
	const { EmbedBuilder, embedLength } = require("@discordjs/builders");

	lines.forEach((line, i) => {
		for (const data of JSON.parse(line).embeds) {
			const embed = new EmbedBuilder();

			try {
				embed.setTitle(data.title)
					.setColor(data.color)
					.setTimestamp(new Date(data.timestamp))
					.setFooter(data.footer)
					.setFields(data.fields ?? []);
				if (data.description !== undefined)
					embed.setDescription(data.description);
				const length = embedLength(embed.toJSON());
				if (length > 6000)
					throw new Error(`${length} units in all`);
			} catch (error) {
				console.error(`payload ${i + 1}:`, error);
				process.exitCode = 1;
			}
		}
	});
	console.log(`${lines.length} payloads`);
}
