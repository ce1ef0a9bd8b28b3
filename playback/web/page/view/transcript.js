import { entriesOf, wordEntriesOf } from "./feed_entries.js";
import { say } from "./language.js";
import { plain } from "./sentence.js";
import { called, date, line, time } from "./text.js";

/** What is in it: not every detail. */
const kinds = ["chat", "event", "trouble"];

/**
 * transcript is what was said, what was written and what happened, as text: a line each,
 * with the time. What was said is as the newest transcript has it, or else as it was written
 * down live. Where it is known, what was written is marked.
 * @param {import("../engine/recording.js").Recording} recording
 * @param {import("../engine/spans.js").Span|null} [span] only of this part
 */
export function transcript(recording, span = null) {
	const [from, to] = span ?? [0, Infinity], said = recording.words[0]?.said ?? [];
	const spoken = wordEntriesOf(recording, said).filter(({ kind }) => kind === "said");
	const entries = [...entriesOf(recording).filter(({ kind }) => kinds.includes(kind)), ...spoken].sort((a, b) => a.t - b.t);
	const lines = entries.filter(({ t }) => t >= from && t < to).map(({ t, kind, event, parts }) => {
		const text = plain(parts).replace(/\s*\n\s*/g, "\n\t");
		const wrote = kind === "chat" && event.type === "chat";
		if (!wrote && kind !== "said") return `${time(t)}\t${text}`;
		const person = recording.person(event.participant);
		const who = (person ? called(person, 80) : line(event.name || event.participant, 80)) || say("someone");
		return `${time(t)}\t${who}${wrote && said.length ? ` (${say("feed.chat")})` : ""}: ${text}${wrote ? "" : notes(event)}`;
	});
	const head = [line(recording.title || recording.room, 200), date(recording.start, "full")].filter(Boolean);
	return [...head, "", ...lines, ""].join("\n");
}

/**
 * notes say what else is to be known of what somebody said, as the pane does.
 * @param {import("../engine/description.js").Event} event
 */
function notes({ reason = "" }) {
	const how = reason.split(" "), list = [how.includes("interim") && say("words.interim"), how.includes("plaintext") && say("words.plaintext")].filter(Boolean);
	return list.length ? ` (${list.join("; ")})` : "";
}
