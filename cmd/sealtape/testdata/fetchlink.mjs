// Reads all objects of a recording as the page does, by the link in a line of standard
// input, and prints what came of it as JSON. Arguments: names of further objects to try.
import { createInterface } from "node:readline";
import { Decrypter } from "../../../keys/web/node_modules/age-encryption/dist/index.js";
import { Signer } from "../../../playback/web/page/alone/sign.js";
import { parse } from "../../../playback/web/page/alone/link.js";
import { FetchStore } from "../../../playback/web/page/alone/store.js";

const { value: line } = await createInterface({ input: process.stdin })[Symbol.asyncIterator]().next();
const invitation = parse(new URL(line, "https://page.example/").hash);
const store = new FetchStore(invitation, {
	wait: async () => {},
	decrypt: async (file, identity) => {
		const d = new Decrypter();
		d.addIdentity(identity);
		return d.decrypt(file);
	},
});
const kindOf = (promise) => promise.then(() => "", (err) => err.kind ?? String(err));
const id = invitation.recording, hex = (b) => Buffer.from(b).toString("hex");
const result = { head: "", objects: 0, differ: [], tried: {}, listed: [], listing: "" };
try {
	result.head = Buffer.from((await store.get(`${id}/head`)).bytes).toString();
	for (let n = 0; n < invitation.size; n += 1024) {
		const { bytes } = await store.get(`${id}/log/${String(n / 1024).padStart(4, "0")}`);
		for (const [, digest, name] of Buffer.from(bytes).toString().matchAll(/^([0-9a-f]{64}) {2}(\S+)$/gm)) {
			const got = await store.get(`${id}/${name}`);
			if (hex(got.digest) !== digest) result.differ.push(name);
			result.objects++;
		}
	}
} catch (err) {
	result.failed = err.kind ?? String(err);
}
if (invitation.share) result.tried.share = await kindOf(store.get(`${id}/shares/${invitation.share}.age`));
for (const name of process.argv.slice(2)) result.tried[name] = await kindOf(store.get(`${id}/${name}`));
if (invitation.credentials) {
	// What the server says to signatures of another time, and for another recording.
	const at = (ms) => new FetchStore(invitation, { now: () => Date.now() + ms, wait: async () => {} }).get(`${id}/head`);
	const told = (promise) => promise.then(() => "", (err) => [err.kind, err.why].filter(Boolean).join(" "));
	result.tried.past = await told(at(-3 * 3600e3));
	result.tried.future = await told(at(3 * 3600e3));
	const other = `${invitation.store}/${"0".repeat(26)}`, signer = new Signer(invitation.credentials), bucket = invitation.store.split("/").slice(0, 4).join("/");
	const status = async (url, query) => String((await fetch(await signer.presign(url, query, Date.now() - 60e3, 600))).status);
	result.tried.other = await status(other + "/head", {});
	result.tried.otherList = await status(bucket, { "list-type": "2", prefix: "archive/0" });
}
await store.list(`${id}/`).then((all) => result.listed = all.map((o) => o.name), (err) => result.listing = err.kind ?? String(err));
console.log(JSON.stringify(result));
