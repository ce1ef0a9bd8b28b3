import { entriesOf } from "./feed_entries.js";
import { say } from "./language.js";
import { plain } from "./sentence.js";
import { called, date, line, time } from "./text.js";

/** What is in it: not every detail. */
const kinds = ["chat", "event", "trouble"];

/**
 * transcript is what was written and what happened, as text: a line each, with the time.
 * @param {import("../engine/recording.js").Recording} recording
 * @param {import("../engine/spans.js").Span|null} [span] only of this part
 */
export function transcript(recording, span = null) {
	const [from, to] = span ?? [0, Infinity];
	const lines = entriesOf(recording).filter(({ t, kind }) => kinds.includes(kind) && t >= from && t < to).map(({ t, kind, event, parts }) => {
		const said = plain(parts).replace(/\s*\n\s*/g, "\n\t");
		if (kind !== "chat" || event.type !== "chat") return `${time(t)}\t${said}`;
		const person = recording.person(event.participant);
		const who = person ? called(person, 80) : line(event.name || event.participant, 80);
		return `${time(t)}\t${who || say("someone")}: ${said}`;
	});
	const head = [line(recording.title || recording.room, 200), date(recording.start, "full")].filter(Boolean);
	return [...head, "", ...lines, ""].join("\n");
}
