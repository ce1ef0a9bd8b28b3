import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import test from "node:test";
import { FetchStore } from "../page/alone/store.js";

const recording = "01JD3Q8ZC5MEET1NG0000000C0", share = "0123456789ABCDEFGHJKMNPQRR";
const plain = { store: "https://s3.example.org/b/some%20folder", recording, expires: 0, query: "", credentials: null, presigned: null, meeting: [] };
const credentials = { hostStyle: false, region: "us-east-1", accessKey: "A", secretKey: "S", token: "T" };
const now = Date.UTC(2026, 10, 29, 12);

const answer = (status, body = "", headers = {}) => new Response(body, { status, headers });
const refusal = (status, code, message = "") => answer(status, `<?xml version="1.0"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`);

/** storeOf is a store whose server gives these answers in turn, and what it was asked. */
function storeOf(invitation, ...answers) {
	const asked = [], waited = [];
	const store = new FetchStore({ ...plain, ...invitation }, {
		now: () => now,
		wait: async (ms) => void waited.push(ms),
		fetch: async (url, init) => {
			asked.push({ url, init });
			const next = answers.length > 1 ? answers.shift() : answers[0];
			if (next instanceof Error) throw next;
			return typeof next === "function" ? next(url, init) : next.clone();
		},
	});
	return { store, asked, waited };
}

const head = recording + "/head", segment = recording + "/segments/000000.age";
const kindOf = (promise) => promise.then(() => "", (err) => [err.kind, err.why].filter(Boolean).join(" ") || String(err));

test("a request is a simple one, and carries nothing of the page", async () => {
	const { store, asked } = storeOf({}, answer(200, "head"));
	const { bytes, digest } = await store.get(head);
	assert.equal(Buffer.from(bytes).toString(), "head");
	assert.deepEqual(Buffer.from(digest), createHash("sha256").update("head").digest());
	await store.get(segment);
	assert.deepEqual(asked.map((a) => a.url), [`${plain.store}/${head}`, `${plain.store}/${segment}`]);
	for (const { init: { signal, cache, ...init } } of asked) {
		assert.deepEqual(init, { method: "GET", mode: "cors", credentials: "omit", redirect: "error", referrerPolicy: "no-referrer" });
		assert.ok(signal instanceof AbortSignal);
	}
	assert.deepEqual(asked.map((a) => a.init.cache), ["no-store", "default"]);
});

test("a query is appended to each, and credentials sign each", async () => {
	const token = storeOf({ query: "sig=a%2Bb" }, answer(200));
	await token.store.get(head);
	assert.equal(token.asked[0].url, `${plain.store}/${head}?sig=a%2Bb`);
	const session = storeOf({ credentials }, answer(200));
	await session.store.get(head);
	await session.store.get(head);
	const url = new URL(session.asked[0].url);
	assert.equal(url.pathname, `/b/some%20folder/${head}`);
	assert.deepEqual([...url.searchParams.keys()].sort(), ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Security-Token", "X-Amz-Signature", "X-Amz-SignedHeaders"]);
	assert.equal(url.searchParams.get("X-Amz-Date"), "20261129T115500Z"); // for clocks that differ
	assert.equal(session.asked[1].url, session.asked[0].url); // so that a browser's cache finds it
});

test("names of other recordings, and others that none has, are not asked for", async () => {
	const { store, asked } = storeOf({}, answer(200));
	for (const name of ["", "head", "01JD3Q8ZC5MEET1NG0000000C4/head", head + "/x", recording, recording + "/", recording + "/segments", recording + "/other/x",
		recording + "/segments/../head", recording + "/segments/..", recording + "/segments/a?b", recording + "/segments/a%2F", recording + "/segments/a/b", recording + "/constructor/x"]) {
		assert.equal(await kindOf(store.get(name)), "absent", name);
	}
	assert.deepEqual(asked, []);
});

test("the recordings of a meeting that the link names are asked for", async () => {
	const part = "01JD3Q8ZC5MEET1NG0000000D0", { store, asked } = storeOf({ meeting: [null, { recording: part, size: 1, root: new Uint8Array(), recorder: new Uint8Array(), share: "" }] }, answer(200));
	assert.equal(await kindOf(store.get("01JD3Q8ZC5MEET1NG0000000C4/head")), "absent");
	await store.get(part + "/head");
	assert.deepEqual(asked.map(({ url }) => new URL(url).pathname), ["/b/some%20folder/" + part + "/head"]);
});

test("what the store says is told as what it is", async () => {
	for (const [what, invitation, given, want, tries] of [
		["not there", {}, refusal(404, "NoSuchKey"), "absent", 1],
		["denied, or not there where nobody may list", {}, refusal(403, "AccessDenied", "Access Denied."), "refused", 1],
		["expired on AWS and MinIO", {}, refusal(403, "AccessDenied", "Request has expired"), "expired", 1],
		["a session that ended", { credentials }, refusal(400, "ExpiredToken", "The provided token has expired."), "expired", 1],
		["a token that ended, as the link says", { query: "a", expires: now / 1000 - 1 }, answer(403, "<html>Forbidden</html>"), "expired", 1],
		["denied before the end that the link says", { query: "a", expires: now / 1000 + 60 }, answer(403), "refused", 1],
		["Azure's token that ended", { query: "a" }, refusal(403, "AuthenticationFailed", "Signature not valid in the specified time frame: Start ..."), "expired", 1],
		["not there, whatever the link says", { query: "a", expires: now / 1000 - 1 }, refusal(404, "NoSuchKey"), "absent", 1],
		["a clock that is wrong", { credentials }, refusal(403, "RequestTimeTooSkewed", "The difference ..."), "refused clock", 1],
		["a clock that is behind, on AWS", { credentials }, refusal(403, "AccessDenied", "Request is not valid yet"), "refused clock", 1],
		["a clock that is behind, on MinIO", { credentials }, refusal(403, "RequestNotReadyYet", "Request is not valid yet"), "refused clock", 1],
		["a server's trouble", {}, answer(503), "away", 4],
		["too often", {}, answer(429), "away", 4],
		["no answer", {}, new TypeError("fetch failed"), "away", 8], // each is followed by a look whether anything answers
		["an endless reason", {}, answer(403, "x".repeat(200_000)), "refused", 1],
	]) {
		const { store, asked, waited } = storeOf(invitation, given);
		assert.equal(await kindOf(store.get(segment)), want, what);
		assert.equal(asked.length, tries, what);
		assert.equal(waited.length, want === "away" ? 3 : 0, what);
	}
});

test("a store that recovers is heard", async () => {
	const { store, asked } = storeOf({}, answer(500), new TypeError("fetch failed"), new TypeError("and so does the look"), answer(200, "x"));
	assert.equal((await store.get(segment)).bytes.length, 1);
	assert.equal(asked.length, 4);
});

test("a page that may not read is told so, and does not try again", async () => {
	const { store, asked } = storeOf({}, (_, init) => {
		if (init.mode === "cors") throw new TypeError("Failed to fetch");
		return Object.defineProperty(answer(200), "type", { value: "opaque" });
	});
	assert.equal(await kindOf(store.get(segment)), "refused cors");
	assert.deepEqual(asked.map((a) => a.init.mode), ["cors", "no-cors"]);
});

test("an object has no more bytes than one of its name can have", async () => {
	for (const [name, size, options, want] of [
		[head, 64 << 10, {}, ""], [head, (64 << 10) + 1, {}, "tooLarge"],
		[recording + "/log/0000", (1 << 20) + 1, {}, "tooLarge"],
		[recording + "/attachments/0123456789ABCDEFGHJKMNPQRS.age", 16 << 20, {}, ""], [recording + "/attachments/0123456789ABCDEFGHJKMNPQRS.age", (16 << 20) + 1, {}, "tooLarge"],
		[segment, 100, { max: 99 }, "tooLarge"], [segment, 100, { max: 100 }, ""],
	]) {
		for (const headers of [{}, { "Content-Length": String(size) }]) {
			const { store, asked } = storeOf({}, answer(200, new Uint8Array(size), headers));
			assert.equal(await kindOf(store.get(name, options)), want, `${name} ${size}`);
			assert.equal(asked.length, 1);
		}
	}
	// Nor is more of it read.
	let given = 0;
	const endless = new ReadableStream({ pull: (c) => { given += 1 << 16; c.enqueue(new Uint8Array(1 << 16)); } });
	const { store } = storeOf({}, () => new Response(endless));
	assert.equal(await kindOf(store.get(head)), "tooLarge");
	assert.ok(given < 1 << 19, `${given} bytes were read`);
});

test("whoever gives up is not kept waiting", async () => {
	const reason = new Error("given up"), abort = new AbortController();
	const { store } = storeOf({}, (_, { signal }) => new Promise((_, failed) => {
		signal.addEventListener("abort", () => failed(signal.reason));
		abort.abort(reason);
	}));
	await assert.rejects(store.get(segment, { signal: abort.signal }), reason);
	await assert.rejects(store.get(segment, { signal: abort.signal }), reason);
});

test("a connection that stalls is given up, and tried again", async () => {
	let asked = 0;
	const server = createServer((_, out) => {
		asked++;
		out.writeHead(200, { "Content-Length": 10 });
		out.write("x");
		if (asked > 1) out.end("123456789");
	}).listen(0, "127.0.0.1");
	await new Promise((done) => server.once("listening", done));
	const store = new FetchStore({ ...plain, store: `http://127.0.0.1:${server.address().port}` }, { stall: 250, wait: async () => {} });
	assert.equal((await store.get(segment)).bytes.length, 10);
	assert.ok(asked >= 2, `${asked} requests`);
	server.closeAllConnections();
	server.close();
});

const object = (key, size) => `<Contents><Key>${key}</Key><LastModified>2026-11-29T12:00:00.000Z</LastModified><ETag>&#34;x&#34;</ETag><Size>${size}</Size></Contents>`;
const listing = (objects, next) => answer(200, `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>` +
	`<IsTruncated>${Boolean(next)}</IsTruncated>${objects.join("")}<EncodingType>url</EncodingType>${next ? `<NextContinuationToken>${next}</NextContinuationToken>` : ""}</ListBucketResult>`);

test("credentials list what is there, page by page", async () => {
	const key = (name) => "some+folder/" + recording + "/shares/" + name, prefix = recording + "/shares/";
	const { store, asked } = storeOf({ credentials }, listing([object(key("A.age"), 7), object(key("B.age"), 8)], "a&amp;b="), listing([object(key("C.age"), 0)]));
	assert.deepEqual(await store.list(prefix), [{ name: prefix + "A.age", size: 7 }, { name: prefix + "B.age", size: 8 }, { name: prefix + "C.age", size: 0 }]);
	const urls = asked.map((a) => new URL(a.url));
	assert.deepEqual(urls.map((u) => [u.origin + u.pathname, u.searchParams.get("prefix"), u.searchParams.get("continuation-token")]),
		[["https://s3.example.org/b", "some folder/" + prefix, null], ["https://s3.example.org/b", "some folder/" + prefix, "a&b="]]);
	const host = storeOf({ credentials: { ...credentials, hostStyle: true }, store: "https://b.s3.example.org/x" }, listing([object("x/" + prefix + "A.age", 1)]));
	assert.deepEqual(await host.store.list(prefix), [{ name: prefix + "A.age", size: 1 }]);
	assert.ok(host.asked[0].url.startsWith("https://b.s3.example.org/?"));
});

test("listings that make no sense end", async () => {
	const key = (name) => "some+folder/" + recording + "/shares/" + name, prefix = recording + "/shares/";
	for (const [what, ...pages] of [
		["no listing", answer(200, "<html>")], ["names that fall", listing([object(key("B"), 1), object(key("A"), 1)])], ["a name twice", listing([object(key("A"), 1)], "t"), listing([object(key("A"), 1)])],
		["another prefix", listing([object("some+folder/x", 1)])], ["the same page for ever", listing([], "t")], ["no size", listing([object(key("A"), "x")])],
		["a broken name", listing([object("%E4", 1)])], ["not escaped", answer(200, "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")],
	]) assert.equal(await kindOf(storeOf({ credentials }, ...pages).store.list(prefix)), "away", what);
	assert.equal(await kindOf(storeOf({ credentials }, refusal(403, "AccessDenied")).store.list(prefix)), "refused");
	for (const invitation of [{}, { query: "a" }, { presigned: { key: "", share, query: "a" } }]) assert.equal(await kindOf(storeOf(invitation, answer(200)).store.list(prefix)), "notListed");
	assert.equal(await kindOf(storeOf({ credentials }, answer(200)).store.list("01JD")), "notListed");
});

/** named is the share's name for these bytes: as archive makes it. */
function named(bytes) {
	let bits = [...createHash("sha256").update(bytes).digest().subarray(0, 16)].map((b) => b.toString(2).padStart(8, "0")).join("") + "00";
	return bits.match(/.{5}/g).map((b) => "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[parseInt(b, 2)]).join("");
}

test("presigned URLs come from their table", async () => {
	const sealed = "sealed", text = `sealtape.v1/presigned\nrecording: ${recording}\nquery: X=1&S=\nhead aa\nlog/0000 bb\n`;
	const make = (table, file = sealed) => {
		const asked = [], opened = [];
		const store = new FetchStore({ ...plain, presigned: { key: "KEY", share: named(sealed), query: "T=1" } }, {
			now: () => now, wait: async () => {},
			fetch: async (url) => { asked.push(url); return answer(200, url.includes("/shares/") ? file : "object"); },
			decrypt: async (b, identity) => { opened.push([Buffer.from(b).toString(), identity]); return new TextEncoder().encode(table); },
		});
		return { store, asked, opened };
	};
	const { store, asked, opened } = make(text);
	await Promise.all([store.get(head), store.get(recording + "/log/0000")]);
	assert.deepEqual(asked, [`${plain.store}/${recording}/shares/${named(sealed)}.age?T=1`, `${plain.store}/${head}?X=1&S=aa`, `${plain.store}/${recording}/log/0000?X=1&S=bb`]);
	assert.deepEqual(opened, [["sealed", "AGE-SECRET-KEY-PQ-1KEY"]]);
	assert.equal(await kindOf(store.get(segment)), "refused later");
	for (const [what, ...bad] of [
		["another file", text, "other"], ["of another recording", text.replace(recording, "x")], ["names that fall", text + "head cc\n"], ["no end", text.trimEnd()],
		["no names", text.split("\n").slice(0, 3).join("\n") + "\n"], ["another version", text.replace("v1", "v2")], ["a space", text.replace("aa", "a a")],
	]) assert.equal(await kindOf(make(...bad).store.get(head)), "refused", what);
});
